"""A template input's values → the losses that they are where a write leaves it to the template."""

from __future__ import annotations

from reconciler.model.build import CHOICE_VALUE, MASKED, Values
from reconciler.model.live import Loss
from reconciler.model.secret import Secret


def chosen_values(path: str, values: Values) -> Loss:
    """Return what an input has chosen, as the loss that it is: a credential's is as secret as its value."""
    secret = isinstance(values.get("value"), Secret) or values.get("is_credential") is True
    chosen = values[CHOICE_VALUE]
    assert isinstance(chosen, tuple)
    return Loss(f"{path}.choice_value", "" if secret else ", ".join(str(item) for item in chosen), secret=secret)


def held_value(path: str, values: Values) -> Loss:
    """Return the value of an input as the loss that it is."""
    held = values.get("value")
    told = held if isinstance(held, str) else ""
    return Loss(f"{path}.value", told, secret=isinstance(held, Secret) or MASKED in values)
