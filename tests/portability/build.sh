#!/usr/bin/env bash
# Run in the root of Debian 13: builds what a user builds, with warnings as errors, the unit tests as well
# and the fault points that these use.
set -eu

gcc --version | head -n 1
openssl version
cmake --preset release -DMTASTS_WERROR=ON -DMTASTS_BENCH=ON -DMTASTS_TESTS=ON -DMTASTS_FAULTS=ON
cmake --build build/release -- -k 0
