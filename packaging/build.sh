#!/bin/sh
# Builds what is packaged into DIR: a static damonlab, its manual pages and its completions.
#
#   packaging/build.sh [DIR]        DIR is dist/ where none is given
#
# With the target x86_64-unknown-linux-musl (rustup target add x86_64-unknown-linux-musl) the program is linked with musl,
# otherwise statically with glibc. Either runs on every x86-64 Linux.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/dist}
musl=x86_64-unknown-linux-musl
gnu=x86_64-unknown-linux-gnu

cd "$root"
if [ -d "$(rustc --print sysroot)/lib/rustlib/$musl/lib" ]; then
    target=$musl
else
    target=$gnu
    export RUSTFLAGS="-C target-feature=+crt-static"
fi
cargo build --locked --profile dist --package damonlab --bin damonlab --target "$target"
target_dir=$(cargo metadata --format-version 1 --no-deps --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')

mkdir -p "$out/bin" "$out/man1" "$out/completions"
cp "$target_dir/$target/dist/damonlab" "$out/bin/damonlab"
# By its name, so that the scripts call the installed program and not this copy.
PATH="$out/bin:$PATH"
damonlab man "$out/man1"
gzip -9nf "$out"/man1/*.1
for shell in bash zsh fish; do
    damonlab completions "$shell" >"$out/completions/damonlab.$shell"
done
ls -l "$out/bin/damonlab"
