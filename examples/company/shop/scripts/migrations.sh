#!/bin/bash
set -euo pipefail

cd "$WORKSPACE/$REPONAME_0"

# Try the migrations on a scratch database before they go into an image. The password comes from $PGPASSWORD.
scratch="postgres://migrations@scratch-db.example.com/shop"
./tools/migrate --database "$scratch" --source file://sql up
if [[ "$DIRECTION" == down ]]; then
  ./tools/migrate --database "$scratch" --source file://sql down 1
fi

docker build --tag "$IMAGE" .
docker push "$IMAGE"
