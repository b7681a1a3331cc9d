"""Text → documents, strictly: YAML from the parser's events, JSON from its text.

Only events are taken from the YAML library: its composing recurses in C and dies of 26,000 brackets, keeps
the last of two equal keys, and reads types by YAML 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.definitions.compose import Composer, Fault, Parsed, Unreadable
from reconciler.definitions.json_text import scan
from reconciler.definitions.scalars import resolve
from reconciler.definitions.text import check_characters

_SURROGATE_ESCAPE = re.compile(r"\\(?:u|U0000)[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_DIRECTIVES = 20


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds: its documents, and what is wrong with the text."""

    documents: tuple[Parsed, ...]
    faults: tuple[Fault, ...]


def read(text: str, *, json: bool, spotting: bool = False) -> Contents:
    """Read a file's text. Never raises: what cannot be read is a fault.

    Args:
        text: the decoded file, without byte order mark.
        json: it is JSON, else YAML.
        spotting: note the spot of every value, for messages.
    """
    composer = Composer(spotting)
    try:
        if json:
            scan(text, composer)
        else:
            check_characters(text)
            _yaml(text, composer)
    except Unreadable as stop:
        composer.faults.append(stop.fault)
    return Contents(tuple(composer.documents), tuple(composer.faults))


def _yaml(text: str, composer: Composer) -> None:
    yaml = _library()

    if text.count("\n%") > _MAX_DIRECTIVES:
        raise Unreadable(_at(text, text.index("\n%") + 1, "too many % directives", "leave them out", "directive"))
    surrogates = _SURROGATE_ESCAPE.search(text) is not None
    try:
        for event in _events(yaml, text):
            _take(event, composer, yaml)
            if surrogates and isinstance(event, yaml.ScalarEvent) and _SURROGATE.search(event.value):
                start, end = event.start_mark.index, event.end_mark.index
                raise Unreadable(Fault(start, end, "half a surrogate pair is no character", "", "surrogate"))
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_syntax(error, text)) from None
    except yaml.YAMLError as error:
        raise Unreadable(_at(text, 0, f"this is not YAML: {type(error).__name__}", "", "syntax")) from None


def _library() -> Any:
    import yaml  # noqa: PLC0415 - not needed for --help

    return yaml


def _events(yaml: Any, text: str) -> Iterator[Any]:
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    events: Iterator[Any] = yaml.parse(text, Loader=loader)
    return events


def _take(event: Any, composer: Composer, yaml: Any) -> None:
    kind = type(event)
    start, end = event.start_mark.index, event.end_mark.index
    if kind is yaml.ScalarEvent:
        if event.tag is not None:
            _tag(event, composer)
        plain = event.style is None or event.style == ""
        value = resolve(event.value) if plain and event.tag is None else event.value
        if plain and value == "<<" and composer.key_due:
            composer.drop_merge_key(start, end)
        else:
            composer.scalar(value, start, end, event.anchor)
    elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
        if event.tag is not None:
            _tag(event, composer)
        composer.open({} if kind is yaml.MappingStartEvent else [], start, event.anchor)
    elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
        composer.close(end)
    elif kind is yaml.AliasEvent:
        composer.alias(event.anchor, start, end)
    elif kind is yaml.DocumentStartEvent:
        composer.begin()
        if event.version is not None and tuple(event.version) != (1, 2):
            composer.fault(start, end, "definitions are YAML 1.2", "leave the %YAML line out", "directive")


def _tag(event: Any, composer: Composer) -> None:
    start = event.start_mark.index
    message = f"tags such as {_short(event.tag)} are not allowed"
    composer.fault(start, event.end_mark.index, message, "leave it out; put quotes around what is a text", "tag")


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")[:40]


_EXPLAINED = (
    ("cannot start any token", "a character that cannot stand here", "put quotes around the text; indent with spaces"),
    ("mapping values are not allowed", 'a second ": " in one line', 'put quotes around a text that holds ": "'),
    ("expected <block end>, but found", "this does not fit what is above", "check the indentation and the quotes"),
    ("did not find expected key", "no key where one is due", "check the indentation and the quotes above"),
    ("did not find expected '-' indicator", 'no "-" where one is due', "check the indentation"),
    ("could not find expected ':'", 'no ":" behind a key', 'a key needs ":" and a space behind it'),
    ("expected ',' or ']'", "a list in [ ] is not closed", "close the list with ]"),
    (
        "expected ',' or '}'",
        "a mapping in { } is not closed",
        "close it with }; a text that begins with { needs quotes",
    ),
    ("unexpected end of stream", "the file ends inside a quoted text", "close the quotes"),
    ("unexpected document indicator", "a document ends inside a quoted text", "close the quotes"),
    ("unknown escape", "an unknown escape behind a backslash", "double the backslash, or use single quotes"),
    (
        "invalid Unicode character escape",
        "an escape that is no character",
        "escape whole characters, as in \\U0001F600",
    ),
    ("found a tab character", "a tab where indentation is due", "indent with spaces"),
    ("did not find expected node content", "a value is missing, or a bracket is not closed", "close what is open"),
    ("undefined tag handle", "a tag that nobody defined", "leave the tag out"),
)


_UNCLOSED = (
    "found unexpected end of stream",
    "found unexpected document indicator",
    "did not find expected ',' or ']'",
    "did not find expected ',' or '}'",
)
"""Faults that are shown where the thing begins that is not closed."""


def _syntax(error: Any, text: str) -> Fault:
    problem = str(error.problem or error.context or "syntax error")
    unclosed = error.context_mark if problem in _UNCLOSED else None
    mark = unclosed or error.problem_mark or error.context_mark
    offset = mark.index if mark else 0
    if text[offset : offset + 1] == "\t":
        problem = "found a tab character"
    for pattern, message, hint in _EXPLAINED:
        if pattern in problem:
            return _at(text, offset, f"this is not YAML: {message}", hint, "syntax")
    return _at(text, offset, f"this is not YAML: {problem}", "", "syntax")


def _at(text: str, offset: int, message: str, hint: str, rule: str) -> Fault:
    start = min(offset, len(text))
    return Fault(start, start + 1, message, hint, rule)
