"""Every way in which a handler refuses, and the answer that each becomes (the contract's section 4).

===============  =============================================================  ==========
AnswerError      any refusal that knows its answer
· BodyError      unreadable JSON, wrong type, missing field, bad number         400, empty
· DeniedError    not permitted, or the user service is down                     403, empty
· CrashError     the handler panics                                             500, empty
· BusinessError  a refusal with a code of its own                               400, JSON
· InternalError  any other error of the server                                  500, JSON
MissingError     a document refers to what is not there; handlers make it a sentence
===============  =============================================================  ==========
"""

from __future__ import annotations

from dataclasses import dataclass

from .exchange import Response, as_json, empty


@dataclass(frozen=True)
class Kind:
    """A family of business errors: its code and the Chinese message that goes with it."""

    code: int
    message: str


PARAMETER = Kind(400, "Bad Request")
CREATE = Kind(6520, "新建编译模块失败")
UPDATE = Kind(6521, "更新编译模块失败")
DETAIL = Kind(6523, "查询编译模块失败")
LICENSE = Kind(7050, "许可证无效")


class MissingError(Exception):
    """A lookup in the store that found nothing; the text is the database driver's own."""


class AnswerError(Exception):
    """A refusal that knows its answer."""

    def answer(self) -> Response:
        """The HTTP answer that this refusal becomes."""
        raise NotImplementedError


class BodyError(AnswerError):
    """The request cannot be read: an empty 400 (recording 06)."""

    def answer(self) -> Response:
        """An empty 400."""
        return empty(400)


class DeniedError(AnswerError):
    """Not permitted, or the user service is down: the same empty 403 (recording 15)."""

    def answer(self) -> Response:
        """An empty 403."""
        return empty(403)


class CrashError(AnswerError):
    """The server's handler panics: an empty 500 (recordings 06 and 23)."""

    def answer(self) -> Response:
        """An empty 500."""
        return empty(500)


class BusinessError(AnswerError):
    """A refusal with a code: 400 and a JSON body."""

    def __init__(self, kind: Kind, description: str) -> None:
        super().__init__(description)
        self.kind = kind
        self.description = description

    def answer(self) -> Response:
        """A 400 whose description says what was wrong."""
        body = {
            "code": self.kind.code,
            "description": self.description,
            "extra": {},
            "message": self.kind.message,
            "type": "error",
        }
        return as_json(body, 400)


class InternalError(AnswerError):
    """An error that the server did not give a code: 500 and a JSON body."""

    def __init__(self, description: str) -> None:
        super().__init__(description)
        self.description = description

    def answer(self) -> Response:
        """A 500 whose description says what failed."""
        return as_json({"code": 500, "description": self.description, "message": "Internal Error: "}, 500)
