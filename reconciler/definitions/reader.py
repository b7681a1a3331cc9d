"""Text → documents, strictly: what a file holds, and what is wrong with its text."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.definitions import json_text, yaml_text
from reconciler.definitions.compose import Composer, Fault, Parsed, Unreadable


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
            json_text.scan(text, composer)
        else:
            yaml_text.scan(text, composer)
    except Unreadable as stop:
        composer.faults.append(stop.fault)
    return Contents(tuple(composer.documents), tuple(composer.faults))
