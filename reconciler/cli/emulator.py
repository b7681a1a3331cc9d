"""`reconciler emulator`: serve a stand-in for Zadig's Build API."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from types import FrameType

import click

from reconciler.cli.telling import Command
from reconciler.model.errors import UsageError


@click.command("emulator", cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), metavar="N", help="0 picks one.")
@click.option(
    "--world", "world_file", type=click.Path(), metavar="FILE", help="Images, clusters, code hosts … as JSON."
)
@click.option("--latency", default=0.0, metavar="MS", type=click.FloatRange(0), help="Milliseconds before each answer.")
@click.option("--control", is_flag=True, help="Also answer under /_emulator/: state, requests, faults, settings.")
def command(host: str, port: int, world_file: str | None, latency: float, control: bool) -> int:
    """Serve a stand-in for Zadig's Build API until it is stopped.

    Prints its base URL as one line when it is ready. Any token of three parts is an administrator's.
    """
    from reconciler.emulator import Emulator, serve

    world = _world(world_file) if world_file else None
    emulator = Emulator(world, control=control)
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


def _world(file: str) -> dict[str, object]:
    try:
        world = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}", "name a JSON file with --world") from None
    except ValueError as error:
        raise UsageError(f"{file} is not JSON: {error}", "see tests/wire/world.json for one") from None
    if not isinstance(world, dict):
        raise UsageError(f"{file} is not a JSON object", "see tests/wire/world.json for one")
    return world
