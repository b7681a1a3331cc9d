"""A runner in a process of its own, for tests that kill it: `python -m tests.ledger.object_worker MODE PREFIX NAME N`.

Modes: `add` adds N words without a lock; `lock` adds N words, each under the lock; `die` does so and kills itself at
its last word, while it holds the lock; `once` takes the lock, writes two texts and gives the lock back, to be killed
anywhere. Every word that was acknowledged is a line on stdout.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import sys
import time

from reconciler.ledger.home import Conflict, Held, Lost, Ticket
from reconciler.ledger.objects import ObjectHome
from tests.ledger.contract import SERVER

LEASE = 1.0


def main() -> None:
    mode, prefix, name, number = sys.argv[1:]
    home = ObjectHome(f"s3://led/{prefix}", SERVER, environ=os.environ)
    if mode == "once":
        once(home, name)
        return
    for n in range(int(number)):
        word = f"{name}-{n}"
        if mode == "add":
            add(home, word, "")
        else:
            locked(home, word, deadly=mode == "die" and n == int(number) - 1)
        print(word, flush=True)


def add(home: ObjectHome, word: str, lock: str) -> None:
    """Add a word to what is there."""
    while True:
        there = home.read("yaml")
        try:
            home.write("yaml", f"{there.text} {word}", there.version, lock)
        except Conflict:
            time.sleep(random.uniform(0, 0.05))
        else:
            return


def locked(home: ObjectHome, word: str, *, deadly: bool) -> None:
    """Add a word under the lock, and wait for whoever holds it; begin again where the lock was lost."""
    while True:
        ticket = Ticket(secrets.token_hex(4), holder=word, until=time.time() + LEASE)
        try:
            home.take("yaml", ticket)
            if deadly and random.random() < 0.5:
                os.kill(os.getpid(), signal.SIGKILL)
            add(home, word, ticket.id)
        except (Held, Lost):
            time.sleep(random.uniform(0.02, 0.1))
            continue
        if deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        home.release("yaml", ticket.id)
        return


def once(home: ObjectHome, name: str) -> None:
    """What a run does to its ledger: intents before the first step, records at the end."""
    home.take("yaml", Ticket(name, holder=name, until=time.time() - 9))  # free as soon as it is killed
    add(home, f"{name}-intent", name)
    add(home, f"{name}-record", name)
    home.release("yaml", name)


if __name__ == "__main__":
    main()
