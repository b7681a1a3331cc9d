"""Measure what a run costs: CPU seconds, wall seconds, peak memory, requests. Run by hand, never in the suite.

    python tests/benchmarks/run.py [BUILDS]

Every figure stands beside a baseline of the same run (bare requests, bare parsing): machines are noisy,
ratios are less so. Each measurement is a process of its own; the emulator runs in another.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOKEN = "e30.eyJuYW1lIjoiYWRtaW4iLCJ1aWQiOiJ1MSIsImFjY291bnQiOiJhZG1pbiJ9.sig"
DEFINITION = """\
name: build-{n}
project_key: yaml
infrastructure: kubernetes
build_os: ubuntu 20.04
script_type: shell
installs:
  - name: go
    version: "1.20.7"
  - name: node
    version: "18.17.0"
build_script: |
  #!/bin/bash
  set -e
  cd $WORKSPACE/$REPONAME_0
  make build-{n}
  make test
repo_info:
  - codehost_name: gitlab
    repo_namespace: org
    repo_name: demo-{n}
    branch: main
    remote_name: origin
    checkout_path: ""
    submodules: false
    enable_commit: false
    commit_id: ""
parameters:
  - key: aa
    type: multi-select
    default_value: a
    choice_option: [a, b, c]
    choice_value: [a, b]
    is_credential: false
    description: pick
  - key: mode
    type: choice
    default_value: fast
    choice_option: [fast, slow]
    is_credential: false
  - key: PW
    type: string
    default_value: secret-{n}
    is_credential: true
services:
  - service_name: service-{n}
    service_module: service-{n}
docker_build_step:
  dockerfile_source: local
  build_context_dir: $REPONAME_0
  dockerfile_directory: $REPONAME_0/Dockerfile
  build_args: ""
  template_name: ""
  enable_buildkit: true
  platforms: linux/amd64
advanced_settings:
  cluster_name: local-20250523164625
  strategy_name: default
  timeout: 30
  resource_spec:
    cpu_req: 100
    cpu_limit: 1000
    memory_req: 200
    memory_limit: 2000
    gpu_limit: ""
  use_host_docker_daemon: false
  privileged_mode: false
  cache_setting:
    enabled: true
    cache_dir: $WORKSPACE
  custom_labels:
    - key: team
      value: team-{n}
  outputs: [bb]
"""

PARSE_ONLY = """
import sys, yaml, pathlib
for file in pathlib.Path(sys.argv[1]).glob("*.yaml"):
    for event in yaml.parse(file.read_bytes(), Loader=yaml.CSafeLoader):
        pass
"""

GETS_ONLY = """
import sys, threading, httpx, json
from concurrent.futures import ThreadPoolExecutor
url, token, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
local, context = threading.local(), httpx.create_ssl_context()
def get(n):
    client = getattr(local, "client", None)
    if client is None:
        client = local.client = httpx.Client(base_url=url, verify=context, headers={"Authorization": f"Bearer {token}"})
    return client.get(f"/openapi/build/build-{n}/detail", params={"projectKey": "yaml"}).json()
with ThreadPoolExecutor(8) as pool:
    list(pool.map(get, range(count)))
"""


def measure(label: str, command: list[str], env: dict[str, str]) -> tuple[float, float]:
    """Run a command; print and return its CPU and wall seconds."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    cpu = usage.ru_utime + usage.ru_stime
    if status:
        print(output.decode()[-2000:])
    last = output.decode().strip().splitlines()[-1:] or [""]
    print(
        f"{label:<34} cpu {cpu:6.2f} s   wall {wall:6.2f} s   peak {usage.ru_maxrss / 1024:5.0f} MiB   {last[0][:60]}"
    )
    return cpu, wall


def call(url: str, method: str, path: str, body: object = None) -> object:
    """Ask the emulator's control door."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, method=method)) as answer:
        return json.loads(answer.read() or b"null")


@contextlib.contextmanager
def bench(count: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Make a tree of so many builds, and an emulator in another process; yield both, and the environment to run in."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        tree.mkdir()
        (tree / "reconciler.yaml").write_text("projects: [yaml]\ntree: bench\n", encoding="utf-8")
        for n in range(count):
            (tree / f"build-{n}.yaml").write_text(DEFINITION.replace("{n}", str(n)), encoding="utf-8")
        command = [sys.executable, "-m", "reconciler", "emulator", "--control"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT)}
        emulator = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)
        try:
            assert emulator.stdout is not None
            url = emulator.stdout.readline().strip()
            yield str(tree), url, {**environ, "ZADIG_SERVER": url, "ZADIG_TOKEN": TOKEN}
        finally:
            emulator.terminate()
            emulator.wait()


def main() -> None:
    """Measure everything once, in order."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with bench(count) as (tree, url, env):
        measure_all(count, tree, url, env)


def measure_all(count: int, tree: str, url: str, env: dict[str, str]) -> None:
    """Measure validate, apply and plan beside their baselines; print ratios."""
    tool = [sys.executable, "-m", "reconciler"]
    print(f"{count} builds of {DEFINITION.count(chr(10))} lines, Python {sys.version.split()[0]}")
    parse = measure("baseline: libyaml events alone", [sys.executable, "-c", PARSE_ONLY, tree], env)
    load = measure("validate", [*tool, "validate", tree], env)
    measure("apply (creates)", [*tool, "apply", tree, "--yes", "-q"], env)
    for latency in (0, 20):
        call(url, "PUT", "/_emulator/settings", {"latency_ms": latency})
        call(url, "DELETE", "/_emulator/requests")
        bare = measure(
            f"baseline: {count} GETs, {latency} ms", [sys.executable, "-c", GETS_ONLY, url, TOKEN, str(count)], env
        )
        call(url, "DELETE", "/_emulator/requests")
        plan = measure(f"plan, unchanged, {latency} ms", [*tool, "plan", tree, "-q"], env)
        requests = call(url, "GET", "/_emulator/requests")
        assert isinstance(requests, list)
        print(f"    requests {len(requests)}, plan/GETs cpu {plan[0] / bare[0]:.2f} wall {plan[1] / bare[1]:.2f}")
        fresh = {**env, "RECONCILER_LEDGER": f"{tree}/../no-ledger.db"}
        call(url, "DELETE", "/_emulator/requests")
        deep = measure(f"plan without a ledger, {latency} ms", [*tool, "plan", tree, "-q"], fresh)
        requests = call(url, "GET", "/_emulator/requests")
        assert isinstance(requests, list)
        asked = sum(1 for request in requests if request["path"].startswith("/api/"))
        print(f"    requests {len(requests)}, of them internal {asked}, against plan cpu {deep[0] / plan[0]:.2f}")
    print(f"    validate/parse cpu {load[0] / parse[0]:.2f}")


if __name__ == "__main__":
    main()
