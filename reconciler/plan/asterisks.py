"""What is sent × what is there → the parameters that keep their stored value by asterisks (contract, section 3)."""

from __future__ import annotations

from reconciler.model.build import Values, elements_of, same
from reconciler.model.secret import Secret


def kept(values: Values, have: Values) -> frozenset[str]:
    """Find the secret parameters that the server already holds with this very value under this key, once."""
    held = {e.key: e.values.get("default_value") for e in elements_of(have.get("parameters"))}
    paths = set()
    for element in elements_of(values.get("parameters")):
        value, stored = element.values.get("default_value"), held.get(element.key)
        secret = isinstance(value, Secret) or element.values.get("is_credential") is True
        twice = f"{element.key}#2" in held or "#" in element.key
        if secret and not twice and value is not None and stored is not None and same(value, stored):
            paths.add(f"parameters[{element.key}].default_value")
    return frozenset(paths)
