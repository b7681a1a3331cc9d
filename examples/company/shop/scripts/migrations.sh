#!/bin/bash
set -euo pipefail

cd "$WORKSPACE/$REPONAME_0"

# Try the migrations on a scratch database before they go into an image.
./tools/migrate --database "$CHECK_DSN" --source file://sql up
if [[ "$DIRECTION" == down ]]; then
  ./tools/migrate --database "$CHECK_DSN" --source file://sql down 1
fi

docker build --tag "$IMAGE" .
docker push "$IMAGE"
