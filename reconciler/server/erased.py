"""What a write erases, found in the stored build by leaving away what a request carries or the server works out.

What we do not know is named too: a key that a later version adds is a loss like any other, never dropped.
Facts: contract, section 3, and recording 20, which holds two internal reads around the most careful update.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.model.build import Build, Element, Value, elements_of
from reconciler.model.fields import PLAIN, TEMPLATE, Elements, Row
from reconciler.model.live import Loss
from reconciler.server.masking import as_text, tell
from reconciler.server.typed import Json, branch, objects, text

_CACHE = "advanced_settings.cache_setting"
_STORAGES = "advanced_settings.storages.storages_properties"
_PAIRS = ("advanced_settings.custom_annotations", "advanced_settings.custom_labels")


def _carried(rows: tuple[Row, ...], under: str = "") -> frozenset[str]:
    """Return the keys of the stored form, in the object `under`, that the table's rows read."""
    paths = [row.internal.removeprefix(under) for row in rows if row.internal.startswith(under)]
    return frozenset(path.partition(".")[0] for path in paths if path)


def _shown(rows: tuple[Row, ...], under: str = "") -> frozenset[str]:
    """Return the keys of a detail answer, in the object `under`, that the table's rows read."""
    paths = [row.detail.removeprefix(under) for row in rows if row.detail.startswith(under)]
    return frozenset(path.partition(".")[0] for path in paths if path)


def _rows_of(path: str, rows: tuple[Row, ...] = PLAIN) -> tuple[Row, ...]:
    return next(row.rows for row in rows if isinstance(row, Elements) and row.path == path)


_IDENTITY = frozenset({"id", "name", "product_name", "update_time", "update_by", "template_id", "target_repos"})
_KEPT = frozenset({"desc", "team", "source", "jenkins_build"})
_WORKED_OUT = frozenset({"cache_dir_type", "advanced_setting_modified", "caches"})
_BUILD = _carried(PLAIN) | _IDENTITY | _KEPT | _WORKED_OUT
_PRE_BUILD = _carried(PLAIN, "pre_build.") | frozenset(
    {"res_req", "build_os", "image_from", "clean_workspace", "upload_pkg", "parameters", "namespace", "cluster_source"}
)
_POST_BUILD = frozenset({"docker_build", "object_storage_upload", "file_archive", "scripts"})
_DOCKER = _carried(PLAIN, "post_build.docker_build.") | {"template_id"}
_STORAGE = _carried(PLAIN, "pre_build.storages.")
_SPEC = _carried(PLAIN, "pre_build.res_req_spec.")
_REPOSITORY = _carried(_rows_of("repo_info")) | frozenset(
    {"source", "repo_owner", "hidden", "address", "oauth_token", "username", "disable_ssl"}
    | {"repo_index", "submission_id"}
)
_VARIABLE = _carried(_rows_of("parameters"))
_INPUT = _VARIABLE | {"script", "function_reference"}
_TARGET = _carried(_rows_of("services")) | {"product_name", "build_name"}
_OUTPUT = frozenset({"name", "description"})
"""Of each object: what a request carries, every write keeps, a template gives back, or is no loss."""

_SMALL = frozenset({"is_primary", "use_default", "hidden"})
"""What only the page and messages show (contract, section 3)."""

_OWN = {
    "": _shown(PLAIN) | _shown(TEMPLATE) | {"project_key", "name", "source", "update_by", "update_time"},
    "build_env": _shown(PLAIN, "build_env.") | {"basic_image_id"},
    "advanced_settings": _shown(PLAIN, "advanced_settings.")
    | {"storages", "privileged_mode", "custom_annotations", "custom_labels", "outputs"},
    _CACHE: _shown(PLAIN, f"{_CACHE}."),
    "advanced_settings.resource_spec": _shown(PLAIN, "advanced_settings.resource_spec."),
    "post_build": _shown(PLAIN, "post_build.") | _POST_BUILD,
    "post_build.docker_build": _shown(PLAIN, "post_build.docker_build.") | {"template_id"},
}
"""Object of a detail answer → its keys that this version knows."""

