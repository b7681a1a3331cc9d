"""JSON ↔ model, by the table, compiled once into closures. The one place where secrets are unsealed.

    detail JSON ── read_plain / read_target ──► values of the canonical build, credentials sealed
    list JSON ──── read_list ─────────────────► names, sources, stamps, service modules
    body with Secret objects ── encode ───────► bytes

Reading is lenient where older servers differ (a key that is missing is its empty value) and strict where
a wrong type would be taken for a value: that raises `Nonsense`. Facts: contract, section 2.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.build import CHOICE_VALUE, CODE_HOST_TYPE, MASKED, Value, keyed
from reconciler.model.fields import ASTERISKS, PLAIN, TEMPLATE, Elements, Leaf, Row, Sight, Type
from reconciler.model.live import Stamps
from reconciler.model.secret import MASK, Secret
from reconciler.server.forms import SHORTEST, forms, lines
from reconciler.server.stored import idle, own_outputs
from reconciler.server.typed import Json, Nonsense, as_object, boolean, branch, integer, objects, text, texts

_LONG = 12
"""Characters of a secret that is looked for in the texts of other builds too."""

Level = dict[str, Value]
Read = Callable[[Json, Level], None]


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of the list."""

    name: str
    project: str
    source: str
    stamps: Stamps
    services: tuple[tuple[str, str], ...]


def decode(body: bytes, what: str) -> Any:
    """Parse a JSON answer. Raises Nonsense where it is not JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Nonsense(
            f"{what} is not JSON", "is this the address of a Zadig, and not of something in front of it?"
        ) from None


def encode(body: Mapping[str, Any]) -> bytes:
    """Write a request body, secrets in clear: the only place where that happens."""
    return json.dumps(body, ensure_ascii=False, default=_reveal).encode("utf-8")


def bearer(token: Secret) -> str:
    """Return the clear token, for the Authorization header."""
    return token.reveal()


def user_of(token: Secret) -> str:
    """Return the `name` in the middle part of a token; "" where it is no such token.

    The server writes this name into `update_by`, so a read-back tells our own writes from others'.
    """
    middle = [*token.reveal().split("."), ""][1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except ValueError:
        return ""
    name = claims.get("name") if isinstance(claims, Mapping) else None
    return name if isinstance(name, str) else ""


def business(body: bytes) -> tuple[int, str]:
    """Return the code and the text of a business error; 0 and "" where the body is none.

    The text may belong to another request (contract, section 4): a hint, nothing to decide on.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return 0, ""
    if not isinstance(answer, Mapping):
        return 0, ""
    code, description = answer.get("code"), answer.get("description")
    return code if isinstance(code, int) else 0, description if isinstance(description, str) else ""


def written(secret: Secret) -> set[str]:
    """Return what a secret and its lines look like in clear and as programs write them; nothing where it is empty."""
    return {form for clear in _clear((secret,)) for line in lines(clear) for form in forms(line)}


def is_telling(secret: Secret) -> bool:
    """Tell whether a secret can be known again anywhere: it is long, and no word that texts have anyway."""
    return any(
        len(clear) >= _LONG and re.search(r"\d", clear) and re.search(r"[^\W\d]", clear) for clear in _clear((secret,))
    )


def masked(text: str, secrets: Iterable[Secret]) -> str:
    """Return a text with the mask in place of every secret of `SHORTEST` characters or more."""
    found = {form for secret in secrets for form in _long_forms(secret)}
    for form in sorted(found, key=lambda form: (-len(form), form)):
        text = text.replace(form, MASK)
    return text


@functools.lru_cache(maxsize=4096)
def _long_forms(secret: Secret) -> tuple[str, ...]:
    """Return what a secret may look like, as far as it can be known again: worked out once for all texts."""
    return tuple(form for clear in _clear((secret,)) for form in forms(clear) if len(form) >= SHORTEST)


def _clear(secrets: Iterable[Secret]) -> Iterator[str]:
    """Yield what the secrets hold, as far as they hold anything."""
    return (secret.reveal() for secret in secrets if secret.is_set and not secret.holds(""))


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} does not belong in a request body")


def read_list(answer: Any) -> tuple[int, list[Listed]]:
    """Read a page of the list: the total, and its rows."""
    page = as_object(answer, "the list")
    total = page.get("total")
    if not isinstance(total, int) or isinstance(total, bool) or not isinstance(page.get("builds"), list):
        raise Nonsense("the list of builds has no total or no builds", "is this a Zadig of v4.2.0 or later?")
    return total, [_listed(as_object(row, "a row of the list")) for row in page["builds"]]


def _listed(row: Json) -> Listed:
    name, project, source = (text(row, key) for key in ("name", "project_key", "source"))
    return Listed(name, project, source, read_stamps(row), read_services(row))


