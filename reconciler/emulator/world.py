"""What surrounds the builds and is never written here: images, clusters, code hosts, templates, projects."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources

from . import identifiers
from .exchange import Document
from .refusals import MissingError

NO_DOCUMENTS = "mongo: no documents in result"
_SHIPPED_LOCAL_CLUSTER = "0123456789abcdef12345678"
_TEMPLATE_LICENSES = {"professional", "enterprise"}


def shipped() -> Document:
    """The world of the recordings, which the emulator has unless it is given another one."""
    text = resources.files(__package__).joinpath("world.json").read_text(encoding="utf-8")
    document: Document = json.loads(text)
    return document


class World:
    """A description such as `world.json`, with its parts found by name and by id.

    A lookup that finds nothing raises MissingError with the text of the server's database driver.
    """

    def __init__(self, description: Document) -> None:
        self.description = description
        self._images = _by(description, "base_images", "id")
        self._labels = _by(description, "base_images", "label")
        self._clusters = _by(description, "clusters", "id")
        self._cluster_names = _by(description, "clusters", "name")
        self._templates = _by(description, "build_templates", "id")
        self._template_names = _by(description, "build_templates", "name")
        self._dockerfiles = _by(description, "dockerfile_templates", "name")
        hosts = description.get("code_hosts") or ()
        self._code_hosts = _index((host for host in hosts if host.get("level", "system") == "system"), "alias")

    @property
    def serves_templates(self) -> bool:
        """Whether the licence covers writing builds from templates (the contract's section 1)."""
        return self.description.get("license", "professional") in _TEMPLATE_LICENSES

    def image(self, label: str) -> Document:
        """A base image by its label."""
        return _found(self._labels, label)

    def image_by_id(self, image_id: str) -> Document:
        """A base image by its id; one that is gone has a zero id and no label (the contract's section 7)."""
        return self._images.get(image_id) or {"id": identifiers.NOTHING, "label": ""}

    def cluster(self, name: str) -> Document:
        """A cluster by its name."""
        return _found(self._cluster_names, name)

    def cluster_by_id(self, cluster_id: str) -> Document:
        """A cluster by its id."""
        identifiers.check(cluster_id)
        return _found(self._clusters, cluster_id)

    def local_cluster(self) -> Document | None:
        """The cluster that a build without advanced settings gets."""
        for cluster in self._clusters.values():
            if cluster.get("local"):
                return cluster
        return None

    def local_cluster_id(self) -> str:
        """The id of the local cluster, or the one that every installation is shipped with."""
        cluster = self.local_cluster()
        return str(cluster["id"]) if cluster else _SHIPPED_LOCAL_CLUSTER

    def code_host(self, alias: str) -> Document:
        """A code host of the system level by its alias; those of a project are not found (recording 05)."""
        return _found(self._code_hosts, alias)

    def build_template(self, name: str) -> Document:
        """A build template by its name."""
        return _found(self._template_names, name)

    def build_template_by_id(self, template_id: str) -> Document:
        """A build template by its id."""
        identifiers.check(template_id)
        return _found(self._templates, template_id)

    def dockerfile_template(self, name: str) -> Document:
        """A Dockerfile template by its name."""
        return _found(self._dockerfiles, name)


def strategies(cluster: Document) -> list[Document]:
    """The scheduling strategies of a cluster."""
    return list(cluster.get("strategies") or ())


def _by(description: Document, kind: str, key: str) -> dict[str, Document]:
    return _index(description.get(kind) or (), key)


def _index(items: Iterable[Document], key: str) -> dict[str, Document]:
    index: dict[str, Document] = {}
    for item in items:
        index.setdefault(str(item.get(key, "")), item)
    return index


def _found(index: dict[str, Document], key: str) -> Document:
    try:
        return index[key]
    except KeyError:
        raise MissingError(NO_DOCUMENTS) from None
