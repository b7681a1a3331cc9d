#!/bin/bash
set -euo pipefail

# Both live in the cache directory of the build, so the next run starts warm.
export GOMODCACHE="$WORKSPACE/.cache/go-mod"
export GOCACHE="$WORKSPACE/.cache/go-build"

cd "$WORKSPACE/$REPONAME_0"

go mod download
go vet ./...
# shellcheck disable=SC2086  # several flags in one parameter are meant to be split
go test ${GO_TEST_FLAGS:-} ./...

version="$(git describe --tags --always)"
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${version}" -o bin/checkout ./cmd/checkout
