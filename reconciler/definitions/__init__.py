"""Files → desired builds, or every problem of every file at once.

    files ─► reader ─► document ─► sources ─► defaults ─► structure, checks ─► build ─► Definition
             (events)              (from_env, (merged in) (JSON Schema, then
                                    from_file)             what it cannot say)

Enters: a folder or a file, on the disk or in a Git revision, and the environment (only for values of `from_env`).
Leaves: `Desired`, or `InvalidDefinitions` with all problems; the generated JSON Schemas and the documentation of
fields.
Forbidden here: the network, writing any file of a tree, and printing. The only users of the YAML and the
JSON Schema library, which are imported inside functions: `--help` stays instant.
"""
