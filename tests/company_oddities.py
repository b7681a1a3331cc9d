"""What only the web page can set, and the scripts of a company: used by `tests.companies`."""

from __future__ import annotations

from random import Random
from typing import Any

Stored = dict[str, Any]


def post_build(made: Stored) -> None:
    made["post_build"]["scripts"] = "curl -sS -d done https://chat.example/hook\n"


def archive(made: Stored) -> None:
    made["post_build"]["file_archive"] = {"file_location": "dist/app.tar.gz"}


def upload(made: Stored) -> None:
    detail = [{"file_path": "dist", "dest_path": "/", "abs_file_path": ""}]
    made["post_build"]["object_storage_upload"] = {
        "enabled": True,
        "object_storage_id": "66aa",
        "upload_detail": detail,
    }


def workspace_cache(made: Stored) -> None:
    made.update(cache_enable=True, cache_dir_type="workspace", cache_user_dir="")


def hidden(made: Stored) -> None:
    for repository in made["repos"][:1]:
        repository.update(hidden=True, filter_regexp="^release", enable_commit=True, commit_id="0a1b2c3")


def privileged(made: Stored) -> None:
    made["enable_privileged_mode"] = True
    made["pre_build"].update(use_host_docker_daemon=True, custom_annotations=[{"key": "a.example/b", "value": "on"}])


def volumes(made: Stored) -> None:
    volume = {"mount_path": "/cache", "provision_type": "static", "pvc": "build-cache", "access_mode": "ReadWriteMany"}
    made["pre_build"]["storages"] = {"enabled": True, "storages_properties": [volume]}


def pasted(made: Stored) -> None:
    """Somebody put a credential of the build into its script."""
    for variable in made["pre_build"]["envs"]:
        if variable["is_credential"]:
            made["scripts"] += f"docker login -u ci -p '{variable['value']}' registry.example.com\n"


def described(made: Stored) -> None:
    made.update(desc="who knows", team="core")
    made["outputs"][0]["description"] = "the image"


BODIES = (
    (
        "go mod download",
        "go vet ./...",
        "go test -race ./... | tee test-{n}.log",
        "go build -o bin/app-{n} ./cmd/app-{n}",
    ),
    ("npm ci", "npm run lint -- --max-warnings {n}", "npm test -- --shard={n}/9", "npm run build:{n}"),
    ("mvn -B -q verify -pl module-{n}", "mvn -B -q deploy -DskipTests -pl module-{n}", "cp target/*.jar dist-{n}/"),
    ("pip install -r requirements-{n}.txt", "python -m pytest -q tests/part{n}", "\tif [ -f x{n} ]; then  # tab", "fi"),
)


def script(draw: Random, name: str) -> str:
    """Return a script of 5 to 300 lines, of one of a few shapes."""
    body = draw.choice(BODIES)
    length = draw.choices((5, 12, 40, 120, 300), (25, 40, 25, 7, 3))[0]
    lines = ["#!/bin/bash", "set -e", 'cd "$WORKSPACE/$REPONAME_0"', f"export SERVICE='{name[:40]}'"]
    lines += [body[n % len(body)].format(n=n // len(body)) for n in range(length - len(lines))]
    return "\n".join(lines) + draw.choice(("\n", "\n", "\n\n", ""))


ODDITIES = (post_build, archive, upload, workspace_cache, hidden, privileged, volumes, pasted, described)
"""Each changes a plain build in place."""
