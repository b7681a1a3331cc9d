"""YAML text → the composer, from the parser's events.

Only events are taken from the YAML library: its composing recurses in C and dies of 26,000 brackets, keeps
the last of two equal keys, and reads types by YAML 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from reconciler.definitions.compose import Composer, Fault, Unreadable
from reconciler.definitions.scalars import resolve
from reconciler.definitions.syntax import explain
from reconciler.definitions.text import check_characters

_SURROGATE_ESCAPE = re.compile(r"\\(?:u|U0000)[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_MAX_DIRECTIVES = 20
_VERSION = (1, 2)
_TOO_DEEP = "maximum nesting depth"
"""What newer releases of libyaml say of 1,000 open brackets, before they hand out any of them."""


def scan(text: str, composer: Composer) -> None:
    """Read every document of a YAML text. Raises Unreadable."""
    import yaml  # noqa: PLC0415 - not needed for --help

    check_characters(text)
    if text.count("\n%") > _MAX_DIRECTIVES:
        start = text.index("\n%") + 1
        raise Unreadable(Fault(start, start + 1, "too many % directives", "leave them out", "directive"))
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    scanner = _Scanner(composer, yaml, surrogates=_SURROGATE_ESCAPE.search(text) is not None)
    try:
        scanner.run(yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if _TOO_DEEP in str(error.problem) and mark and 0 < mark.index < len(text):
            scan(text[: mark.index], Composer())  # our own bound, at its own place
        raise Unreadable(explain(error, text)) from None
    except yaml.YAMLError as error:
        raise Unreadable(Fault(0, 1, f"this is not YAML: {type(error).__name__}", "", "syntax")) from None


class _Scanner:
    """Passes events on to a composer."""

    def __init__(self, composer: Composer, yaml: Any, *, surrogates: bool) -> None:
        self._composer = composer
        self._surrogates = surrogates
        self._takers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._mapping,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceStartEvent: self._sequence,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def run(self, events: Iterable[Any]) -> None:
        """Take every event; those of the stream itself and of documents' ends say nothing."""
        takers = self._takers
        for event in events:
            if taker := takers.get(type(event)):
                taker(event)

    def _scalar(self, event: Any) -> None:
        start, end, value = event.start_mark.index, event.end_mark.index, event.value
        if event.tag is not None:
            self._tag(event)
        elif not event.style:
            value = resolve(value)
            if value == "<<" and self._composer.key_due:
                self._composer.drop_merge_key(start, end)
                return
        elif self._surrogates and _SURROGATE.search(value):
            raise Unreadable(Fault(start, end, "half a surrogate pair is no character", "", "surrogate"))
        self._composer.scalar(value, start, end, event.anchor)

    def _mapping(self, event: Any) -> None:
        if event.tag is not None:
            self._tag(event)
        self._composer.open({}, event.start_mark.index, event.anchor)

    def _sequence(self, event: Any) -> None:
        if event.tag is not None:
            self._tag(event)
        self._composer.open([], event.start_mark.index, event.anchor)

    def _end(self, event: Any) -> None:
        self._composer.close(event.end_mark.index)

    def _alias(self, event: Any) -> None:
        self._composer.alias(event.anchor, event.start_mark.index, event.end_mark.index)

    def _document(self, event: Any) -> None:
        self._composer.begin()
        if event.version is not None and tuple(event.version) != _VERSION:
            start, end = event.start_mark.index, event.end_mark.index
            self._composer.fault(start, end, "definitions are YAML 1.2", "leave the %YAML line out", "directive")

    def _tag(self, event: Any) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")[:40]
        start, hint = event.start_mark.index, "leave it out; put quotes around what is a text"
        self._composer.fault(start, event.end_mark.index, f"tags such as {tag} are not allowed", hint, "tag")
