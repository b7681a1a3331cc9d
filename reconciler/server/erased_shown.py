"""What a write erases, found in a detail answer: what the API cannot express, and keys that nobody knows.

What the internal read alone shows is in `reconciler.server.erased`. Facts: contract, section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.model.build import Value, Values, elements_of
from reconciler.model.fields import PLAIN, TEMPLATE, Row
from reconciler.model.live import Loss
from reconciler.server.erased import (
    CACHE,
    INPUT,
    OUTPUT,
    POST_BUILD,
    REPOSITORY,
    Items,
    counts,
    named,
    of,
    rest,
    rows_of,
)
from reconciler.server.masking import tell
from reconciler.server.typed import Json, branch, objects, text


def _shown(rows: tuple[Row, ...], under: str = "") -> frozenset[str]:
    """Return the keys of a detail answer, in the object `under`, that the table's rows read."""
    paths = [row.detail.removeprefix(under) for row in rows if row.detail.startswith(under)]
    return frozenset(path.partition(".")[0] for path in paths if path)


_OWN = {
    "": _shown(PLAIN) | _shown(TEMPLATE) | {"project_key", "name", "source", "update_by", "update_time"},
    "build_env": _shown(PLAIN, "build_env.") | {"basic_image_id"},
    "advanced_settings": _shown(PLAIN, "advanced_settings.")
    | {"storages", "privileged_mode", "custom_annotations", "custom_labels", "outputs"},
    CACHE: _shown(PLAIN, f"{CACHE}."),
    "advanced_settings.resource_spec": _shown(PLAIN, "advanced_settings.resource_spec."),
    "post_build": _shown(PLAIN, "post_build.") | POST_BUILD,
    "post_build.docker_build": _shown(PLAIN, "post_build.docker_build.") | {"template_id"},
}
"""Object of a detail answer → its keys that this version knows."""

_WORDS = {"post_build.docker_build": "docker_build_step"}
"""Where the table calls an object otherwise than detail does."""


def plain_losses(detail: Json, shown: Values) -> tuple[Loss, ...]:
    """Name what a plain update erases and this detail shows (contract, section 3). `shown`: as read from it."""
    return tuple(_plain(detail, shown))


def _plain(detail: Json, shown: Values) -> Iterator[Loss]:
    post = branch(detail, ("post_build",))
    for key in ("object_storage_upload", "file_archive"):
        if counts(post.get(key)):
            told = tell(key, post[key])
            yield Loss(f"post_build.{key}", told.text, told.secret)
    if text(post, "scripts"):
        yield Loss("post_build.scripts", text(post, "scripts"))
    yield from _hidden(detail, shown, "")
    for output in objects(detail, "outputs"):
        if text(output, "description"):
            yield Loss(f"outputs[{text(output, 'name')}].description", text(output, "description"))
    cache = branch(detail, ("advanced_settings", "cache_setting"))
    if cache.get("enabled") is True and not text(cache, "cache_dir"):
        yield Loss(CACHE, "a cache of the workspace", new=True)  # one without a directory reads alike
    yield from _new_keys(detail, shown)


def target_losses(detail: Json, shown: Values, parent: str) -> tuple[Loss, ...]:
    """Name what a template update erases and the detail of one target shows. `parent`: in front of its paths."""
    return (*_hidden(detail, shown, parent), *_new_item_keys(detail, shown, parent, "inputs"))


def _hidden(detail: Json, shown: Values, parent: str) -> Iterator[Loss]:
    """Name the repositories that the page hides."""
    for element, repo in zip(elements_of(shown.get("repo_info")), objects(detail, "repos"), strict=True):
        if repo.get("hidden") is True:
            yield Loss(f"{parent}repo_info[{element.key}].hidden", "true", small=True)


def _new_keys(detail: Json, shown: Mapping[str, Value]) -> Iterator[Loss]:
    """Name what a plain build's detail holds under keys that this version does not know."""
    for block, known in _OWN.items():
        level = branch(detail, block.split(".")) if block else detail
        parent = f"{_WORDS.get(block, block)}." if block else ""
        for loss in rest(level, known, parent):
            yield replace(loss, new=True)
    lists = (
        named("outputs", OUTPUT, objects(detail, "outputs")),
        _items(detail, shown, "build_env.installs", "installs"),
        _items(detail, shown, "target_services", "services"),
    )
    yield from _new(lists)
    yield from _new_item_keys(detail, shown, "", "parameters")


def _new_item_keys(detail: Json, shown: Mapping[str, Value], parent: str, variables: str) -> Iterator[Loss]:
    """Name such keys of the repositories and variables of a detail. `variables`: the list's name in the table."""
    repositories = of(
        shown.get("repo_info"),
        f"{parent}repo_info",
        _shown(rows_of("repo_info")) | REPOSITORY,
        objects(detail, "repos"),
    )
    values = of(
        shown.get(variables),
        f"{parent}{variables}",
        _shown(rows_of("parameters")) | INPUT,
        objects(detail, "parameters"),
    )
    yield from _new((repositories, values))


def _items(detail: Json, shown: Mapping[str, Value], where: str, path: str) -> Items:
    *parents, key = where.split(".")
    return of(shown.get(path), path, _shown(rows_of(path)), objects(branch(detail, parents), key))


def _new(lists: Iterable[Items]) -> Iterator[Loss]:
    for one in lists:
        for loss in one.losses():
            yield replace(loss, new=True)
