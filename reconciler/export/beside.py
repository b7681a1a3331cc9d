"""What goes along with definitions: the list of credentials, what was not exported, how Git treats scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

ENV = ".env.example"
NOT_EXPORTED = "not-exported.txt"
ATTRIBUTES = ".gitattributes"

ATTRIBUTES_TEXT = """\
# Scripts are kept byte for byte: no line ending is changed on the way in or out.
*.sh -text
*.bat -text
*.ps1 -text
"""

_ENV_HEAD = """\
# Credentials of the definitions. Their values are in no file: put them into the environment, as secrets of your CI.
# A variable that is not set is not compared; a build that is to be created or changed needs its values.
"""
_LEFT_HEAD = """\
# Builds of the server that are not in this tree. Rewritten by every `reconciler export`.
"""


def env_example(before: str, variables: Mapping[str, str]) -> str:
    """Return the list of credentials: what was there, and the variables that it lacks, in order.

    Args:
        before: the file as it is, "" where there is none.
        variables: name → what it is for.
    """
    there = {line.partition("=")[0].removeprefix("export ").strip() for line in before.splitlines()}
    new = [f"\n# {_line(variables[name])}\n{name}=\n" for name in sorted(variables) if name not in there]
    if not new:
        return before
    text = before or _ENV_HEAD
    return text + ("" if text.endswith("\n") else "\n") + "".join(new)


def not_exported(jenkins: Sequence[str], others: Iterable[tuple[str, str]]) -> str:
    """Return the list of what is not in the tree. `others`: name and reason."""
    lines = [_LEFT_HEAD]
    if jenkins:
        lines.append("\n# Jenkins runs these; the API cannot write them:\n")
        lines += [f"#   {_line(name)}\n" for name in sorted(jenkins)]
    told = sorted(others)
    if told:
        lines.append("\n# No definition can hold these:\n")
        lines += [f"#   {_line(name)}: {_line(reason)}\n" for name, reason in told]
    return "".join(lines)


def _line(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
