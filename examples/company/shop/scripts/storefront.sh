#!/bin/bash
set -euo pipefail

cd "$WORKSPACE/$REPONAME_0"

# npm itself reads ${NPM_TOKEN} when it runs: the token is never written to the disk.
# shellcheck disable=SC2016
echo '//npm.example.com/:_authToken=${NPM_TOKEN}' > .npmrc
trap 'rm -f .npmrc' EXIT

npm ci --cache "$WORKSPACE/.npm" --prefer-offline --no-audit
npm run lint
VITE_REGION="$SHOP_REGION" VITE_FEATURES="$FEATURES" npm run build