_WORDS = {"post_build.docker_build": "docker_build_step"}
"""Where the table calls an object otherwise than detail does."""


def counts(value: object) -> bool:
    """Tell whether a setting holds more than its empty value (contract, section 3, "No loss")."""
    if isinstance(value, Mapping):
        return value.get("enabled", True) is not False and any(counts(item) for item in value.values())
    return bool(value)


@dataclass(frozen=True, slots=True)
class _Items:
    """A list of objects, and the keys of each that are no loss."""

    path: str
    known: frozenset[str]
    keys: tuple[str, ...]
    items: list[Json]

    def losses(self) -> Iterator[Loss]:
        for key, item in zip(self.keys, self.items, strict=True):
            yield from _rest(item, self.known, f"{self.path}[{key}].")


def _of(seen: Value | None, path: str, known: frozenset[str], items: list[Json]) -> _Items:
    return _Items(path, known, tuple(element.key for element in elements_of(seen)), items)


def _named(path: str, known: frozenset[str], items: list[Json]) -> _Items:
    return _Items(path, known, tuple(text(item, "name") for item in items), items)


def _rest(level: Json, known: frozenset[str], parent: str) -> Iterator[Loss]:
    """Name every key of a level beyond the known ones that holds anything."""
    credential = level.get("is_credential") is True
    for key in sorted(level):
        value = level[key]
        if key not in known and counts(value):
            told = tell(key, value, credential=credential)
            yield Loss(f"{parent}{key}", told.text, told.secret, key in _SMALL)


def new_keys(detail: Json, shown: Mapping[str, Value]) -> Iterator[Loss]:
    """Name what a plain build's detail holds under keys that this version does not know."""
    for block, known in _OWN.items():
        level = branch(detail, block.split(".")) if block else detail
        parent = f"{_WORDS.get(block, block)}." if block else ""
        for loss in _rest(level, known, parent):
            yield replace(loss, new=True)
    lists = (
        _named("outputs", _OUTPUT, objects(detail, "outputs")),
        _items(detail, shown, "build_env.installs", "installs"),
        _items(detail, shown, "target_services", "services"),
    )
    yield from _new(lists)
    yield from new_item_keys(detail, shown, "", "parameters")


def new_item_keys(detail: Json, shown: Mapping[str, Value], parent: str, variables: str) -> Iterator[Loss]:
    """Name such keys of the repositories and variables of a detail. `variables`: the list's name in the table."""
    repositories = _of(
        shown.get("repo_info"),
        f"{parent}repo_info",
        _shown(_rows_of("repo_info")) | _REPOSITORY,
        objects(detail, "repos"),
    )
    values = _of(
        shown.get(variables),
        f"{parent}{variables}",
        _shown(_rows_of("parameters")) | _INPUT,
        objects(detail, "parameters"),
    )
    yield from _new((repositories, values))


def _items(detail: Json, shown: Mapping[str, Value], where: str, path: str) -> _Items:
    *parents, key = where.split(".")
    return _of(shown.get(path), path, _shown(_rows_of(path)), objects(branch(detail, parents), key))


def _new(lists: Iterable[_Items]) -> Iterator[Loss]:
    for one in lists:
        for loss in one.losses():
            yield replace(loss, new=True)


def _repositories(items: list[Json], seen: Value | None, parent: str) -> Iterator[Loss]:
    yield from _of(seen, parent, _REPOSITORY, items).losses()
    for element, item in zip(elements_of(seen), items, strict=True):
        namespace = text(item, "repo_namespace")
        if namespace and namespace != element.values.get("repo_namespace"):
            yield Loss(f"{parent}[{element.key}].repo_namespace", namespace)


