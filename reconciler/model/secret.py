"""A value that prints as a mask.

Every credential, and everything that comes from the environment, travels as a `Secret` from where it is
read to where a request body is encoded. `reveal` is called in one module only: `reconciler.server.wire`.
"""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "(sensitive)"


class Secret:
    """A text that no rendering shows, or the promise of one that this environment does not hold.

    Args:
        value: the text; None where the environment variable is unset (or empty, which counts as unset).
        name: the environment variable it came from, None for a value that the server showed.
    """

    __slots__ = ("_value", "name")

    def __init__(self, value: str | None, name: str | None = None) -> None:
        self._value = value
        self.name = name

    @property
    def is_set(self) -> bool:
        """Whether there is a value at all."""
        return self._value is not None

    def reveal(self) -> str:
        """Return the clear text. Raises ValueError where the value is unset."""
        if self._value is None:
            raise ValueError(f"the environment variable {self.name} is not set")
        return self._value

    def holds(self, text: str) -> bool:
        """Tell whether the clear text is `text`."""
        return self._value == text

    def digest(self, key: bytes) -> str:
        """Return the HMAC-SHA256 of the clear text, as hex: without the key nothing can be guessed from it.

        Raises ValueError where the value is unset.
        """
        if self._value is None:
            raise ValueError(f"the environment variable {self.name} is not set")
        return hmac.new(key, self._value.encode("utf-8", "surrogatepass"), "sha256").hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if self._value is None or other._value is None:
            return self._value is other._value and self.name == other.name
        return self._value == other._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never serialised")
