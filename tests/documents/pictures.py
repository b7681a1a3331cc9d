"""Write the pictures of the README: `python -m tests.documents.pictures`.

`docs/pictures/plan.svg` is a plan on the emulator, in a terminal; `docs/pictures/comment.svg` is what its Markdown
looks like on a pull request. Both show what the commands print; a test makes them again and compares.
"""

from __future__ import annotations

from pathlib import Path

from tests.documents.comment_picture import comment_picture
from tests.documents.scene import Shown, shown
from tests.documents.terminal_picture import terminal_picture

COMMAND = "python -m tests.documents.pictures"


def pictures(plan: Shown) -> dict[str, str]:
    """Return path in the checkout → SVG."""
    return {
        "docs/pictures/plan.svg": terminal_picture(
            "reconciler plan",
            plan.terminal,
            "A plan in the terminal",
            "reconciler plan shows four builds: one will be updated, with a script as a line diff, a credential that "
            "is not printed and a timeout that somebody changed on the server; one will be deleted; one is blocked, "
            "because an update would erase a script that the API cannot send; one will be created.",
        ),
        "docs/pictures/comment.svg": comment_picture(
            plan.markdown,
            "The same plan as a comment on a pull request",
            "What is blocked and what will be deleted stands first and open. Then, per project, a folded section per "
            "build with a diff; the first is shown open.",
        ),
    }


def main() -> None:
    """Write them."""
    for name, text in pictures(shown()).items():
        path = Path(__file__).parents[2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
