"""Write the generated files of a checkout: `python -m reconciler.definitions.generate`.

`schemas/*.schema.json` and `docs/fields.md` come from the table of fields; a test holds them equal to it.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.definitions.reference import fields_markdown
from reconciler.definitions.schema import SCHEMAS, generated_schema


def generated_files() -> dict[str, str]:
    """Return path in the checkout → text."""
    schemas = {f"schemas/{name}.schema.json": generated_schema(name) for name in SCHEMAS}
    return {**schemas, "docs/fields.md": fields_markdown()}


def main() -> None:
    """Write every generated file."""
    root = Path(__file__).parents[2]
    for name, text in generated_files().items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
