"""Changes → ordered, serialisable steps, each with the whole build to send.

Enters: desired builds, readings, records. Leaves: a `Plan`, which is data: an apply decides nothing.
Forbidden here: files, network, clock, environment, and text for people beyond one sentence per reason.
"""
