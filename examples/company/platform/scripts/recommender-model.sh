#!/bin/bash
set -euo pipefail

cd "$WORKSPACE/$REPONAME_0"

python3 -m venv /scratch/venv
/scratch/venv/bin/pip install --requirement requirements.txt

/scratch/venv/bin/python -m recommender.train \
  --data "/datasets/${DATASET}" \
  --epochs "${EPOCHS}" \
  --out /scratch/model

# The image build only sees its context, so the model moves into it.
rm -rf serving/model
cp -r /scratch/model serving/model

# Exported variables of these names become outputs of the build.
MODEL_VERSION="$(cat serving/model/VERSION)"
MODEL_SCORE="$(cat serving/model/SCORE)"
export MODEL_VERSION MODEL_SCORE
