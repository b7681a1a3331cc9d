"""A company to try things on: what `reconciler emulator --company` serves, in the server's own stored form.

    demo's four builds ─┐
    a service, copied and copied again, with a credential and a cache ─┤
    an archive made on a virtual machine, a build of the second project ─┴─► builds that people made in the page

What surrounds them is the world of the recordings, and what `examples/company` takes for granted besides.

Nothing of it is real: the credentials are words, and the addresses end in .example.
"""

from __future__ import annotations

import copy
from typing import Any

from reconciler.cli.demo_company import PROJECT, live_builds
from reconciler.emulator.world import shipped

SECOND = "other"
"""The second project, as the emulator's world names it."""

SECRETS = ("registry-word-of-the-company", "signing-word-of-the-company")
"""What the company's credentials hold; an export writes neither of them anywhere."""

_SCRIPT = """\
#!/bin/bash
set -euo pipefail
cd "$WORKSPACE/$REPONAME_0"

export GOFLAGS=-mod=readonly
go mod download
go vet ./...
go test ./...
CGO_ENABLED=0 go build -trimpath -o out/service ./cmd/service

docker login -u ci -p "$REGISTRY_PASSWORD" registry.example
docker build -t "$IMAGE" -f Dockerfile .
docker push "$IMAGE"
"""

_BATCH = """\
@echo off\r
cd %WORKSPACE%\r
msbuild installer.sln /p:Configuration=Release\r
sign.cmd out\\setup.exe\r
"""


_MORE: dict[str, list[dict[str, Any]]] = {
    "base_images": [
        {
            "id": "63047770931401b9baa6e398",
            "label": "company-python",
            "value": "registry.example.com/ci/python:3.11",
            "image_from": "custom",
        }
    ],
    "build_templates": [
        {
            "id": "64a0000000000000000000ab",
            "name": "python-service",
            "variables": [
                {
                    "key": "PYTHON",
                    "value": "3.11",
                    "type": "choice",
                    "choice_option": ["3.10", "3.11", "3.12"],
                    "is_credential": False,
                    "description": "version of the interpreter",
                },
                {"key": "PIP_INDEX_PASSWORD", "value": "", "type": "string", "is_credential": True},
            ],
        }
    ],
    "dockerfile_templates": [{"id": "65a0000000000000000000ab", "name": "python-dockerfile"}],
}
"""What the data team of the example company has besides: an image, a template of builds and one of Dockerfiles."""


def world() -> dict[str, Any]:
    """Return what surrounds the builds of `reconciler emulator`, unless it is given another world."""
    found = shipped()
    return {**found, **{part: [*found[part], *more] for part, more in _MORE.items()}}


def builds() -> list[dict[str, Any]]:
    """Return all of them; the demo's come first."""
    services = [_service("checkout"), _service("payments"), _copy("payments-copy", "payments"), _copied_again()]
    return [*live_builds(), *services, _archive(), _import()]


def _service(name: str, project: str = PROJECT) -> dict[str, Any]:
    """A Go service: repository, credential, tools, cache of the modules, image."""
    build = copy.deepcopy(live_builds()[0])
    build.update(
        name=name,
        product_name=project,
        timeout=30,
        update_by="shop-team",
        update_time=1710000000,
        targets=[{"product_name": project, "service_name": name, "service_module": name}],
        repos=[_repository(name)],
        scripts=_SCRIPT,
        cache_enable=True,
        cache_dir_type="user_defined",
        cache_user_dir="$WORKSPACE/.gomod",
        advanced_setting_modified=True,
    )
    build["pre_build"].update(
        res_req="define",
        res_req_spec={"cpu_limit": 2000, "memory_limit": 4096, "cpu_req": 500, "memory_req": 1024, "gpu_limit": ""},
        installs=[{"name": "go", "version": "1.20.7"}],
        envs=[
            {"key": "REGISTRY_PASSWORD", "value": SECRETS[0], "type": "string", "is_credential": True},
            {"key": "REGION", "value": "eu", "type": "choice", "choice_option": ["eu", "us"], "is_credential": False},
        ],
    )
    return build


def _repository(name: str) -> dict[str, Any]:
    return {
        "source": "gitlab",
        "codehost_id": 1,
        "repo_owner": "shop",
        "repo_namespace": "shop",
        "repo_name": name,
        "remote_name": "origin",
        "branch": "main",
        **({"is_primary": True} if name == "checkout" else {}),
    }


def _copy(name: str, of: str) -> dict[str, Any]:
    """A build that somebody copied in the page and hardly changed."""
    build = _service(of)
    build.update(name=name, update_by="somebody", update_time=1715000000)
    build["targets"][0].update(service_name=name, service_module=name)
    build["repos"][0]["branch"] = "release"
    return build


def _copied_again() -> dict[str, Any]:
    """The copy of a copy, with a password in its script."""
    build = _copy("payments-copy-2", "payments")
    build["timeout"] = 90
    build["scripts"] += "git push https://lin:pass-word-of-lin@git.example/shop/releases.git HEAD\n"
    build["desc"] = "do not delete, ask Lin"
    return build


def _archive() -> dict[str, Any]:
    """An installer that is signed on a Windows machine and put into an archive."""
    build = copy.deepcopy(live_builds()[0])
    build.update(
        name="desktop-installer",
        infrastructure="vm",
        vm_labels=["windows", "signing"],
        script_type="batch_file",
        scripts=_BATCH,
        update_by="desktop-team",
        update_time=1720000000,
        targets=[{"product_name": PROJECT, "service_name": "desktop", "service_module": "installer"}],
    )
    build["pre_build"]["envs"] = [
        {"key": "SIGNING_KEY", "value": SECRETS[1], "type": "string", "is_credential": True},
    ]
    build["post_build"]["file_archive"] = {"file_location": "$WORKSPACE/out"}
    return build


def _import() -> dict[str, Any]:
    """A nightly job of the second project, on the cluster with the GPUs."""
    build = _service("data-import", SECOND)
    build["pre_build"].update(cluster_id="5123456789abcdef12345678", strategy_id="bbbb1", installs=[], envs=[])
    build.update(scripts="python3 import.py --all\n", cache_enable=False, cache_dir_type="", cache_user_dir="")
    build["outputs"].append({"name": "rows", "description": "how many rows were taken over"})
    return build
