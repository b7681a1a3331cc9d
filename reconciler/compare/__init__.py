"""Desired × live × record → changes.

Enters: builds, readings and records of the model. Leaves: what is known of each build, and its changes.
Forbidden here: files, network, clock, environment, and deciding what to do about a change.
"""
