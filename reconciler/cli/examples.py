"""What is typed most often, and why: shown by `--help`, and held by a test that parses every line."""

from __future__ import annotations

EXAMPLES = {
    "": (
        ("init", "an existing server, brought under Git"),
        ("validate", "check the definitions in this folder"),
        ("plan", "show what would change on the server"),
        ("apply --yes", "make it so"),
        ("demo", "see it work, without a server"),
    ),
    "init": (
        ("init --server https://zadig.example.com", "ask for the rest, and export into this folder"),
        ("init builds --project shop --ci github", "one project, into a folder of its own"),
        ("init --ci gitlab --print-recipe", "only show the recipe for the CI"),
    ),
    "validate": (
        ("validate", "the tree that this folder is in"),
        ("validate builds/api.yaml builds/web.yaml", "two files of it"),
        ("validate --report sarif=problems.sarif", "for a page of findings too"),
    ),
    "plan": (
        ("plan", "all that an apply would do"),
        ("plan builds/shop --project shop", "a part of it"),
        ("plan --prune owned", "with the builds that Git has lost"),
        ("plan --out plan.json", "saved, for apply --plan plan.json"),
        ("plan --format markdown --output plan.md", "for a pull request"),
    ),
    "apply": (
        ("apply", "show the plan, ask, do it"),
        ("apply --yes", "without a question, as in CI"),
        ("apply --plan plan.json --yes", "what was reviewed, and nothing else"),
        ("apply --dry-run", "all the way, and send nothing"),
    ),
    "drift": (
        ("drift", "who changed what, project by project"),
        ("drift -q", "say nothing where all is well, as at night"),
        ("drift --format json --output drift.json", "for a script"),
    ),
    "diff": (
        ("diff origin/main", "this working tree against a branch"),
        ("diff v1 v2 builds/shop", "two tags, one folder"),
        ("diff HEAD~1 --format markdown", "for a comment"),
    ),
    "comment": (
        ("comment plan.md", "post or update the tree's one comment"),
        ("comment -", "of what comes through a pipe, as of a drift --format markdown"),
    ),
    "export": (
        ("export", "what changed on the server, into this tree"),
        ("export --project shop --out builds", "one project, into a folder of the tree"),
        ("export --prune", "take away what the server has no more"),
    ),
    "adopt": (
        ("adopt --dry-run", "what would be recorded as ours"),
        ("adopt", "record it; the server is not written to"),
    ),
    "config": (("config", "every setting, and where it comes from"),),
    "restore": (
        ("restore .reconciler/backup/RUN", "all that one apply took away"),
        ("restore .reconciler/backup/RUN --dry-run", "show it, and send nothing"),
    ),
    "ledger": (
        ("ledger show", "what is recorded, and who locks it"),
        ("ledger check", "whether all of it is whole"),
    ),
    "ledger show": (("ledger show --project shop", "one project"),),
    "ledger check": (("ledger check", "exit 1 where something is damaged"),),
    "ledger forget": (
        ("ledger forget --project shop api web", "two builds are not ours any more"),
        ("ledger forget --project shop --all", "nor is any other of the project"),
    ),
    "ledger move": (("ledger move s3://bucket/builds", "from a file to where all runners see it"),),
    "unlock": (("unlock 3f2a9c", "the lock that the waiting run named"),),
    "demo": (("demo", "a company's builds, from the first plan to a lost file"),),
    "emulator": (
        ("emulator --port 8400 --company", "a server to play with"),
        ("emulator --control --latency 20", "one that tests can drive"),
    ),
    "schema": (
        ("schema", "of a definition, for an editor"),
        ("schema reconciler", "of reconciler.yaml"),
    ),
    "completion": (
        ("completion bash", "see docs/shell.md for where to put it"),
        ("completion zsh", ""),
        ("completion fish", ""),
    ),
}
"""Command → what to type after `reconciler`, and what for."""
