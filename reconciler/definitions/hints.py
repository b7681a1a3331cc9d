"""What to do about a problem whose own check has nothing better to say: every problem has a way out."""

from __future__ import annotations

_HINTS = {
    "wrong-type": "docs/fields.md says what each setting takes",
    "unknown-key": "take it out; docs/fields.md lists what there is",
    "not-a-mapping": "begin with name: and write one key per line",
    "unreadable": "make it readable for this user, or take it away",
    "too-large": "split it, or keep what is not a definition outside of the tree",
    "not-utf-8": "save the file as UTF-8",
    "syntax": "correct it here; an editor with the schema shows more",
    "empty": "give it a value",
}
_OTHERWISE = "correct it here; docs/fields.md says what each setting takes"


def hint_for(rule: str, hint: str) -> str:
    """Return the hint of a check, or the general one of its rule."""
    return hint or _HINTS.get(rule, _OTHERWISE)