def plain_losses(stored: Json, whole: Build) -> Iterator[Loss]:
    """Name what a plain update erases and detail does not show."""
    pre, post = branch(stored, ("pre_build",)), branch(stored, ("post_build",))
    values = whole.values
    yield from _rest(stored, _BUILD, "")
    yield from _repositories(objects(stored, "repos"), values.get("repo_info"), "repo_info")
    yield from _of(values.get("parameters"), "parameters", _VARIABLE, objects(pre, "envs")).losses()
    modules = _of(values.get("services"), "services", _TARGET, objects(stored, "targets"))
    yield from modules.losses()
    yield from _elsewhere(stored, modules)
    yield from _of(
        values.get("installs"), "installs", _carried(_rows_of("installs")), objects(pre, "installs")
    ).losses()
    yield from _named("outputs", _OUTPUT, objects(stored, "outputs")).losses()
    yield from _rest(pre, _PRE_BUILD, "pre_build.")
    yield from _rest(post, _POST_BUILD, "post_build.")
    yield from _rest(branch(post, ("docker_build",)), _DOCKER, "docker_build_step.")
    yield from _rest(branch(pre, ("res_req_spec",)), _SPEC, "advanced_settings.resource_spec.")
    yield from _pod(pre, values)
    if stored.get("cache_enable") is True and stored.get("cache_dir_type") == "workspace":
        yield Loss(_CACHE, "a cache of the workspace")


def _elsewhere(stored: Json, targets: _Items) -> Iterator[Loss]:
    """Name the targets that are another project's: a write makes them the build's own project's."""
    for key, target in zip(targets.keys, targets.items, strict=True):
        project = text(target, "product_name")
        if project and project != stored.get("product_name"):
            yield Loss(f"{targets.path}[{key}].product_name", project)


def _pod(pre: Json, values: Mapping[str, Value]) -> Iterator[Loss]:
    """Name keys inside of volumes and labels, and values of labels that are no texts."""
    storages = branch(pre, ("storages",))
    yield from _rest(storages, _STORAGE, "advanced_settings.storages.")
    volumes = objects(storages, "storages_properties")
    yield from _of(values.get(_STORAGES), _STORAGES, _carried(_rows_of(_STORAGES)), volumes).losses()
    for path in _PAIRS:
        items = objects(pre, path.rpartition(".")[2])
        yield from _of(values.get(path), path, _carried(_rows_of(path)), items).losses()
        for element, item in zip(elements_of(values.get(path)), items, strict=True):
            if item.get("value") is not None and not isinstance(item["value"], str):
                yield Loss(f"{path}[{element.key}].value", as_text(item["value"]))


def template_losses(stored: Json, whole: Build) -> Iterator[Loss]:
    """Name what a template update erases and detail does not show."""
    items, seen = objects(stored, "targets"), whole.values.get("target_services")
    yield from _elsewhere(stored, _of(seen, "target_services", _TARGET, items))
    for element, target in zip(elements_of(seen), items, strict=True):
        if element.key in second_targets(elements_of(seen)):
            continue
        parent = f"target_services[{element.key}]."
        yield from _rest(target, _TARGET | {"repos", "envs"}, parent)
        yield from _repositories(objects(target, "repos"), element.values.get("repo_info"), f"{parent}repo_info")
        yield from _of(element.values.get("inputs"), f"{parent}inputs", _INPUT, objects(target, "envs")).losses()


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


def leftovers(stored: Json) -> Iterator[Loss]:
    """Name what a template build still holds of the plain one that it was: a conversion back erases it."""
    pre, post = branch(stored, ("pre_build",)), branch(stored, ("post_build",))
    yield from _rest(stored, _BUILD, "")
    yield from _rest(pre, _PRE_BUILD, "pre_build.")
    yield from _rest(post, frozenset({"docker_build"}), "post_build.")
    held = {"build_script": stored.get("scripts"), "repo_info": stored.get("repos"), "parameters": pre.get("envs")}
    held["docker_build_step"] = post.get("docker_build")
    held["outputs"] = [item for item in objects(stored, "outputs") if text(item, "description")]
    names = [name for name, value in held.items() if counts(value)]
    if names:
        yield Loss("leftover", f"the plain build that it was: {', '.join(names)}", secret=True)
