#!/bin/sh
# Builds dist/damonlab_VERSION_amd64.deb from what packaging/build.sh made, which runs first unless --no-build is given.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
[ "${1:-}" = --no-build ] || "$root/packaging/build.sh" "$root/dist"
cd "$root"
cargo deb --package damonlab --no-build --no-strip --output "$root/dist/"
