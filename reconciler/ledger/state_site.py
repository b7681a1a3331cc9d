"""Where states are kept, and as whom we go there.

Enters: the ledger's URL and the environment. Leaves: the addresses and methods of a state and its lock, and the
credentials. Nothing is asked here. Two forms of the Terraform HTTP state protocol are known:

    plain    <url>/<name>                 GET, POST, LOCK, UNLOCK        any server of the protocol
    GitLab   …/terraform/state/<name>     GET, POST; POST, DELETE on …/lock
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from reconciler.model.errors import UsageError

PROJECT = "{project}"
"""Where in a URL the name of a project's state goes; without it the name goes to the end of the path."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_GITLAB = re.compile(r"/terraform/state(/|$)")
_PREFIX = re.compile(r"/terraform/state/[^/]+$")
_READABLE = 60
_OVERWRITES = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_PLAIN_HTTP = "RECONCILER_LEDGER_ALLOW_HTTP"


@dataclass(frozen=True, slots=True)
class Site:
    """Addresses and methods. The addresses hold `{project}` where a state's name goes.

    Attributes:
        place: as messages name it.
        gitlab: it has GitLab's form.
        lock, unlock: where the lock is; the state's own address in the plain form.
        retries: how often a request is sent again, after the first time.
        waits: the shortest and the longest wait between two of them, in seconds.
    """

    place: str
    host: str
    gitlab: bool
    address: str
    lock: str
    unlock: str
    update_method: str
    lock_method: str
    unlock_method: str
    retries: int
    waits: tuple[float, float]

    def state(self, name: str) -> str:
        """Return the URL of a state."""
        return _filled(self.address, name)

    def writing(self, name: str, lock: str) -> str:
        """Return the URL at which it is written, under a lock's id where there is one."""
        return with_query(self.state(name), "ID", lock) if lock else self.state(name)

    def locking(self, name: str) -> str:
        """Return the URL at which it is locked."""
        return _filled(self.lock, name)

    def unlocking(self, name: str, id: str) -> str:
        """Return the URL at which it is unlocked. GitLab's form has the lock's id in the query as well."""
        url = _filled(self.unlock, name)
        return with_query(url, "ID", id) if self.gitlab else url


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """As whom we go: the headers to send, where they come from, and what no message may repeat."""

    source: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()

    def repeated_in(self, text: str) -> bool:
        """Tell whether a text has one of the secrets in it."""
        return any(secret in text for secret in self.secrets)


def state_name(server: str, project: str) -> str:
    """Return the name of a project's state: readable, unique, and of letters, digits, `-` and `_` alone."""
    digest = hashlib.sha256(f"{server.rstrip('/')}\n{project}".encode("utf-8", "surrogatepass")).hexdigest()[:12]
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", project)[:_READABLE]
    return f"zadig-{readable}-{digest}"


def site(url: str, environ: Mapping[str, str]) -> Site:
    """Read a ledger's URL. Raises UsageError where it cannot be one, or would not be safe."""
    parts = _checked(url, environ)
    gitlab = _GITLAB.search(parts.path) is not None
    address = _template(parts)
    locking = _below(address, "lock") if gitlab else address
    found = Site(
        place=_place(parts),
        host=parts.hostname or "",
        gitlab=gitlab,
        address=address,
        lock=_own(environ, "TF_HTTP_LOCK_ADDRESS") or locking,
        unlock=_own(environ, "TF_HTTP_UNLOCK_ADDRESS") or locking,
        update_method=environ.get("TF_HTTP_UPDATE_METHOD") or "POST",
        lock_method=environ.get("TF_HTTP_LOCK_METHOD") or ("POST" if gitlab else "LOCK"),
        unlock_method=environ.get("TF_HTTP_UNLOCK_METHOD") or ("DELETE" if gitlab else "UNLOCK"),
        retries=_number(environ, "TF_HTTP_RETRY_MAX", 2),
        waits=(_number(environ, "TF_HTTP_RETRY_WAIT_MIN", 1), _number(environ, "TF_HTTP_RETRY_WAIT_MAX", 30)),
    )
    _refuse_overwriting(found)
    return found


def account(url: str, gitlab: bool, environ: Mapping[str, str]) -> Account:
    """Find the credentials for a ledger's URL: our own token, Terraform's user and password, or a GitLab job's.

    Raises UsageError where a token cannot be one; it is not repeated.
    """
    token = environ.get("RECONCILER_LEDGER_TOKEN", "").strip()
    if token:
        if not (token.isascii() and token.isprintable() and " " not in token):
            hint = "set it to the token alone"
            raise UsageError("RECONCILER_LEDGER_TOKEN has a space, a line break or a letter that no token has", hint)
        headers = {"PRIVATE-TOKEN": token} if gitlab else {"Authorization": f"Bearer {token}"}
        return Account("RECONCILER_LEDGER_TOKEN", headers, frozenset((token,)))
    user = environ.get("TF_HTTP_USERNAME", "")
    if user and not _is_elsewhere(url, environ):
        return _basic("TF_HTTP_USERNAME and TF_HTTP_PASSWORD", user, environ.get("TF_HTTP_PASSWORD", ""))
    job = environ.get("CI_JOB_TOKEN", "")
    if job and gitlab and _is_own_server(urlsplit(url), environ):
        return _basic("CI_JOB_TOKEN", "gitlab-ci-token", job)
    return Account()


