#!/bin/bash
set -euo pipefail

cd "$WORKSPACE/$REPONAME_0"

export PIP_CACHE_DIR="$WORKSPACE/.cache/pip"
# pip reads the index from here; the password is on no command line.
export PIP_INDEX_URL="https://ci:${PIP_INDEX_PASSWORD}@pypi.example.com/simple"

python3 -m venv .venv
.venv/bin/pip install --require-hashes --requirement requirements.txt
.venv/bin/pip install --requirement requirements-dev.txt

wants() { [[ ",$CHECKS," == *",$1,"* ]]; }
if wants lint; then .venv/bin/ruff check .; fi
if wants types; then .venv/bin/mypy pricing; fi
if wants unit; then .venv/bin/pytest tests/unit; fi
if wants contract; then .venv/bin/pytest tests/contract; fi

# What the template's Dockerfile copies: wheels, so that the image needs no index and no password.
rm -rf "$WORKSPACE/image"
mkdir -p "$WORKSPACE/image/wheels"
.venv/bin/pip wheel --wheel-dir "$WORKSPACE/image/wheels" --requirement requirements.txt .
