#!/bin/bash
set -e
cd "$WORKSPACE/$REPONAME_0"
make build
