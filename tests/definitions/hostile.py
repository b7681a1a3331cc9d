"""Texts made to be slow, deep or large; `tests/benchmarks/hostile.py` times how soon each is answered."""

GOOD = "name: api\nproject_key: demo\ninfrastructure: kubernetes\nbuild_os: ubuntu 20.04\nscript_type: shell\n"

HOSTILE = {
    "brackets": "v: " + "[" * 20_000,
    "braces": "{" * 20_000,
    "questions": "? " * 20_000,
    "dashes": "- " * 20_000,
    "directives": "%TAG !a! tag:a\n" * 100_000,
    "documents": "---\n" * 200_000,
    "comments": "#\n" * 200_000,
    "nodes": "[" + "a," * 400_000 + "]",
    "unknown keys": "".join(f"k{n}: 1\n" for n in range(5_000)),
    "anchors": "".join(f"k{n}: &a{n} 1\n" for n in range(5_000)),
    "one long line": GOOD + "build_script: " + "x" * 4_000_000 + "\ntiemout: 1\n",
    "faults of one long line": "{" + "a: 1, " * 10_000 + "b: '" + "x" * 4_000_000 + "'}",
    "keys of one long line": "{" + ", ".join(f"k{n}: 1" for n in range(10_000)) + ", b: '" + "x" * 4_000_000 + "'}",
    "digits": GOOD + "advanced_settings: {timeout: " + "7" * 1_000_000 + "}\n",
    "quotes": '"' * 1_000_001,
    "colons": ": " * 100_000,
}
