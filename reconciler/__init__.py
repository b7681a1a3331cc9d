"""Keep Zadig builds under Git: load definitions, compare with the server, plan, apply."""
