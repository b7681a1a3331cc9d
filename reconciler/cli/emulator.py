"""`reconciler emulator`: serve a stand-in for Zadig's Build API."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from types import FrameType
from typing import Any

import click

from reconciler.cli.telling import Command
from reconciler.model.errors import UsageError

_SEE = "see tests/wire/world.json for one"
_AS_STORED = "see `builds` of GET /_emulator/state (--control)"


@click.command("emulator", cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H", help="Where to listen.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), metavar="N", help="0 picks one.")
@click.option(
    "--world", "world_file", type=click.Path(), metavar="FILE", help="Images, clusters, code hosts … as JSON."
)
@click.option("--company", is_flag=True, help="Begin with the builds of a small company, to try things on.")
@click.option("--builds", "builds_file", type=click.Path(), metavar="FILE", help="Begin with these: a JSON list.")
@click.option("--latency", default=0.0, metavar="MS", type=click.FloatRange(0), help="Milliseconds before each answer.")
@click.option("--control", is_flag=True, help="Also answer under /_emulator/: state, requests, faults, settings.")
def command(host: str, port: int, latency: float, **flags: Any) -> int:
    """Serve a stand-in for Zadig's Build API until it is stopped.

    Prints its base URL as one line when it is ready. Any token of three parts is an administrator's.
    Builds are in the form that the server stores, as `GET /_emulator/state` shows them.
    """
    from reconciler.emulator import Emulator, serve

    if flags["company"] and flags["builds_file"]:
        raise UsageError("--company and --builds both say what the server begins with", "leave one of the two out")
    world = _world(flags["world_file"])
    builds = _builds(flags["builds_file"], company=flags["company"])
    emulator = Emulator(world, builds, control=flags["control"])
    emulator.set_settings({"latency_ms": latency})
    try:
        server = serve(emulator, host, port)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}", "choose another --port") from None

    def stopped(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stopped)
    click.echo(server.url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
    return 0


def _builds(file: str | None, *, company: bool) -> list[dict[str, Any]]:
    """Return what the server begins with."""
    if company:
        from reconciler.cli.company import builds

        return builds()
    if file is None:
        return []
    found = _json(file, "--builds")
    if not isinstance(found, list) or not all(isinstance(one, dict) and one.get("name") for one in found):
        raise UsageError(f"{file} is not a JSON list of builds with names", f"{_AS_STORED} for some")
    return found


def _world(file: str | None) -> dict[str, Any]:
    if file is None:
        from reconciler.cli.company import world as of_the_examples

        return of_the_examples()
    world = _json(file, "--world")
    if not isinstance(world, dict):
        raise UsageError(f"{file} is not a JSON object", _SEE)
    return world


def _json(file: str, flag: str) -> Any:
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", f"name a JSON file with {flag}") from None
    except (ValueError, RecursionError) as error:
        hint = _SEE if flag == "--world" else f"{_AS_STORED} for some"
        raise UsageError(f"{file} is not JSON: {error}", hint) from None
