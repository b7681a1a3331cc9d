#!/bin/bash
set -e

cd "$WORKSPACE/$REPONAME_0"
make build  
make test	
make image
make push
make notify

echo done
