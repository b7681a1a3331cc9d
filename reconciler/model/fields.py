"""The table of every field: one row per leaf of the two request bodies, and one per list.

Everything that reads, writes, compares, explains or lists the settings of a build is derived from it.

    row.path      where the request body has it, inside its level ("advanced_settings.timeout")
    row.detail    where the detail answer shows it, inside its level; "" where it never does
    row.internal  where the platform's internal read has it (contract, section 5)
    row.sight     how it can be seen: shown, partial, by reference, unreadable (contract, section 2)
    row.default   what `null` means: the value that detail shows when it is left out of a create

Source of the facts: the contract, section 1 (bodies), 2 (what detail shows of what was written).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass


class Kind(enum.Enum):
    """The two kinds of build that a definition can describe."""

    PLAIN = "plain"
    TEMPLATE = "template"


class Type(enum.Enum):
    """What a leaf holds."""

    STRING = "string"
    TEXT = "text"  # a string of many lines, shown as a line diff
    INTEGER = "integer"
    BOOLEAN = "boolean"
    STRINGS = "strings"  # an ordered list of strings, compared as one value
    BLOCK = "block"  # whether an optional object is there at all


class Sight(enum.Enum):
    """How much of a written value the documented answers show again."""

    SHOWN = "shown"
    PARTIAL = "partial"
    REFERENCE = "by reference"
    UNREADABLE = "unreadable"


DefaultValue = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One setting.

    `required`: an empty 400 without it. `usual` (unreadable only): what it nearly always is. `always`: sent
    with its empty value where nobody gave it one, because the server would store null.
    """

    path: str
    type: Type = Type.STRING
    sight: Sight = Sight.SHOWN
    detail: str = ""
    internal: str = ""
    default: DefaultValue = ""
    required: bool = False
    enum: tuple[str, ...] = ()
    unit: str = ""
    secret: bool = False
    always: bool = False
    usual: str = ""
    about: str = ""

    @property
    def usual_value(self) -> DefaultValue:
        """What nearly every build has here."""
        return self.usual or self.default


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """A list of objects, matched by `key`. Ordered lists keep their order; the others are sets."""

    path: str
    key: tuple[str, ...]
    rows: tuple[Row, ...]
    ordered: bool = False
    sight: Sight = Sight.SHOWN
    detail: str = ""
    internal: str = ""
    required: bool = False
    about: str = ""


Row = Leaf | Elements

_SHELLS = ("shell", "batch_file", "powershell")
_TYPES = ("string", "choice", "multi-select", "image", "script", "file")
_MODES = ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod")
_ADV = "advanced_settings"
_SPEC = f"{_ADV}.resource_spec"


def _repositories(path: str, detail: str, internal: str) -> Elements:
    """Both bodies describe repositories alike (contract, section 1)."""
    hidden = Sight.UNREADABLE
    return Elements(
        path, ("repo_namespace", "repo_name"), ordered=True, detail=detail, internal=internal,
        about="Source repositories, in the order that scripts know as REPONAME_0, REPONAME_1 …",
        rows=(
            Leaf("codehost_name", sight=Sight.PARTIAL, detail="source", internal="codehost_id", required=True,
                 about="Alias of a system-level code host; detail shows only its type."),
            Leaf("repo_namespace", detail="repo_owner", internal="repo_namespace", required=True,
                 about="Owner, group or organisation."),
            Leaf("repo_name", detail="repo_name", internal="repo_name", required=True, about="Repository."),
            Leaf("branch", detail="branch", internal="branch", about="Default branch."),
            Leaf("remote_name", detail="remote_name", internal="remote_name", about='Git remote; "" runs as origin.'),
            Leaf("checkout_path", detail="checkout_path", internal="checkout_path",
                 about="Folder below the workspace to check out into."),
            Leaf("submodules", Type.BOOLEAN, detail="submodules", internal="submodules", default=False,
                 about="Check out submodules too."),
            Leaf("enable_commit", Type.BOOLEAN, hidden, internal="enable_commit", default=False,
                 about="Build a fixed commit instead of the branch."),
            Leaf("commit_id", sight=hidden, internal="commit_id", about="The fixed commit."),
        ),
    )  # fmt: skip


