"""What a write erases, found in the stored build by leaving away what a request carries or the server works out.

What we do not know is named too: a key that a later version adds is a loss like any other, never dropped. What
detail shows already is in `reconciler.server.erased_shown`.
Facts: contract, section 3, and recording 20, which holds two internal reads around the most careful update.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.model.build import Build, Element, Value, elements_of
from reconciler.model.fields import PLAIN, SERVER_OUTPUTS, Elements, Row
from reconciler.model.live import Loss
from reconciler.model.secret import Secret
from reconciler.server.masking import as_text, tell
from reconciler.server.typed import Json, branch, objects, text

_ADVANCED = "advanced_settings"
CACHE = f"{_ADVANCED}.cache_setting"
_STORAGES = f"{_ADVANCED}.storages.storages_properties"
_PAIRS = (f"{_ADVANCED}.custom_annotations", f"{_ADVANCED}.custom_labels")


def _carried(rows: tuple[Row, ...], under: str = "") -> frozenset[str]:
    """Return the keys of the stored form, in the object `under`, that the table's rows read."""
    paths = [row.internal.removeprefix(under) for row in rows if row.internal.startswith(under)]
    return frozenset(path.partition(".")[0] for path in paths if path)


def rows_of(path: str, rows: tuple[Row, ...] = PLAIN) -> tuple[Row, ...]:
    """Return the rows of a list's elements."""
    return next(row.rows for row in rows if isinstance(row, Elements) and row.path == path)


_IDENTITY = frozenset({"id", "name", "product_name", "update_time", "update_by", "template_id", "target_repos"})
_KEPT = frozenset({"desc", "team", "source", "jenkins_build"})
_WORKED_OUT = frozenset({"cache_dir_type", "advanced_setting_modified", "caches"})
_BUILD = _carried(PLAIN) | _IDENTITY | _KEPT | _WORKED_OUT
_PRE_BUILD = _carried(PLAIN, "pre_build.") | frozenset(
    {"res_req", "build_os", "image_from", "clean_workspace", "upload_pkg", "parameters", "namespace", "cluster_source"}
)
POST_BUILD = frozenset({"docker_build", "object_storage_upload", "file_archive", "scripts"})
_DOCKER = _carried(PLAIN, "post_build.docker_build.") | {"template_id"}
_STORAGE = _carried(PLAIN, "pre_build.storages.")
_SPEC = _carried(PLAIN, "pre_build.res_req_spec.")
REPOSITORY = _carried(rows_of("repo_info")) | frozenset(
    {"source", "repo_owner", "hidden", "address", "oauth_token", "username", "disable_ssl"}
    | {"repo_index", "submission_id"}
)
_VARIABLE = _carried(rows_of("parameters"))
INPUT = _VARIABLE | {"script", "function_reference"}
_TARGET = _carried(rows_of("services")) | {"product_name", "build_name"}
OUTPUT = frozenset({"name", "description"})
"""Of each object: what a request carries, every write keeps, a template gives back, or is no loss."""

_SMALL = frozenset({"is_primary", "use_default", "hidden"})
"""What only the page and messages show (contract, section 3)."""


def counts(value: object) -> bool:
    """Tell whether a setting holds more than its empty value (contract, section 3, "No loss")."""
    if isinstance(value, Mapping):
        return value.get("enabled", True) is not False and any(counts(item) for item in value.values())
    return bool(value)


@dataclass(frozen=True, slots=True)
class Items:
    """A list of objects, and the keys of each that are no loss."""

    path: str
    known: frozenset[str]
    keys: tuple[str, ...]
    items: list[Json]

    def losses(self) -> Iterator[Loss]:
        """Name what the objects hold under any other key."""
        for key, item in zip(self.keys, self.items, strict=True):
            yield from rest(item, self.known, f"{self.path}[{key}].")


def of(seen: Value | None, path: str, known: frozenset[str], items: list[Json]) -> Items:
    """Return a list whose objects are called as the canonical build calls them (`seen`)."""
    return Items(path, known, tuple(element.key for element in elements_of(seen)), items)


def named(path: str, known: frozenset[str], items: list[Json]) -> Items:
    """Return a list whose objects are called by their name."""
    return Items(path, known, tuple(text(item, "name") for item in items), items)


def rest(level: Json, known: frozenset[str], parent: str) -> Iterator[Loss]:
    """Name every key of a level beyond the known ones that holds anything."""
    credential = level.get("is_credential") is True
    for key in sorted(level):
        value = level[key]
        if key not in known and counts(value):
            told = tell(key, value, credential=credential)
            yield Loss(f"{parent}{key}", told.text, told.secret, key in _SMALL)


def _repositories(items: list[Json], seen: Value | None, parent: str) -> Iterator[Loss]:
    yield from of(seen, parent, REPOSITORY, items).losses()
    for element, item in zip(elements_of(seen), items, strict=True):
        namespace = text(item, "repo_namespace")
        if namespace and namespace != element.values.get("repo_namespace"):
            yield Loss(f"{parent}[{element.key}].repo_namespace", namespace)


