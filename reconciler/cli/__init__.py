"""Flags → workflow → report → exit code, a module per command.

The only room that touches the terminal. Heavy libraries are imported inside the commands, so that
`--help` is instant. Forbidden here: comparing, planning, and talking to the server.
"""
