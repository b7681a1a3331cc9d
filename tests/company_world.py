"""What surrounds the builds of the company in `tests.companies`: clusters, images, code hosts, templates, projects."""

from __future__ import annotations

from typing import Any

from reconciler.emulator.world import shipped

Stored = dict[str, Any]
World = dict[str, Any]

PROJECTS = ("shop", "billing", "search", "mobile", "data", "infra", "legacy", "A B")
LOCAL, GPU, FAR = "0123456789abcdef12345678", "5123456789abcdef12345678", "7123456789abcdef12345678"
STRATEGIES = {LOCAL: ("aaaa1", "aaaa2"), GPU: ("bbbb1",), FAR: ("cccc1", "cccc2")}
IMAGES = {
    "63047770931401b9baa6e396": ("ubuntu 20.04", "focal", "koderover"),
    "63047770931401b9baa6e395": ("ubuntu 18.04", "bionic", "koderover"),
    "63047770931401b9baa6e397": ("company-go", "registry.example.com/ci/go:1.22", "custom"),
    "63047770931401b9baa6e398": ("company-node", "registry.example.com/ci/node:20", "custom"),
    "63047770931401b9baa6e399": ("company-java: 17", "registry.example.com/ci/java:17", "custom"),
}
HOSTS = {1: "gitlab", 2: "github", 4: "other", 5: "gitlab"}
GO_TEMPLATE, WEB_TEMPLATE = "64a0000000000000000000bb", "64a0000000000000000000cc"
VARIABLES: dict[str, list[Stored]] = {
    GO_TEMPLATE: [
        {"key": "GOFLAGS", "value": "-mod=vendor", "type": "string", "is_credential": False},
        {"key": "TARGET", "value": "all", "type": "choice", "choice_option": ["all", "test"], "is_credential": False},
        {"key": "NPM_TOKEN", "value": "", "type": "string", "is_credential": True},
    ],
    WEB_TEMPLATE: [
        {"key": "NODE_ENV", "value": "production", "type": "string", "is_credential": False, "description": "which"},
        {"key": "LOCALES", "value": "en", "type": "multi-select", "choice_option": ["en", "zh", "de"],
         "choice_value": ["en"], "is_credential": False},
        {"key": "CDN_KEY", "value": "", "type": "string", "is_credential": True},
    ],
}  # fmt: skip


def company_world() -> World:
    """Return what surrounds the builds: the shipped world, and what this company added."""
    world = shipped()
    world["base_images"] = [
        {"id": number, "label": label, "value": value, "image_from": kind}
        for number, (label, value, kind) in IMAGES.items()
    ]
    far = [{"id": "cccc1", "name": "default", "default": True}, {"id": "cccc2", "name": "spot: cheap"}]
    world["clusters"].append({"id": FAR, "name": "far-away", "local": False, "strategies": far})
    world["code_hosts"].append({"id": 5, "alias": "gitlab-old", "type": "gitlab", "level": "system"})
    for number, name in ((GO_TEMPLATE, "go-service"), (WEB_TEMPLATE, "web-front")):
        world["build_templates"].append({"id": number, "name": name, "variables": VARIABLES[number]})
    world["projects"] = [{"key": p, "name": p.title(), "description": "", "deploy_type": "k8s"} for p in PROJECTS]
    return world
