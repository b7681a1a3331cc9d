"""Keep Zadig builds under Git: load definitions, compare with the server, plan, apply."""

__version__ = "0.1.0"
