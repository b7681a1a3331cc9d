"""The house, a room per stage, held by the imports: who may use whom, and which library lives where."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "reconciler"

MAY_IMPORT = {
    "model": set(),
    "definitions": {"model"},
    "server": {"model"},
    "ledger": {"model"},
    "compare": {"model"},
    "plan": {"model", "compare"},
    "apply": {"model", "plan", "server", "ledger"},
    "export": {"model", "definitions"},
    "report": {"model", "compare", "plan"},
    "forge": {"model"},
    "config": {"model", "definitions"},
    "workflow": {"model", "definitions", "server", "ledger", "compare", "plan", "apply", "export", "forge", "config"},
    "cli": {"model", "config", "workflow", "report", "emulator"},
    "emulator": set(),
    "__main__": {"cli"},
    "__init__": set(),
}
"""Room → the rooms it may import (its own always)."""

THIRD_PARTY = {
    "yaml": {"definitions"},
    "jsonschema": {"definitions"},
    "httpx": {"server", "ledger", "forge"},
    "deepdiff": {"compare"},
    "obstore": {"ledger"},
    "click": {"cli"},
    "rich": {"cli"},
}
"""Library → the rooms that may import it. Others may not be imported at all."""

PURE = ("model", "compare", "plan", "export", "report")
WORLDLY = {"os", "time", "io", "pathlib", "socket", "sqlite3", "subprocess", "threading", "random", "sys", "shutil"}


def imports() -> list[tuple[str, str, str]]:
    """Every import of the package: (room, file, imported module)."""
    found = []
    for file in sorted(ROOT.rglob("*.py")):
        inside = file.relative_to(ROOT)
        room = inside.parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found += [(room, str(inside), alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                package = ".".join(("reconciler", *inside.parts[:-1])).split(".")
                base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
                module = ".".join(part for part in (base, node.module or "") if part)
                found += [(room, str(inside), f"{module}.{alias.name}") for alias in node.names]
    return found


IMPORTS = imports()


def test_the_walk_sees_the_imports():
    """The test would be satisfied by an empty list, so it is shown to see what is there."""
    assert ("server", "server/transport.py", "httpx") in IMPORTS
    assert any(room == "plan" and module.startswith("reconciler.compare.") for room, _, module in IMPORTS)
    assert {room for room, _, _ in IMPORTS} >= MAY_IMPORT.keys() - {"__init__"}


def test_a_room_imports_only_the_rooms_it_may():
    """The arrows point one way."""
    wrong = [
        (file, module)
        for room, file, module in IMPORTS
        if module.startswith("reconciler.")
        and (target := module.split(".")[1]) != room
        and target in MAY_IMPORT
        and target not in MAY_IMPORT[room]
    ]
    assert wrong == []


def test_the_emulator_imports_nothing_of_ours_and_no_library():
    """A mistake in the mapping must not be mirrored by its own double."""
    import sys

    outside = {
        module.split(".")[0]
        for room, _, module in IMPORTS
        if room == "emulator" and not module.startswith("reconciler.emulator")
    }
    assert outside <= set(sys.stdlib_module_names)


def test_each_library_has_its_room():
    """`server`, `ledger` and `forge` speak HTTP, only `definitions` reads YAML, only `cli` knows the terminal's."""
    import sys

    wrong = [
        (file, module)
        for room, file, module in IMPORTS
        if (top := module.split(".")[0]) not in sys.stdlib_module_names
        and top != "reconciler"
        and room not in THIRD_PARTY.get(top, set())
    ]
    assert wrong == []


@pytest.mark.parametrize("room", PURE)
def test_the_pure_rooms_touch_nothing(room):
    """Comparing, planning and rendering know no file, network, clock or environment."""
    touched = {(file, module) for where, file, module in IMPORTS if where == room and module.split(".")[0] in WORLDLY}
    assert touched == set()


def test_secrets_are_opened_in_one_file():
    """`reveal` is called where bodies and headers are encoded, and nowhere else."""
    callers = {
        str(file.relative_to(ROOT)) for file in ROOT.rglob("*.py") if ".reveal()" in file.read_text(encoding="utf-8")
    }
    assert callers == {"server/wire.py"}


@pytest.mark.parametrize(
    "package", [p for p in sorted(ROOT.iterdir()) if (p / "__init__.py").exists()], ids=lambda p: p.name
)
def test_every_room_says_its_job(package):
    """A package docstring says what the room is for and what is forbidden there."""
    doc = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert doc
    assert "orbidden" in doc
