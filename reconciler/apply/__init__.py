"""Performs a plan's steps exactly, reads back, yields an outcome per step; decides nothing.

Enters: a plan, a writer, a door to read back through, a ledger. Leaves: outcomes, and
first a backup of what a step takes away.
Forbidden here: comparing desired with live, and choosing what to write.
"""
