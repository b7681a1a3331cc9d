"""What the plain and the template writes share: taking a name, checking resources."""

from __future__ import annotations

from .advanced import DEFINED
from .exchange import Document
from .quantity import gpu_problem
from .refusals import CREATE, BusinessError, Kind
from .store import Record, Store

# What the server trims off a name: Unicode's white space, which is not quite what str.strip takes.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"


def insert_named(store: Store, document: Document) -> None:
    """Store a new build under its trimmed name; raises BusinessError if the name is taken in any project.

    An empty name is looked up as any name at all, so it is free only in an empty store (recording 05).
    """
    document["name"] = document["name"].strip(_SPACE)
    taken = store.find(document["name"], "")
    if taken is not None:
        raise BusinessError(CREATE, f"{taken.project}项目中有相同的构建名称存在,请检查!")
    store.insert(document)


def check_resources(pre_build: Document, kind: Kind) -> None:
    """Raise BusinessError for a GPU limit of defined resources that is not `key:quantity`."""
    limit = (pre_build.get("res_req_spec") or {}).get("gpu_limit") or ""
    if pre_build.get("res_req") == DEFINED and limit:
        wrong = gpu_problem(limit)
        if wrong:
            raise BusinessError(kind, wrong)


def stored_variables(record: Record) -> list[Document]:
    """The variables of a stored build itself."""
    pre_build = record.document.get("pre_build") or {}
    return list(pre_build.get("envs") or ())
