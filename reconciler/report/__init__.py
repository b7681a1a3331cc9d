"""Everything a reader may see, already masked, in one format each.

Enters: problems, plans and outcomes. Leaves: text and JSON-able documents. Pure.
Forbidden here: files, network, clock, environment, and values that are secret.
"""
