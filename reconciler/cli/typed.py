"""A command line of bash up to the cursor → the words before it, and the one that is being typed.

Nothing is expanded and nothing is run: a `$(...)` is text. What the shell itself will keep of the last word, up
to a character at which its own completion begins a new one, is known, and so is the quote that is open.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_SPACE = " \t\n"
_REDIRECT = "<>"
_IN_DOUBLE = '\\"$`'
_BARE = "_-./@%+,:="


@dataclass(slots=True)
class Typed:
    """What was typed.

    Attributes:
        words: those that are complete, the command first.
        last: the one before the cursor, without its quotes; "" where none has begun.
        quote: the one that is open.
        kept: how many characters of `last` the shell keeps by itself.
        redirected: `last` is a file for input or output.
        odd: `last` has quotes in the middle, where nobody can say what would be replaced.
    """

    words: list[str] = field(default_factory=list)
    last: str = ""
    quote: str = ""
    kept: int = 0
    redirected: bool = False
    odd: bool = False

    def quoted(self, name: str) -> str | None:
        """Return a name as it has to stand behind what is kept; None where it cannot be typed here."""
        rest = name[self.kept :]
        if self.odd or not name.startswith(self.last):
            return None
        if self.quote == "'":
            return rest if "'" not in rest else None
        if self.quote:
            return "".join(f"\\{c}" if c in _IN_DOUBLE else c for c in rest) if "!" not in rest else None
        return "".join(c if c.isalnum() or c in _BARE else f"\\{c}" for c in rest)


def typed(line: str, breaks: str) -> Typed:
    """Take a line apart. `breaks`: where bash begins a new word for its completion, beside blanks."""
    found, begun = Typed(), False
    characters = iter(line)
    for c in characters:
        if not found.quote and c in _SPACE + _REDIRECT:
            if begun:
                found.words.append(found.last)
            found = Typed(found.words, redirected=c in _REDIRECT or (found.redirected and not begun))
            begun = False
            continue
        if c == found.quote:
            found.quote, found.odd = "", True
        elif not found.quote and c in "'\"":
            found.odd = found.odd or begun
            found.quote = c
        elif c == "\\" and found.quote != "'":
            escaped = next(characters, "")
            found.last += f"\\{escaped}" if found.quote and escaped not in _IN_DOUBLE else escaped
        else:
            found.last += c
            if not found.quote and c in breaks:
                found.kept = len(found.last)
        begun = True
    return found