def read_services(row: Json) -> tuple[tuple[str, str], ...]:
    """Read the service modules of a row of the list or of a detail."""
    return tuple((text(s, "service_name"), text(s, "service_module")) for s in objects(row, "target_services"))


def read_stamps(row: Json) -> Stamps:
    """Read who wrote last and when, from a row of the list or a detail."""
    return Stamps(integer(row, "update_time"), text(row, "update_by"))


def read_plain(detail: Json) -> Level:
    """Read what detail shows of a plain build."""
    values: Level = {}
    for read in _PLAIN:
        read(detail, values)
    values.update((path, "") for path in idle(values) if path in values)
    return values


def read_targets(details: list[tuple[tuple[str, str], Json]], template: str) -> Level:
    """Read a template build from its details, one per service module, in the order of its targets."""
    levels = []
    for (service, module), detail in details:
        level: Level = {"service_name": service, "service_module": module}
        for read in _TARGET:
            read(detail, level)
        levels.append(level)
    return {"template_name": template, "target_services": keyed(_TARGETS, levels)}


def image_id(detail: Json) -> str:
    """Return the stored id behind the base image's label."""
    return text(branch(detail, ("build_env",)), "basic_image_id")


def _compile(rows: tuple[Row, ...]) -> tuple[Read, ...]:
    """Compile the rows that detail shows; leaves that stand in the same object are read together."""
    readers: list[Read] = []
    together: dict[str, list[Leaf]] = {}
    for row in rows:
        if not row.detail or (isinstance(row, Elements) and row.sight is Sight.UNREADABLE):
            continue
        if isinstance(row, Elements):
            readers.append(_compile_list(row))
        elif row.path in _SPECIAL:
            readers.append(_SPECIAL[row.path])
        elif row.type is not Type.BLOCK:
            together.setdefault(row.detail.rpartition(".")[0], []).append(row)
    return (*(_compile_leaves(parent, leaves) for parent, leaves in together.items()), *readers)


def _compile_list(row: Elements) -> Read:
    *parents, key = row.detail.split(".")
    path, inner = row.path, _compile(row.rows)
    seal = next((r.path for r in row.rows if isinstance(r, Leaf) and r.secret), None)
    chosen = row.path == "inputs"

    def read(detail: Json, level: Level) -> None:
        levels = []
        for item in objects(branch(detail, parents), key):
            values: Level = {}
            for one in inner:
                one(item, values)
            if seal and values.get("is_credential") is True:
                _seal(values, seal)
            if chosen:
                values[CHOICE_VALUE] = texts(item, "choice_value")
            levels.append(values)
        level[path] = keyed(row, levels)

    return read


def _seal(values: Level, leaf: str) -> None:
    """Seal a credential's value; one that the server itself masks is not known at all."""
    if values[leaf] == ASTERISKS:
        del values[leaf]
        values[MASKED] = True
    else:
        values[leaf] = Secret(str(values[leaf]))


def _compile_leaves(parent: str, rows: list[Leaf]) -> Read:
    """Compile the leaves of one object; the exact type is looked at first, everything else by `typed`."""
    parents = parent.split(".") if parent else []
    leaves = tuple(
        (row.path, row.detail.rpartition(".")[2], _EXACT.get(row.type, str), _GETTERS.get(row.type, text))
        for row in rows
    )

    def read(detail: Json, level: Level) -> None:
        inside = branch(detail, parents) if parents else detail
        for path, key, exact, get in leaves:
            value: Any = inside.get(key)
            level[path] = get(inside, key) if type(value) is not exact else value

    if parent != "post_build.docker_build":
        return read

    def read_docker(detail: Json, level: Level) -> None:
        """The image step is optional, and whether it is there is a setting of its own."""
        level["docker_build_step"] = branch(detail, ("post_build",)).get("docker_build") is not None
        if level["docker_build_step"]:
            read(detail, level)

    return read_docker


def _read_code_host(repo: Json, level: Level) -> None:
    level[CODE_HOST_TYPE] = text(repo, "source")


def _read_outputs(detail: Json, level: Level) -> None:
    """The build's own outputs stand behind the two that the server adds."""
    level["advanced_settings.outputs"] = own_outputs(
        tuple(text(output, "name") for output in objects(detail, "outputs"))
    )


_SPECIAL: dict[str, Read] = {"codehost_name": _read_code_host, "advanced_settings.outputs": _read_outputs}
_EXACT: dict[Type, type[Any]] = {Type.INTEGER: int, Type.BOOLEAN: bool, Type.STRINGS: tuple}
_GETTERS: dict[Type, Callable[[Json, str], Value]] = {
    Type.INTEGER: integer,
    Type.BOOLEAN: boolean,
    Type.STRINGS: texts,
}
_TARGETS = next(row for row in TEMPLATE if isinstance(row, Elements))
_PLAIN = _compile(PLAIN)
_TARGET = _compile(tuple(row for row in _TARGETS.rows if isinstance(row, Elements)))