def plain_losses(stored: Json, whole: Build) -> Iterator[Loss]:
    """Name what a plain update erases and detail does not show."""
    pre, post = branch(stored, ("pre_build",)), branch(stored, ("post_build",))
    values = whole.values
    yield from rest(stored, _BUILD, "")
    yield from _repositories(objects(stored, "repos"), values.get("repo_info"), "repo_info")
    yield from of(values.get("parameters"), "parameters", _VARIABLE, objects(pre, "envs")).losses()
    modules = of(values.get("services"), "services", _TARGET, objects(stored, "targets"))
    yield from modules.losses()
    yield from _elsewhere(stored, modules)
    yield from of(values.get("installs"), "installs", _carried(rows_of("installs")), objects(pre, "installs")).losses()
    yield from named("outputs", OUTPUT, objects(stored, "outputs")).losses()
    yield from rest(pre, _PRE_BUILD, "pre_build.")
    yield from rest(post, POST_BUILD, "post_build.")
    yield from rest(branch(post, ("docker_build",)), _DOCKER, "docker_build_step.")
    yield from rest(branch(pre, ("res_req_spec",)), _SPEC, "advanced_settings.resource_spec.")
    yield from _pod(pre, values)
    if stored.get("cache_enable") is True and stored.get("cache_dir_type") == "workspace":
        yield Loss(CACHE, "a cache of the workspace")


def _elsewhere(stored: Json, targets: Items) -> Iterator[Loss]:
    """Name the targets that are another project's: a write makes them the build's own project's."""
    for key, target in zip(targets.keys, targets.items, strict=True):
        project = text(target, "product_name")
        if project and project != stored.get("product_name"):
            yield Loss(f"{targets.path}[{key}].product_name", project)


def _pod(pre: Json, values: Mapping[str, Value]) -> Iterator[Loss]:
    """Name keys inside of volumes and labels, and values of labels that are no texts."""
    storages = branch(pre, ("storages",))
    yield from rest(storages, _STORAGE, "advanced_settings.storages.")
    volumes = objects(storages, "storages_properties")
    yield from of(values.get(_STORAGES), _STORAGES, _carried(rows_of(_STORAGES)), volumes).losses()
    for path in _PAIRS:
        items = objects(pre, path.rpartition(".")[2])
        yield from of(values.get(path), path, _carried(rows_of(path)), items).losses()
        for element, item in zip(elements_of(values.get(path)), items, strict=True):
            if item.get("value") is not None and not isinstance(item["value"], str):
                yield Loss(f"{path}[{element.key}].value", as_text(item["value"]))


def template_losses(stored: Json, whole: Build) -> Iterator[Loss]:
    """Name what a template update erases and detail does not show."""
    items, seen = objects(stored, "targets"), whole.values.get("target_services")
    merged = objects(stored, "target_repos")
    yield from _elsewhere(stored, of(seen, "target_services", _TARGET, items))
    for number, (element, target) in enumerate(zip(elements_of(seen), items, strict=True)):
        if element.key in second_targets(elements_of(seen)):
            continue
        parent = f"target_services[{element.key}]."
        yield from rest(target, _TARGET | {"repos", "envs"}, parent)
        yield from _repositories(objects(target, "repos"), element.values.get("repo_info"), f"{parent}repo_info")
        yield from of(element.values.get("inputs"), f"{parent}inputs", INPUT, objects(target, "envs")).losses()
        if len(merged) == len(items):
            yield from _gone_inputs(f"{parent}inputs", element, merged[number])


def _gone_inputs(path: str, target: Element, merged: Json) -> Iterator[Loss]:
    """Name the inputs that the template does not have any more: every write of the build drops them.

    The internal read shows a target a second time, `merged`: its variables are those of today's template.
    """
    today = {text(variable, "key") for variable in objects(merged, "envs")}
    for one in elements_of(target.values.get("inputs")):
        if one.values["key"] not in today:
            value = one.values.get("value", "")
            secret = isinstance(value, Secret)
            yield Loss(f"{path}[{one.key}]", "" if secret else str(value), secret=secret)


def kept_by_updates(stored: Json) -> Iterator[Loss]:
    """Name what every write of a build keeps and only the page sets (contract, section 3)."""
    for key in ("desc", "team"):
        if text(stored, key):
            yield Loss(key, text(stored, key))


def second_targets(targets: tuple[Element, ...]) -> frozenset[str]:
    """Return the keys of targets whose service module stands there already: detail shows the first one's values."""
    found: set[tuple[Value, Value]] = set()
    again = set()
    for target in targets:
        pair = (target.values["service_name"], target.values["service_module"])
        again |= {target.key} if pair in found else set()
        found.add(pair)
    return frozenset(again)


_LEFT = {
    "privileged_mode": ("enable_privileged_mode",),
    "cache_setting": ("cache_enable",),
    "use_host_docker_daemon": ("pre_build", "use_host_docker_daemon"),
    "storages": ("pre_build", "storages"),
    "custom_annotations": ("pre_build", "custom_annotations"),
    "custom_labels": ("pre_build", "custom_labels"),
}
"""Of the advanced settings those that no template build has by itself, each with its place in the stored form."""


def leftovers(stored: Json) -> Iterator[Loss]:
    """Name what a template build still holds of the plain one that it was: a conversion back erases it."""
    pre, post = branch(stored, ("pre_build",)), branch(stored, ("post_build",))
    yield from rest(stored, _BUILD, "")
    yield from rest(pre, _PRE_BUILD, "pre_build.")
    yield from rest(post, frozenset({"docker_build"}), "post_build.")
    outputs = objects(stored, "outputs")
    held: dict[str, object] = {
        "build_script": stored.get("scripts"),
        "repo_info": stored.get("repos"),
        "parameters": pre.get("envs"),
        "docker_build_step": post.get("docker_build"),
        "outputs": [o for o in outputs if text(o, "name") not in SERVER_OUTPUTS or text(o, "description")],
        **{f"{_ADVANCED}.{leaf}": branch(stored, where[:-1]).get(where[-1]) for leaf, where in _LEFT.items()},
    }
    names = [name for name, value in held.items() if counts(value)]
    if names:
        yield Loss("leftover", f"the plain build that it was: {', '.join(names)}", secret=True)