def with_query(url: str, key: str, value: str) -> str:
    """Return a URL with one more parameter in its query."""
    parts = urlsplit(url)
    query = f"{parts.query}&{key}={quote(value, safe='')}".lstrip("&")
    return urlunsplit(parts._replace(query=query))


def _basic(source: str, user: str, password: str) -> Account:
    pair = base64.b64encode(f"{user}:{password}".encode("utf-8", "surrogateescape")).decode("ascii")
    secrets = {secret for secret in (password, quote(password, safe="", errors="surrogateescape"), pair) if secret}
    return Account(source, {"Authorization": f"Basic {pair}"}, frozenset(secrets))


def _is_elsewhere(url: str, environ: Mapping[str, str]) -> bool:
    """Tell whether Terraform's variables are about another host: then its password is not for this one."""
    other = environ.get("TF_HTTP_ADDRESS", "")
    try:
        return bool(other) and urlsplit(other).netloc.rpartition("@")[2] != urlsplit(url).netloc
    except ValueError:
        return True


def _is_own_server(url: SplitResult, environ: Mapping[str, str]) -> bool:
    """Tell whether a URL is at the GitLab that runs this job: its host, port and protocol."""
    scheme = environ.get("CI_SERVER_PROTOCOL") or "https"
    usual = {"https": "443", "http": "80"}
    port = environ.get("CI_SERVER_PORT") or usual.get(scheme, "")
    ours = (scheme, environ.get("CI_SERVER_HOST", "").lower(), port)
    return (url.scheme, url.hostname or "", str(url.port or usual.get(url.scheme, ""))) == ours


def _checked(url: str, environ: Mapping[str, str]) -> SplitResult:
    """Take a URL apart. Raises UsageError, which never repeats what could be a credential."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError("the ledger's URL is not a usable address", "write https://HOST/PATH") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError("the ledger's URL is not a usable address", "write https://HOST/PATH")
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"the ledger's URL at {host} has a user or a password in it",
            "set TF_HTTP_USERNAME and TF_HTTP_PASSWORD, or RECONCILER_LEDGER_TOKEN, and leave them out of the URL",
        )
    if parts.fragment:
        raise UsageError(f"the ledger's URL at {host} has a fragment (#…)", "leave it out")
    if parts.scheme == "http" and host not in LOOPBACK and not environ.get(_PLAIN_HTTP):
        raise UsageError(
            f"the ledger at {host} would be reached without encryption, and the credentials with it",
            f"write https://, or set {_PLAIN_HTTP}=yes where the network between is your own",
        )
    return parts


def _template(parts: SplitResult) -> str:
    """Return the address of a state, with `{project}` where its name goes.

    What follows GitLab's `/terraform/state/` begins the names: there is no folder of states.
    """
    if PROJECT in parts.path or PROJECT in parts.query:
        return urlunsplit(parts)
    path = parts.path.rstrip("/")
    between = "-" if _PREFIX.search(path) else "/"
    return urlunsplit(parts._replace(path=f"{path}{between}{PROJECT}"))


def _below(address: str, segment: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{segment}"))


def _filled(address: str, name: str) -> str:
    return address.replace(PROJECT, quote(name, safe=""))


def _place(parts: SplitResult) -> str:
    """Return the URL for messages: what stands in a query may be a credential."""
    return urlunsplit(parts._replace(query="…" if parts.query else ""))


def _own(environ: Mapping[str, str], name: str) -> str:
    """Return an address from the environment if it is for any project; else it is one state's of Terraform's own."""
    address = environ.get(name, "")
    return address if PROJECT in address else ""


def _number(environ: Mapping[str, str], name: str, usual: int) -> int:
    text = environ.get(name, "").strip()
    if not text:
        return usual
    if not text.isdecimal():
        raise UsageError(f"{name} is not a number of 0 or more", f"set {name}={usual}, or leave it unset")
    return int(text)


def _refuse_overwriting(found: Site) -> None:
    """Refuse methods that would do to the state what is meant for its lock. Raises UsageError."""
    for kind, address, method in (
        ("LOCK", found.lock, found.lock_method),
        ("UNLOCK", found.unlock, found.unlock_method),
    ):
        if address == found.address and method.upper() in (*_OVERWRITES, found.update_method.upper()):
            raise UsageError(
                f"TF_HTTP_{kind}_METHOD={method} would change the ledger itself at {found.place}, not its lock",
                f"leave TF_HTTP_{kind}_METHOD unset, or set TF_HTTP_{kind}_ADDRESS to a URL with {PROJECT} in it",
            )
