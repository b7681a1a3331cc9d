"""Names of builds and projects → names of files and folders that every file system takes and a person can read.

    names ─► readable ─► stem        api-test      ─► api-test
                                     A B           ─► A-B~fea4c5ce
                                     构建          ─► 构建
                                     CON           ─► CON~a3dbc4b6

A name that is a good file name is its own stem. Every other one gets what is readable of it, and a part of its
SHA-256 behind `~`, which no other stem has: the same name, the same stem, whatever else is exported. Only where
names differ in nothing but their capitals does a stem depend on the others.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from reconciler.model.reserved import is_reserved

LONGEST = 120
"""Bytes of a stem in UTF-8, so that it fits every file system with an ending behind it."""

_OURS = frozenset(("_defaults", "reconciler"))
"""With `.yaml` behind them these are defaults and configuration, not definitions."""

_ASCII = re.compile(r"[A-Za-z0-9._-]")
_LETTERS_AND_DIGITS = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nd"))
_JOINING = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]")
"""Parts of Hangul syllables: they join with what stands beside them, and two of them are invisible."""

_DIGITS = (8, 16, 32, 64)


def stems(names: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Return name → stem: unique ignoring case and Unicode normalisation, among themselves and against `taken`.

    Args:
        names: of builds or projects that share a folder; their order and repetition do not matter.
        taken: stems that the folder has already.
    """
    used = {_folded(stem) for stem in taken}
    wanted = sorted(set(names))
    alike = Counter(_folded(name) for name in wanted if _is_stem(name))
    found: dict[str, str] = {}
    for name in wanted:
        alone = alike[_folded(name)] == 1 or name == name.casefold()
        if _is_stem(name) and alone and _folded(name) not in used:
            found[name] = name
    used.update(map(_folded, found.values()))
    for name in wanted:
        if name not in found:
            found[name] = next(stem for stem in _marked(name) if _folded(stem) not in used)
            used.add(_folded(found[name]))
    return {name: found[name] for name in wanted}


def _is_stem(name: str) -> bool:
    """Tell whether a name can be a stem as it is."""
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= LONGEST
        and all(map(_stays, name))
        and name[0] not in "-."
        and name[-1] != "."
        and unicodedata.is_normalized("NFC", name)
        and not is_reserved(name)
        and _folded(name) not in _OURS
    )


def _marked(name: str) -> Iterator[str]:
    """Yield stems for a name that is none itself, each with more of its SHA-256 than the one before."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    marks = (f"~{digest[:digits]}" for digits in _DIGITS)
    more = (f"~{digest}-{number}" for number in itertools.count(2))
    readable = _readable(name)
    for mark in itertools.chain(marks, more):
        room = LONGEST - len(mark)
        yield readable.encode()[:room].decode("utf-8", "ignore") + mark


def _readable(name: str) -> str:
    """Return a name with `-` in place of what does not belong in a file name; never empty."""
    text = "".join(sign if _stays(sign) else "-" for sign in unicodedata.normalize("NFC", name))
    text = text.strip("-.") or "_"
    return text.replace(".", "-", 1) if is_reserved(text) else text


def _stays(sign: str) -> bool:
    """Tell whether a character stands in file names: visible, and the same however capitals and accents are written."""
    if sign.isascii():
        return _ASCII.fullmatch(sign) is not None
    if unicodedata.category(sign) not in _LETTERS_AND_DIGITS or _JOINING.fullmatch(sign):
        return False
    lower, upper = sign.lower(), sign.upper()
    steady = len(lower) == len(upper) == 1 and sign.casefold() == lower == upper.lower()
    return steady and all(unicodedata.is_normalized("NFKC", one) for one in (sign, lower, upper))


def _folded(stem: str) -> str:
    """Return what is equal for two stems that some file system takes for one."""
    text = unicodedata.normalize("NFKC", stem).upper().casefold()
    return unicodedata.normalize("NFKC", text)
