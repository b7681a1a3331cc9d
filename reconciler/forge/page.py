"""The text of a comment: the mark that it is found by, what fits, and nothing that the other side would act on.

Pure. Markdown enters, the comment's text leaves: the mark as its first line, cut at a line where it is too long, with
the fences, folded sections and hidden remarks closed again that the cut went through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_FOLD = re.compile(r"</?details\b", re.IGNORECASE)
_ACTION = re.compile(r"/\w")
_ANYWHERE_DASHES = re.compile(r"^-|-(?=-)|-$")


def mark_of(tree: str) -> str:
    """Return the hidden first line of a tree's comment; no name of a tree can end it or be taken for another's."""
    name = _ANYWHERE_DASHES.sub("%2D", quote(tree, safe="/", errors="surrogatepass"))
    return f"<!-- reconciler: {name} -->"


def is_marked(body: str, mark: str) -> bool:
    """Tell whether a comment begins with a mark; one that only quotes it does not."""
    return body.split("\n", 1)[0].strip() == mark


def is_same(one: str, other: str) -> bool:
    """Tell whether two comments say the same: ends of lines and of the text may be written otherwise."""
    return one.replace("\r\n", "\n").rstrip() == other.replace("\r\n", "\n").rstrip()


def body_of(mark: str, markdown: str, longest: int, *, acts: bool) -> str:
    """Return the text of a comment, at most `longest` characters.

    Args:
        mark: its first line.
        markdown: what it says.
        longest: characters that a comment may have.
        acts: a line that begins with a slash is a command there (GitLab's quick actions): none stays one.
    """
    text = markdown.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd").strip("\n")
    if acts:
        text = "\n".join(_harmless(text.split("\n")))
    return f"{mark}\n{fitting(text, longest - len(mark) - 2)}\n"


def fitting(text: str, longest: int) -> str:
    """Return Markdown of at most `longest` characters: whole lines, what was open closed, the rest counted."""
    if len(text) <= longest:
        return text
    lines, inside, used = text.split("\n"), _Inside(), 0
    best, kept = "", 0
    for number, line in enumerate(lines):
        used += len(line) + 1
        if used > longest:
            break
        inside.pass_over(line)
        ending = inside.ending() + _left_out(lines, number + 1)
        if used + len(ending) <= longest:
            best, kept = ending, number + 1
    return "\n".join(lines[:kept]) + "\n" + best if kept else _left_out(lines, 0).strip("\n")


def _left_out(lines: list[str], kept: int) -> str:
    return (
        f"\n**{len(lines) - kept:,} of {len(lines):,} lines are left out here: a comment cannot hold more.**"
        " See the job that wrote it for the whole."
    )


@dataclass(slots=True)
class _Inside:
    """What is open behind a line of Markdown: a fence, a hidden remark, folded sections."""

    fence: str = ""
    remark: bool = False
    folds: int = 0

    def pass_over(self, line: str) -> None:
        """Take note of what a line opens and closes."""
        found = _FENCE.fullmatch(line)
        if self.fence:
            if found and found[1].startswith(self.fence) and not found[2].strip():
                self.fence = ""
        elif found and not self.remark and not (found[1][0] == "`" and "`" in found[2]):
            self.fence = found[1]
        else:
            self._pass_tags(line)

    def _pass_tags(self, line: str) -> None:
        for tag in re.findall(r"<!--|-->|</?details\b", line, re.IGNORECASE):
            if tag in ("<!--", "-->"):
                self.remark = tag == "<!--"
            elif not self.remark:
                self.folds = max(0, self.folds + (-1 if tag[1] == "/" else 1))

    def ending(self) -> str:
        """Return the lines that close it all, the innermost first."""
        lines = [self.fence] if self.fence else []
        lines += ["-->"] if self.remark else []
        lines += ["\n</details>"] * self.folds
        return "".join(f"{line}\n" for line in lines)


def _harmless(lines: list[str]) -> Iterator[str]:
    """Yield lines none of which begins with a slash: escaped in text, moved by one column in a fence."""
    inside = _Inside()
    for line in lines:
        inside.pass_over(line)
        if not _ACTION.match(line):
            yield line
        else:
            yield f" {line}" if inside.fence else f"\\{line}"
