"""The typed shapes of the server's structures: how JSON is read into them, and how they are shown as JSON.

Reading follows the server's decoder (the contract's section 1, recording 06): keys match without regard to
case, unknown ones are ignored, `null` leaves what was there, a key that is sent twice is read into the same
place (so objects merge and the last scalar wins), a wrong type anywhere is a BodyError. Showing follows its
encoder: a list is never `null`, a missing object is, and some keys are left out when empty.
"""

from __future__ import annotations

from typing import Any

from .exchange import Document
from .gojson import Members, Number, clean, plain, whole
from .refusals import BodyError


class Shape:
    """One type: its empty value, how it is read (`old` is what is there already), and how it is shown."""

    zero: Any = None

    def read(self, raw: Any, old: Any) -> Any:
        """The value after reading `raw` over `old`; raises BodyError for a wrong type."""
        raise NotImplementedError

    def show(self, value: Any) -> Any:
        """The value as the server's encoder writes it; `None` stands for absent."""
        raise NotImplementedError


class _Text(Shape):
    zero = ""

    def read(self, raw: Any, old: Any) -> Any:
        if raw is None:
            return old
        if type(raw) is not str:
            raise BodyError("a string is wanted")
        return clean(raw)

    def show(self, value: Any) -> Any:
        return value or ""


class _Flag(Shape):
    zero = False

    def read(self, raw: Any, old: Any) -> Any:
        if raw is None:
            return old
        if not isinstance(raw, bool):
            raise BodyError("true or false is wanted")
        return raw

    def show(self, value: Any) -> Any:
        return bool(value)


class _Whole(Shape):
    zero = 0

    def read(self, raw: Any, old: Any) -> Any:
        if raw is None:
            return old
        if not isinstance(raw, Number):
            raise BodyError("an integer is wanted")
        return whole(raw)

    def show(self, value: Any) -> Any:
        return value or 0


class _Anything(Shape):
    def read(self, raw: Any, old: Any) -> Any:  # noqa: ARG002 - any value replaces what was there
        return plain(raw)

    def show(self, value: Any) -> Any:
        return value


class Many(Shape):
    """A list; an absent one is `None` when read and empty when shown."""

    def __init__(self, item: Shape) -> None:
        self.item = item

    def read(self, raw: Any, old: Any) -> Any:
        """A list read element by element into the elements that are there already."""
        if raw is None:
            return None
        if type(raw) is not list:
            raise BodyError("a list is wanted")
        before = old or []
        return [
            self.item.read(value, before[index] if index < len(before) else self.item.zero)
            for index, value in enumerate(raw)
        ]

    def show(self, value: Any) -> Any:
        """A list, never `null`."""
        return [self.item.show(item) for item in value or ()]


class Field:
    """A member of a structure; `omit` leaves it out when empty, `stored` is its key in the store."""

    def __init__(self, name: str, shape: Shape, *, omit: bool = False, stored: str | None = None) -> None:
        self.name = name
        self.shape = shape
        self.omit = omit
        self.stored = stored or name


class Struct(Shape):
    """A structure that is always there."""

    def __init__(self, *fields: Field) -> None:
        self.fields = fields
        self._named = {field.name: field for field in fields}
        self.zero = {field.name: field.shape.zero for field in fields}

    def read(self, raw: Any, old: Any) -> Any:
        """A document with every field of the structure."""
        if raw is None:
            return old
        if not isinstance(raw, Members):
            raise BodyError("an object is wanted")
        values = dict(old)
        for key, value in raw:
            field = self._named.get(key) or self._named.get(_folded(key))
            if field is not None:
                values[field.name] = field.shape.read(value, values[field.name])
        return values

    def show(self, value: Any) -> Any:
        """A document with the fields of the structure alone, in their order."""
        document: Document = {}
        value = value or {}
        for field in self.fields:
            raw = value.get(field.stored)
            if raw is None and field.stored != field.name:
                raw = value.get(field.name)
            shown = field.shape.show(raw)
            if shown or not field.omit:
                document[field.name] = shown
        return document


class Optional(Shape):
    """A structure that may be absent."""

    def __init__(self, struct: Struct) -> None:
        self.struct = struct

    def read(self, raw: Any, old: Any) -> Any:
        """A document, or `None` for null."""
        if raw is None:
            return None
        return self.struct.read(raw, self.struct.zero if old is None else old)

    def show(self, value: Any) -> Any:
        """A document, or `None`."""
        return None if value is None else self.struct.show(value)


def _folded(key: str) -> str:
    """A key as the decoder compares it: by Unicode's simple folding, in which ſ and K are letters of ASCII."""
    return key.lower().replace("ſ", "s")


TEXT = _Text()
FLAG = _Flag()
WHOLE = _Whole()
ANYTHING = _Anything()
