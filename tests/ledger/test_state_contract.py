"""The HTTP home keeps the contract, over sockets: with a plain server, and with one of GitLab's form."""

from __future__ import annotations

import pytest

from reconciler.ledger.home import Home
from reconciler.ledger.state import StateHome
from tests.ledger.contract import CHECKS, SERVER, Place
from tests.ledger.state_server import StateServer, serving


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("gitlab", [False, True], ids=["plain", "gitlab"])
def test_the_http_home_keeps_the_contract(gitlab, check):
    """What the check's own docstring says; of GitLab's two writers at once one wins, a plain server cannot tell."""
    homes: list[StateHome] = []
    with serving(StateServer(gitlab=gitlab)) as states:

        def open_(server: str = SERVER) -> Home:
            homes.append(StateHome(states.url, server, environ={}))
            return homes[-1]

        try:
            check(Place(open_, atomic=gitlab, lists=False, tells=False))
        finally:
            for home in homes:
                home.close()
