#!/bin/bash
set -euo pipefail

cd "$WORKSPACE/$REPONAME_0"

# An exported variable of this name becomes an output of the build.
RELEASE_VERSION="$(git describe --tags --abbrev=0)-${CHANNEL}"
export RELEASE_VERSION

rm -rf dist
mkdir -p dist "$DIST_DIR"
for target in ${TARGETS//,/ }; do
  goos="${target%-*}"
  goarch="${target#*-}"
  GOOS="$goos" GOARCH="$goarch" CGO_ENABLED=0 \
    go build -trimpath -ldflags "-X main.version=${RELEASE_VERSION}" -o "dist/installer-${target}" ./cmd/installer
done

(cd dist && sha256sum installer-* > SHA256SUMS)
tar -czf "$DIST_DIR/${PKG_FILE}" -C dist .
