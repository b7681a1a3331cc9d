"""Texts that must never come out, and how they could have been disguised.

A canary begins and ends with a word of its own; between them stands what quoting, escaping and line breaks
change. Each word is searched for by itself, so that no escape in the middle hides it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

ODD = "\"'\n%41&<é漢 \\ "
"""What stands between the two words: quotes, a line break, a percent sign, an ampersand, two scripts."""


@dataclass(frozen=True)
class Canary:
    """One secret: where it was put, its text, and the words in it that nothing else has."""

    where: str
    text: str
    words: tuple[str, ...]


def canary(where: str, *, odd: str = ODD) -> Canary:
    """Make the secret of a place. `odd`: what stands in its middle; "" for one that is a single word."""
    mark = hashlib.sha256(where.encode()).hexdigest()
    letters = mark.translate(str.maketrans("0123456789", "ghijklmnop"))
    head, tail = f"Kw{letters[:12]}", f"Vz{letters[12:24]}"
    return Canary(where, f"{head}{odd}{tail}", (head, tail))


@functools.cache
def disguises(one: Canary) -> tuple[tuple[str, bytes], ...]:
    """Return every form in which a secret could come out: what the form is called, and its bytes."""
    return tuple(_disguises(one))


def _disguises(one: Canary) -> Iterator[tuple[str, bytes]]:
    for word in one.words:
        clear = word.encode()
        yield "clear", clear
        yield "hex", clear.hex().encode()
        yield "HEX", clear.hex().upper().encode()
        yield "UTF-16", word.encode("utf-16-le")
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + clear)
            yield f"base64 behind {shift}", coded[4 if shift else 0 : len(clear) * 4 // 3 - 2]
    for name, text in written(one.text):
        for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5):
            yield f"{digest().name} of {name}", digest(text.encode()).hexdigest()[:12].encode()


def written(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text as programs write it: the forms of which somebody may make a digest."""
    yield "the text", text
    yield "its JSON", json.dumps(text)
    yield "its JSON in UTF-8", json.dumps(text, ensure_ascii=False)
    yield "its URL form", quote(text, safe="")
    yield "its repr", repr(text)


def found(canaries: list[Canary], output: bytes) -> list[str]:
    """Return what an output tells of any of the secrets: where the secret was, and in which form."""
    return sorted({f"{one.where}: {form}" for one in canaries for form, seen in disguises(one) if seen in output})
