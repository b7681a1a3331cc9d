"""What was last seen and declared, and what is ours: one document per server and project, atomic.

Enters: records and intents of the model. Leaves: the same. No secret is in it, ever: credentials are left
out and only marked. Forbidden here: asking the server, and judging what a record proves.
"""