def _pairs(path: str, what: str) -> Elements:
    name = path.rpartition(".")[2]
    return Elements(
        path, ("key",), sight=Sight.UNREADABLE, internal=f"pre_build.{name}", about=f"{what} of the build's pod.",
        rows=(
            Leaf("key", sight=Sight.UNREADABLE, internal="key", required=True, about="Name."),
            Leaf("value", sight=Sight.UNREADABLE, internal="value", always=True, about="Value."),
        ),
    )  # fmt: skip


_STORAGES = Elements(
    f"{_ADV}.storages.storages_properties", ("mount_path",), sight=Sight.UNREADABLE,
    internal="pre_build.storages.storages_properties", about="Volumes mounted into the build's pod.",
    rows=(
        Leaf("mount_path", sight=Sight.UNREADABLE, internal="mount_path", required=True, about="Where it is mounted."),
        Leaf("provision_type", sight=Sight.UNREADABLE, internal="provision_type", enum=("dynamic", "static"),
             about="dynamic: a new claim of storage_class; static: the claim pvc."),
        Leaf("access_mode", sight=Sight.UNREADABLE, internal="access_mode", enum=_MODES,
             about="Kubernetes access mode."),
        Leaf("storage_class", sight=Sight.UNREADABLE, internal="storage_class",
             about="Storage class of a dynamic claim."),
        Leaf("storage_size_in_gib", Type.INTEGER, Sight.UNREADABLE, internal="storage_size_in_gib", default=0,
             unit="GiB", about="Size of a dynamic claim."),
        Leaf("pvc", sight=Sight.UNREADABLE, internal="pvc", about="Name of a static claim."),
        Leaf("subpath", sight=Sight.UNREADABLE, internal="subpath", about="Folder inside the volume."),
        Leaf("is_temporary", Type.BOOLEAN, Sight.UNREADABLE, internal="is_temporary", default=False,
             about="Delete the claim after the build."),
    ),
)  # fmt: skip

_DOCKER = (
    Leaf("docker_build_step", Type.BLOCK, detail="post_build.docker_build", internal="post_build.docker_build",
         default=False, about="Whether an image is built after the script."),
    Leaf("docker_build_step.dockerfile_source", detail="post_build.docker_build.source",
         internal="post_build.docker_build.source", enum=("local", "template"), required=True,
         about="local: a file of the workspace; template: a Dockerfile template."),
    Leaf("docker_build_step.build_context_dir", detail="post_build.docker_build.work_dir",
         internal="post_build.docker_build.work_dir", about="Build context."),
    Leaf("docker_build_step.dockerfile_directory", detail="post_build.docker_build.docker_file",
         internal="post_build.docker_build.docker_file", about="Path of the Dockerfile (local)."),
    Leaf("docker_build_step.build_args", detail="post_build.docker_build.build_args",
         internal="post_build.docker_build.build_args", about="Arguments of the image build."),
    Leaf("docker_build_step.template_name", sight=Sight.REFERENCE, detail="post_build.docker_build.template_name",
         internal="post_build.docker_build.template_name", about="Name of the Dockerfile template (template)."),
    Leaf("docker_build_step.enable_buildkit", Type.BOOLEAN, detail="post_build.docker_build.enable_buildkit",
         internal="post_build.docker_build.enable_buildkit", default=False, about="Build with BuildKit."),
    Leaf("docker_build_step.platforms", detail="post_build.docker_build.platform",
         internal="post_build.docker_build.platform", about="Comma-separated, for example linux/amd64,linux/arm64."),
)  # fmt: skip

