"""What a server of the Terraform HTTP state protocol keeps for us: a state, and a lock's document.

    text of a ledger ── dump ──► Terraform state, version 4, our text in a key of its own ── load ──► text
    Ticket ── lock_document ──► the protocol's lock document ── read_lock ──► Ticket

Pure. The text is in a key that Terraform leaves out, and not in an output: outputs are shown in pages and logs.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, unquote

from reconciler import __version__
from reconciler.ledger.home import Ticket
from reconciler.model.errors import LedgerError

KEY = "reconciler"
"""The key of a state's document that is ours."""

FORMAT = 1
_TERRAFORM = "1.0.0"
_LONGEST_ID = 255
_PACKED = ("reason", "holder", "job", "commit")


@dataclass(frozen=True, slots=True)
class State:
    """A text as a state: Terraform's lineage and serial, which grows by one with every write."""

    text: str
    lineage: str
    serial: int

    @property
    def version(self) -> tuple[str, int, str]:
        """What tells this state from every other one of its project."""
        digest = hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()
        return (self.lineage, self.serial, digest)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock as the server tells it: its id on the wire, and what that says to people."""

    id: str
    ticket: Ticket


def after(old: State | None, text: str) -> State:
    """Return the state that follows another one; the first has a lineage of its own."""
    if old is None:
        return State(text, str(uuid.uuid4()), 1)
    return State(text, old.lineage, old.serial + 1)


def dump(state: State, server: str, project: str) -> bytes:
    """Write a state: JSON of ASCII alone, so that it survives whatever stands between."""
    document = {
        "version": 4,
        "terraform_version": _TERRAFORM,
        "serial": state.serial,
        "lineage": state.lineage,
        "outputs": {},
        "resources": [],
        KEY: {"format": FORMAT, "server": server, "project": project, "text": state.text},
    }
    return json.dumps(document).encode("ascii")


def load(body: bytes, server: str, project: str, place: str) -> State:
    """Read a state back.

    Raises LedgerError where it is none, not ours, another project's, damaged or of a newer format.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        hint = "is this the address of states, and not of a page or a login in front of them?"
        raise LedgerError(f"what {place} holds for project {project} is not JSON", hint) from None
    ours = document.get(KEY) if isinstance(document, dict) else None
    if not isinstance(ours, dict):
        raise LedgerError(
            f"what {place} holds for project {project} is no ledger",
            "something else has written there: name another place with --ledger, or put a copy of the state back",
        )
    return _ours(document, ours, server, project, place)


def _ours(document: dict[str, Any], ours: dict[str, Any], server: str, project: str, place: str) -> State:
    form, text, serial, lineage = ours.get("format"), ours.get("text"), document.get("serial"), document.get("lineage")
    if isinstance(form, int) and form > FORMAT:
        raise LedgerError(
            f"the ledger in {place} has format {form}, this version reads up to {FORMAT}", "upgrade reconciler"
        )
    if not isinstance(text, str) or type(serial) is not int or not isinstance(lineage, str):
        hint = "put a copy of that state back"
        raise LedgerError(f"the ledger in {place} is damaged: the state of project {project}", hint)
    if (ours.get("server"), ours.get("project")) != (server, project):
        raise LedgerError(
            f"the state in {place} is about project {ours.get('project')} of {ours.get('server')},"
            f" not about {project} of {server}",
            "let the URL of the ledger end where the names of states begin, or put {project} where they go",
        )
    return State(text, lineage, serial)


def printable(text: str) -> str:
    """Return a server's text for a terminal: without what would move its cursor."""
    return "".join(letter for letter in text if letter.isprintable())


# Locks -----------------------------------------------------------------------------------------------------


def wire_id(ticket: Ticket, *, packed: bool) -> str:
    """Return a lock's id on the wire.

    Packed, it says who holds it as well: GitLab answers whoever comes second with the id, the account and the time
    of the first, but with the operation and the info of the second.
    """
    if not packed:
        return ticket.id
    told = [getattr(ticket, name) for name in _PACKED]
    while told:
        id = ";".join(quote(part, safe="@:/") for part in (ticket.id, *told))
        if len(id) <= _LONGEST_ID:
            return id
        told.pop()
    return ticket.id


def own_id(wire: str) -> str:
    """Return the ticket's id of an id on the wire: what a person types."""
    return unquote(wire.partition(";")[0]) if ";" in wire else wire


def lock_document(ticket: Ticket, id: str, path: str) -> bytes:
    """Write the document that a lock is asked for with, with every field that Terraform sends."""
    document = {
        "ID": id,
        "Operation": ticket.reason,
        "Info": json.dumps({"commit": ticket.commit, "job": ticket.job, "pid": ticket.pid}),
        "Who": ticket.holder,
        "Version": f"reconciler {__version__}",
        "Created": _written(ticket.since),
        "Path": path,
    }
    return json.dumps(document).encode("ascii")


def read_lock(body: bytes, *, packed: bool) -> Lock | None:
    """Read the document of a lock that somebody holds; None where there is none that can be read."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not _text(document, "ID"):
        return None
    id, since = _text(document, "ID"), _moment(_text(document, "Created"))
    if packed:
        return Lock(id, _unpacked(id, _text(document, "Who"), since))
    info = _info(_text(document, "Info"))
    commit, job, pid = _text(info, "commit"), _text(info, "job"), info.get("pid")
    pid = pid if type(pid) is int else 0
    return Lock(id, Ticket(id, _text(document, "Who"), _text(document, "Operation"), commit, job, since, None, pid))


def _unpacked(id: str, who: str, since: float) -> Ticket:
    if ";" not in id:
        return Ticket(id, who, since=since)
    told = [unquote(part) for part in id.split(";")[1:]]
    parts = dict(zip(_PACKED, told, strict=False))
    commit, job = parts.get("commit", ""), parts.get("job", "")
    return Ticket(own_id(id), parts.get("holder") or who, parts["reason"], commit, job, since)


def _info(text: str) -> dict[str, Any]:
    """Read our own info; another program's is whatever it likes."""
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return info if isinstance(info, dict) else {}


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return printable(value) if isinstance(value, str) else ""


def _written(since: float) -> str:
    return datetime.fromtimestamp(since, UTC).isoformat()


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
