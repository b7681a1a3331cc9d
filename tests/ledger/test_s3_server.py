"""The servers that the ledger is tried against: which are here, and that they do what the tests take for granted."""

from __future__ import annotations

import pytest

from reconciler.model.errors import LedgerError
from tests.ledger.s3_server import NAMES, S3Server, program
from tests.ledger.small_s3 import SmallS3
from tests.ledger.stores import home_at


@pytest.mark.s3
@pytest.mark.parametrize("name", NAMES)
def test_a_real_server_is_started_and_heeds_conditions(name, tmp_path):
    """A store that did not would be refused by the ledger itself; see the next test for that."""
    if program(name) is None:
        pytest.skip(f"{name} is not installed, nothing is tried against it: docs/ledger-s3.md")
    with S3Server(name, tmp_path) as server:
        home = home_at(server.environ)
        assert home._bucket.now("clock") > 0
        assert home._bucket.careful("clock")


def test_a_store_that_forgets_conditions_is_refused_before_anything_is_written():
    """Two runners would overwrite each other there without any sign of it."""
    with SmallS3() as store:
        home = home_at(store.environ)
        store.heeds = False
        for write in (lambda: home.write("yaml", "text", None, ""), lambda: home.take("yaml", _ticket())):
            with pytest.raises(LedgerError, match="without heeding If-Match and If-None-Match"):
                write()
        assert [key.rpartition("/")[2] for key in store.objects] == ["clock"]
        store.heeds = True
        home.write("yaml", "text", None, "")
        assert home.read("yaml").text == "text"


def _ticket():
    from reconciler.ledger.home import Ticket

    return Ticket("1", until=4e9)