_ADVANCED = (
    Leaf(f"{_ADV}.cluster_name", sight=Sight.REFERENCE, detail=f"{_ADV}.cluster_name",
         internal="pre_build.cluster_id", about="Cluster that runs the build; null is the local one."),
    Leaf(f"{_ADV}.strategy_name", sight=Sight.REFERENCE, detail=f"{_ADV}.strategy_name",
         internal="pre_build.strategy_id", about="Scheduling strategy of that cluster."),
    Leaf(f"{_ADV}.timeout", Type.INTEGER, detail=f"{_ADV}.timeout", internal="timeout", default=60, unit="minutes",
         about="Time limit; 0 runs as 600."),
    Leaf(f"{_SPEC}.cpu_req", Type.INTEGER, detail=f"{_SPEC}.cpu_req", internal="pre_build.res_req_spec.cpu_req",
         default=0, unit="millicores", about="CPU request."),
    Leaf(f"{_SPEC}.cpu_limit", Type.INTEGER, detail=f"{_SPEC}.cpu_limit", internal="pre_build.res_req_spec.cpu_limit",
         default=1000, unit="millicores", about="CPU limit."),
    Leaf(f"{_SPEC}.memory_req", Type.INTEGER, detail=f"{_SPEC}.memory_req",
         internal="pre_build.res_req_spec.memory_req", default=0, unit="MiB", about="Memory request."),
    Leaf(f"{_SPEC}.memory_limit", Type.INTEGER, detail=f"{_SPEC}.memory_limit",
         internal="pre_build.res_req_spec.memory_limit", default=512, unit="MiB", about="Memory limit."),
    Leaf(f"{_SPEC}.gpu_limit", detail=f"{_SPEC}.gpu_limit", internal="pre_build.res_req_spec.gpu_limit",
         about="GPU limit as key:quantity, for example nvidia.com/gpu:1."),
    Leaf(f"{_ADV}.use_host_docker_daemon", Type.BOOLEAN, detail=f"{_ADV}.use_host_docker_daemon",
         internal="pre_build.use_host_docker_daemon", default=False, about="Use the node's Docker daemon."),
    Leaf(f"{_ADV}.privileged_mode", Type.BOOLEAN, Sight.UNREADABLE, internal="enable_privileged_mode", default=False,
         about="Run the build's container privileged."),
    Leaf(f"{_ADV}.cache_setting.enabled", Type.BOOLEAN, detail=f"{_ADV}.cache_setting.enabled", internal="cache_enable",
         default=False, about="Keep a directory between runs."),
    Leaf(f"{_ADV}.cache_setting.cache_dir", detail=f"{_ADV}.cache_setting.cache_dir", internal="cache_user_dir",
         about="The directory that is kept."),
    Leaf(f"{_ADV}.storages.enabled", Type.BOOLEAN, Sight.UNREADABLE, internal="pre_build.storages.enabled",
         default=False, about="Mount the volumes below."),
    _STORAGES,
    _pairs(f"{_ADV}.custom_annotations", "Annotations"),
    _pairs(f"{_ADV}.custom_labels", "Labels"),
    Leaf(f"{_ADV}.outputs", Type.STRINGS, detail="outputs", internal="outputs", default=(),
         about="Names of the build's outputs beside IMAGE and PKG_FILE."),
)  # fmt: skip

_PARAMETERS = Elements(
    "parameters", ("key",), ordered=True, detail="parameters", internal="pre_build.envs", about="Build parameters.",
    rows=(
        Leaf("key", detail="key", internal="key", required=True, about="Name of the variable."),
        Leaf("type", detail="type", internal="type", enum=_TYPES, about="Kind of input."),
        Leaf("default_value", Type.TEXT, detail="value", internal="value", secret=True, about="Default value."),
        Leaf("choice_option", Type.STRINGS, Sight.UNREADABLE, internal="choice_option", default=(),
             about="Values to choose from (choice, multi-select)."),
        Leaf("choice_value", Type.STRINGS, Sight.UNREADABLE, internal="choice_value", default=(),
             about="Values chosen (multi-select): these count at run time."),
        Leaf("is_credential", Type.BOOLEAN, detail="is_credential", internal="is_credential", default=False,
             about="The value is a secret."),
        Leaf("description", sight=Sight.UNREADABLE, internal="description", about="Help text."),
    ),
)  # fmt: skip

_SERVICES = Elements(
    "services", ("service_name", "service_module"), detail="target_services", internal="targets",
    about="Service modules that this build makes.",
    rows=(
        Leaf("service_name", detail="service_name", internal="service_name", required=True, about="Service."),
        Leaf("service_module", detail="service_module", internal="service_module", about="Module of the service."),
    ),
)  # fmt: skip

