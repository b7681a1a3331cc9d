"""The words that everyone speaks: the table of fields, the canonical build, a problem, a secret, an error.

Enters: nothing. Leaves: frozen values and pure functions over them.
Forbidden here: files, network, clock, environment, and every import from another room.
"""
