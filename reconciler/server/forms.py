"""How programs write a text: what a secret looks like that somebody repeats."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from functools import reduce
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""Characters of a secret that is looked for inside other texts; a shorter one cannot be told from a common word."""


def forms(clear: str) -> set[str]:
    """Return a text in clear, in JSON (as Go escapes it, and inside of JSON too), in a URL, and encoded."""
    data = clear.encode("utf-8", "surrogatepass")
    quoted = [json.dumps(clear)[1:-1], json.dumps(clear, ensure_ascii=False)[1:-1], repr(clear)[1:-1]]
    escaped = [reduce(lambda text, sign: text.replace(sign, f"\\u{ord(sign):04x}"), "<>&", text) for text in quoted]
    twice = [json.dumps(text, ensure_ascii=False)[1:-1] for text in (*quoted, *escaped)]
    urls = [quote(data), quote(data, safe=""), quote_plus(data)]
    return {clear, *quoted, *escaped, *twice, *urls, *_base64(data), data.hex(), data.hex().upper()}


def _base64(data: bytes) -> Iterator[str]:
    """Yield what data looks like alone, and behind others, as a password behind a user's name.

    What its neighbours have a share in is left out.
    """
    yield base64.b64encode(data).decode()
    for shift in range(3):
        coded = base64.b64encode(bytes(shift) + data).decode()
        yield coded[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]


def lines(clear: str) -> list[str]:
    """Return a text and those of its lines that are long enough to be known again."""
    return [clear, *(line.strip() for line in clear.splitlines() if len(line.strip()) >= SHORTEST)]
