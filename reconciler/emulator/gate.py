"""Who asks: the authentication in front of every handler, and the permission that handlers ask for.

The answers of the gate, an empty 401, are described in the contract's sections 1 and 4 and not recorded; what
the identities may do is recording 15.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from .query import Query
from .refusals import DeniedError

NOBODY = "nobody"
DOWN = "down"


@dataclass(frozen=True)
class Identity:
    """The user of a token; `nobody` has no right, `down` makes the user service fail, others administer."""

    uid: str
    name: str

    def _is(self, which: str) -> bool:
        return which in (self.uid, self.name)

    def reach_user_service(self) -> None:
        """Raise DeniedError if the user service is down: it comes before everything (section 7)."""
        if self._is(DOWN):
            raise DeniedError("the user service is down")

    def need_permission(self) -> None:
        """Raise DeniedError if the user may not do what the handler is about to do."""
        if self._is(NOBODY):
            raise DeniedError("not permitted")


def identify(headers: Mapping[str, str], query: Query) -> Identity | None:
    """The identity of a request, or `None` for a 401.

    A `token` in the query overrides the header, which must be exactly the two words `Bearer <token>`.
    """
    token = query.first("token") or _bearer(headers)
    return read_token(token)


def _bearer(headers: Mapping[str, str]) -> str:
    value = headers.get("Authorization") or headers.get("authorization")
    if value is None:
        value = next((headers[name] for name in headers if name.lower() == "authorization"), "")
    words = value.split(" ")
    return words[1] if len(words) == 2 and words[0] == "Bearer" else ""


@lru_cache(maxsize=256)
def read_token(token: str) -> Identity | None:
    """The identity in the middle one of the token's three parts (unpadded base64url of JSON)."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        return None
    if not isinstance(claims, dict):
        return None
    return Identity(str(claims.get("uid", "")), str(claims.get("name", "")))
