"""What a definition wants of each setting: null becomes the default, and what follows from it is added."""

from __future__ import annotations

from reconciler.model.build import DEFAULT, Build, Scalar, Value, Values, elements_of
from reconciler.model.fields import Elements, Kind, Leaf, Row

CLUSTER = "advanced_settings.cluster_name"
STRATEGY = "advanced_settings.strategy_name"
BLOCK = "advanced_settings"
DOCKER = "docker_build_step"
CACHE = "advanced_settings.cache_setting"


def default_of(row: Leaf, local_cluster: str | None) -> Scalar | None:
    """Return what null means for a leaf; None for the local cluster where nobody told which it is."""
    return local_cluster if row.path == CLUSTER else row.default


def is_default(row: Row, value: Value) -> bool:
    """Tell whether a value is what null means, the local cluster aside."""
    if isinstance(row, Elements):
        return not elements_of(value)
    return value == row.default and type(value) is type(row.default)


def wanted(desired: Build, have: Values, local_cluster: str | None) -> Values:
    """Return the declared values with what follows from them added (contract, section 1).

    A local Dockerfile has no template, a template no directory, and a disabled cache no directory. A strategy
    belongs to its cluster: on another one than the build has (`have`), the cluster's default stands.
    """
    if desired.kind is not Kind.PLAIN:
        return desired.values
    values: dict[str, Value] = dict(desired.values)
    source = values.get(f"{DOCKER}.dockerfile_source")
    if source == "local":
        values.setdefault(f"{DOCKER}.template_name", "")
    elif source == "template":
        values.setdefault(f"{DOCKER}.dockerfile_directory", "")
    if values.get(f"{CACHE}.enabled") in (False, DEFAULT):
        values.setdefault(f"{CACHE}.cache_dir", "")
    cluster = local_cluster if values.get(CLUSTER) is DEFAULT else values.get(CLUSTER)
    if cluster is not None and have.get(CLUSTER, cluster) != cluster:
        values.setdefault(STRATEGY, "")
    return values
