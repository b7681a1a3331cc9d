"""Write the reference: `python -m tests.documents.reference`.

`docs/reference/commands.md`, `files.md` and `environment.md` come from the program; a test holds them equal to it.
"""

from __future__ import annotations

from pathlib import Path

from tests.documents.reference_commands import commands_markdown
from tests.documents.reference_environment import environment_markdown
from tests.documents.reference_files import files_markdown

COMMAND = "python -m tests.documents.reference"
HEAD = f"Generated from the program by `{COMMAND}`; do not edit."


def reference() -> dict[str, str]:
    """Return path in the checkout → Markdown."""
    return {
        "docs/reference/commands.md": commands_markdown(HEAD),
        "docs/reference/files.md": files_markdown(HEAD),
        "docs/reference/environment.md": environment_markdown(HEAD),
    }


def main() -> None:
    """Write every page."""
    for name, text in reference().items():
        path = Path(__file__).parents[2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
