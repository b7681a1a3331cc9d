"""The only door to Zadig: reading and writing are two types, and the reading one cannot write.

Enters: names to read, builds to write. Leaves: the model's live builds, `Written` or `Lost`.
Forbidden here: deciding what to write, and printing. Only `transport` imports httpx.
"""
