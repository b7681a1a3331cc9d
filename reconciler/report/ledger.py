"""What a ledger holds, as text and as the document of `schemas/ledger.schema.json`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from reconciler.model.shelf import Book, Finding, Holder, Shelf
from reconciler.report.ink import Colour, Ink, safe

FORMAT_VERSION = "1.0"

SHORT = 8
"""Characters of a commit that are shown."""

SHOWN = 10
"""Names of announced builds that are shown."""


def shelf_document(shelf: Shelf) -> dict[str, Any]:
    """Return the document of the schema."""
    return {
        "format_version": FORMAT_VERSION,
        "place": shelf.place,
        "server": shelf.server,
        "projects": [_book_document(book) for book in shelf.books],
    }


def _book_document(book: Book) -> dict[str, Any]:
    written, lock = book.written, book.lock
    return {
        "project": book.project,
        "builds": book.builds,
        "exact": book.exact,
        "assumed": book.assumed,
        "protected": book.protected,
        "trees": dict(book.trees),
        "intents": list(book.intents),
        "exported": book.seen,
        "size": book.size,
        "written": {
            "when": written.when,
            "by": written.author or None,
            "command": written.reason or None,
            "commit": written.commit or None,
            "job": written.job or None,
        }
        if written.when
        else None,
        "lock": {
            "id": lock.id,
            "holder": lock.holder,
            "command": lock.reason or None,
            "commit": lock.commit or None,
            "job": lock.job or None,
            "since": int(lock.since),
            "until": None if lock.until is None else int(lock.until),
        }
        if lock
        else None,
        "problems": [
            {"name": found.name or None, "message": found.message, "hint": found.hint} for found in book.findings
        ],
    }


def render_shelf(shelf: Shelf, ink: Ink, *, quiet: bool = False) -> str:
    """Return what is shown: the place, then a paragraph per project; `quiet`: only what is wrong."""
    lines = [] if quiet else [f"ledger {safe(shelf.place)} of {safe(shelf.server)}", ""]
    for book in shelf.books:
        if not quiet:
            lines += [ink.paint(safe(book.project), Colour.STRONG), *(f"  {line}" for line in _lines(book))]
        lines += [line for found in book.findings for line in _finding(book, found, ink)]
    if not shelf.books and not quiet:
        lines.append("It holds nothing about this server.")
    return "".join(f"{line}\n" for line in lines)


def render_check(shelf: Shelf, ink: Ink) -> str:
    """Return the last line of a check."""
    count = sum(len(book.findings) for book in shelf.books)
    builds = sum(book.builds for book in shelf.books)
    told = f"{_counted(len(shelf.books), 'document')}, {_counted(builds, 'record')}"
    if count:
        return ink.paint(f"{_counted(count, 'problem')} in {told}", Colour.BAD) + "\n"
    return ink.paint(f"All is well: {told}", Colour.GOOD) + "\n"


def _lines(book: Book) -> Iterator[str]:
    if book.size:
        protected = f", {book.protected} protected" if book.protected else ""
        yield f"{_counted(book.builds, 'build')}: {book.exact} exact, {book.assumed} assumed{protected}"
        trees = ", ".join(f"{safe(tree)} ({count})" for tree, count in book.trees)
        if trees:
            yield f"trees: {trees}"
        if book.intents:
            more = f" and {len(book.intents) - SHOWN} more" if len(book.intents) > SHOWN else ""
            names = ", ".join(safe(name) for name in book.intents[:SHOWN])
            yield f"announced and not yet recorded: {names}{more} (the next plan asks the server what became of them)"
        if book.seen:
            yield f"{_counted(book.seen, 'build')} remembered by export"
        yield f"last written {_written(book)}"
    elif not book.findings:
        yield "no document"
    if book.lock:
        yield f"locked by {_holder(book.lock)}"


def _written(book: Book) -> str:
    written = book.written
    if not written.when:
        return "by an earlier version"
    by = f" by {safe(written.author)}" if written.author else ""
    commit = f" from commit {safe(written.commit[:SHORT])}" if written.commit else ""
    job = f", {safe(written.job)}" if written.job else ""
    return f"{_moment(written.when)}{by}: {safe(written.reason) or 'a run'}{commit}{job}"


def _holder(lock: Holder) -> str:
    commit = f" of commit {safe(lock.commit[:SHORT])}" if lock.commit else ""
    job = f", {safe(lock.job)}" if lock.job else ""
    free = "" if lock.until is None else f", free at {_moment(lock.until)} unless it is renewed"
    what = safe(lock.reason) or "a run"
    return f"{safe(lock.holder)} since {_moment(lock.since)}: {what}{commit}{job}{free} (id {safe(lock.id)})"


def _finding(book: Book, found: Finding, ink: Ink) -> list[str]:
    what = f"{safe(book.project)}/{safe(found.name)}" if found.name else safe(book.project)
    return [ink.paint(f"✗ {what}: {safe(found.message)}", Colour.BAD), f"  → {safe(found.hint)}"]


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _moment(when: float) -> str:
    try:
        return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"at {when}"
