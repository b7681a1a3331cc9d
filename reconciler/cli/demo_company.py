"""The small company of the demo: what its server already has, and what its Git gets."""

from __future__ import annotations

from typing import Any

PROJECT = "yaml"
TOKEN = "e30.eyJuYW1lIjoiYWRtaW4iLCJ1aWQiOiJ1MSIsImFjY291bnQiOiJhZG1pbiJ9.sig"
"""A token as the platform makes them, for the user `admin`; only the emulator takes it."""

_IMAGE = {"image_id": "63047770931401b9baa6e396", "build_os": "focal", "image_from": "koderover"}
_CLUSTER = {"cluster_id": "0123456789abcdef12345678", "strategy_id": "aaaa1"}


def live_builds() -> list[dict[str, Any]]:
    """Return the builds that people made in the web page over the years, in the server's own stored form."""
    return [
        {**_made("billing", "billing-team"), "scripts": "#!/bin/bash\nset -e\nmake billing\n"},
        {
            **_made("search-index", "ops"),
            "scripts": "python index.py\n",
            "post_build": {
                "docker_build": None,
                "object_storage_upload": None,
                "scripts": "curl -d 'indexed' https://chat.example/hook\n",
            },
            "enable_privileged_mode": True,
        },
        {**_made("storefront", "web-team"), "template_id": "64a0000000000000000000aa", "scripts": ""},
        {
            **_made("old-monolith", "somebody-long-gone"),
            "source": "jenkins",
            "pre_build": {"res_req": "low"},
            "jenkins_build": {"jenkins_id": "77", "job_name": "monolith", "jenkins_build_param": []},
        },
    ]


def _made(name: str, user: str) -> dict[str, Any]:
    return {
        "name": name,
        "source": "zadig",
        "template_id": "",
        "timeout": 60,
        "targets": [{"product_name": PROJECT, "service_name": name, "service_module": name}],
        "update_time": 1690000000,
        "update_by": user,
        "repos": [],
        "infrastructure": "kubernetes",
        "script_type": "shell",
        "scripts": "",
        "product_name": PROJECT,
        "pre_build": {
            "res_req": "low",
            "res_req_spec": {"cpu_limit": 1000, "memory_limit": 512, "cpu_req": 0, "memory_req": 0, "gpu_limit": ""},
            "installs": [],
            "envs": [],
            **_IMAGE,
            **_CLUSTER,
        },
        "post_build": {"docker_build": None, "object_storage_upload": None, "scripts": ""},
        "outputs": [{"name": "IMAGE", "description": ""}, {"name": "PKG_FILE", "description": ""}],
    }


FILES = {
    "reconciler.yaml": """\
projects: [yaml]
tree: demo
""",
    "_defaults.yaml": """\
project_key: yaml
infrastructure: kubernetes
script_type: shell
build_os: ubuntu 20.04
""",
    "api.yaml": """\
name: api
x-reconciler: {prevent_destroy: true}
build_script: {from_file: api.sh}
repo_info:
  - {codehost_name: gitlab, repo_namespace: shop, repo_name: api, branch: main}
parameters:
  - {key: REGISTRY_PASSWORD, type: string, is_credential: true, default_value: {from_env: BUILD_REGISTRY_PASSWORD}}
services:
  - {service_name: api, service_module: api}
advanced_settings:
  timeout: 30
  privileged_mode: true
""",
    "api.sh": """\
#!/bin/bash
set -e
cd "$WORKSPACE/$REPONAME_0"
make build
make test
""",
    "search-index.yaml": """\
name: search-index
build_script: |
  python index.py --incremental
""",
}
"""The tree, file by file: a new build, and one that is on the server already."""

LOSSY = "search-index"
"""The build of the tree whose first update would erase what the API cannot send."""

LET_GO = '"x-reconciler": {"accept_loss": {"post_build.scripts": "cf431f133995"}}'
"""What its plan says to put into the definition, to let exactly that go."""

SECRET = "s3cret-of-the-demo"
"""The credential of the demo; it is printed nowhere."""
