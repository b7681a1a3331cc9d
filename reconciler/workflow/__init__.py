"""The stages in order, a module per command, each readable as five lines; prints nothing.

Enters: settings. Leaves: plans, outcomes, problems. Forbidden here: terminals, exit codes, formats.
"""
