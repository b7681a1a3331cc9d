"""What the YAML parser says is wrong → a sentence and a hint for the person who wrote it.

The two parsers (libyaml and the library's own) differ in words; what is looked for is in both.
"""

from __future__ import annotations

from typing import Any

from reconciler.definitions.compose import Fault

_TAB = "a tab where indentation is due"

_EXPLAINED = (
    ("cannot start any token", "a character that cannot stand here", "put quotes around the text; indent with spaces"),
    ("mapping values are not allowed", 'a second ": " in one line', 'put quotes around a text that holds ": "'),
    ("expected <block end>, but found", "this does not fit what is above", "check the indentation and the quotes"),
    ("did not find expected key", "this does not fit what is above", "check the indentation and the quotes"),
    ("expected '-' indicator", 'no "-" where one is due', "check the indentation"),
    ("could not find expected ':'", 'no ":" behind a key', 'a key needs ":" and a space behind it'),
    ("expected ',' or ']'", "a list in [ ] is not closed", "close the list with ]"),
    ("expected ',' or '}'", "a mapping in { } is not closed", "close it with }, or put quotes around the text"),
    ("unexpected end of stream", "the file ends inside a quoted text", "close the quotes"),
    ("unexpected document", "a document ends inside a quoted text", "close the quotes"),
    ("unknown escape", "an unknown escape behind a backslash", "double the backslash, or use single quotes"),
    ("Unicode character escape", "an escape that is no character", "escape whole characters, as in \\U0001F600"),
    ("found a tab character", _TAB, "indent with spaces"),
    ("expected node content", "a value is missing, or a bracket is not closed", "close what is open"),
    ("expected the node content", "a value is missing, or a bracket is not closed", "close what is open"),
    ("undefined tag handle", "a tag that nobody defined", "leave the tag out"),
)
"""What the parser's problem contains → our message, our hint."""

_UNCLOSED = ("unexpected end of stream", "unexpected document", "expected ',' or ']'", "expected ',' or '}'")
"""Faults that are shown where the thing begins that is not closed."""


def explain(error: Any, text: str) -> Fault:
    """Return the fault for a parser's error (one with marks)."""
    problem = str(error.problem or error.context or "syntax error")
    unclosed = error.context_mark if any(words in problem for words in _UNCLOSED) else None
    mark = unclosed or error.problem_mark or error.context_mark
    offset = mark.index if mark else 0
    if text[offset : offset + 1] == "\t":
        problem = "found a tab character"
    for words, message, hint in _EXPLAINED:
        if words in problem:
            return Fault(offset, offset + 1, f"this is not YAML: {message}", hint, "syntax")
    return Fault(offset, offset + 1, f"this is not YAML: {problem}", "", "syntax")
