#!/usr/bin/env bash
# The clients, unmodified and pinned, each in an environment of its own. Installs node and npm when they are missing.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

if ! command -v npm >/dev/null; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "npm is missing: install Node.js 18 or later" >&2; exit 1; }
  apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null
fi
(cd npm && npm ci --ignore-scripts --loglevel error)

# klingai-api asks for Python 3.14 but runs on 3.13: only pip can be told so. Its command line and its MCP server, which need
# much more, are left out.
venv=$root/.local/venvs/interop
uv venv --quiet --clear --python 3.13 "$venv"
uv pip install --quiet --python "$venv" pip==26.3
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python --require-hashes \
  --requirement pypi/requirements.txt

venv=$root/.local/venvs/interop-replicate
uv venv --quiet --clear --python 3.13 "$venv"
uv pip install --quiet --python "$venv" --require-hashes --requirement pypi/replicate.txt
