#!/usr/bin/env bash
# Lays out the package `air` for tests: the library of the ordinary build becomes its compiled part,
# so that nothing is compiled twice. Then `PYTHONPATH=python` is enough.
set -euo pipefail
built=${1:?the folder that cargo built into}
cp --remove-destination "$built/lib_air.so" python/air/_air.abi3.so