PLAIN: tuple[Row, ...] = (
    Leaf("infrastructure", sight=Sight.UNREADABLE, internal="infrastructure", required=True, enum=("kubernetes", "vm"),
         usual="kubernetes", about="Where the build runs."),
    Leaf("build_os", sight=Sight.REFERENCE, detail="build_env.basic_image_label", internal="pre_build.image_id",
         required=True, about="Label of the base image."),
    Elements("installs", ("name",), ordered=True, detail="build_env.installs", internal="pre_build.installs",
             about="Tools installed before the script.",
             rows=(
                 Leaf("name", detail="name", internal="name", required=True, about="Tool."),
                 Leaf("version", detail="version", internal="version", about="Version."),
             )),
    Leaf("script_type", sight=Sight.UNREADABLE, internal="script_type", required=True, enum=_SHELLS, usual="shell",
         about="Interpreter of the script."),
    Leaf("build_script", Type.TEXT, detail="build_script", internal="scripts", about="The script."),
    _repositories("repo_info", "repos", "repos"),
    _PARAMETERS,
    _SERVICES,
    *_DOCKER,
    Leaf(_ADV, Type.BLOCK, default=False, about="null leaves the whole block out: the server's own defaults."),
    *_ADVANCED,
)  # fmt: skip
"""The plain body: `POST` and `PUT /openapi/build`."""

_INPUTS = Elements(
    "inputs", ("key",), detail="parameters", internal="envs", about="Values for the template's variables.",
    rows=(
        Leaf("key", detail="key", internal="key", required=True, about="Name of the template's variable."),
        Leaf("value", Type.TEXT, detail="value", internal="value", secret=True,
             about="Its value for this service module."),
        Leaf("type", detail="type", internal="type", enum=_TYPES, about="Kind of input; left out, the template's."),
        Leaf("is_credential", Type.BOOLEAN, detail="is_credential", internal="is_credential", default=False,
             about="The value is a secret; left out, as in the template."),
    ),
)  # fmt: skip

TEMPLATE: tuple[Row, ...] = (
    Leaf("template_name", sight=Sight.REFERENCE, detail="template_name", internal="template_id", required=True,
         about="Name of the build template."),
    Elements("target_services", ("service_name", "service_module"), detail="target_services", internal="targets",
             required=True, about="Service modules, each with its repositories and inputs.",
             rows=(
                 Leaf("service_name", detail="service_name", internal="service_name", required=True, about="Service."),
                 Leaf("service_module", detail="service_module", internal="service_module", required=True,
                      about="Module of the service."),
                 _repositories("repo_info", "repos", "repos"),
                 _INPUTS,
             )),
)  # fmt: skip
"""The template body: `POST /openapi/build?source=template` and `PUT /openapi/build/{name}/template`."""

ROWS: dict[Kind, tuple[Row, ...]] = {Kind.PLAIN: PLAIN, Kind.TEMPLATE: TEMPLATE}

IDENTITY = ("name", "project_key")
"""The two leaves that say which build it is; both bodies require them."""

HIDDEN = (Sight.UNREADABLE, Sight.PARTIAL)
"""Sights of which a record or the internal read knows more than the documented answers show."""

ASSUMED_USUAL = ("infrastructure", "script_type")
"""Unreadable settings whose usual value is taken as matching in comparison (design, "Unreadable settings")."""

FOLLOWERS: dict[str, tuple[str, ...]] = {
    f"{_ADV}.cluster_name": (f"{_ADV}.strategy_name",),
    f"{_ADV}.cache_setting.enabled": (f"{_ADV}.cache_setting.cache_dir",),
    "docker_build_step.dockerfile_source": (
        "docker_build_step.template_name",
        "docker_build_step.dockerfile_directory",
    ),
}
"""A setting → those that the server drops or does not know beside another value of it (contract, section 1)."""

SERVER_OUTPUTS = ("IMAGE", "PKG_FILE")
"""The outputs that the server puts in front of every build's own."""

ASTERISKS = "********"
"""What a plain update takes as "keep the stored value of this parameter" (contract, section 3)."""


def walk(rows: tuple[Row, ...], parent: str = "") -> Iterator[tuple[str, Row]]:
    """Yield every row with its full pattern path, lists before what is in them ("parameters[].key")."""
    for row in rows:
        path = f"{parent}{row.path}"
        yield path, row
        if isinstance(row, Elements):
            yield from walk(row.rows, f"{path}[].")
