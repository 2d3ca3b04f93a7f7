#!/bin/sh
# Builds the native monitor into the directory given, where there is a C compiler; static if the C library allows
# it, since a static one starts faster. Without a compiler it builds nothing, and that is no error.
set -eu
cc=$(command -v "${CC:-cc}") || { echo "no C compiler: commands will run under the shell's monitor"; exit 0; }
source=$(dirname "$0")/monitor.c
target=$1/monitor-$(uname -m)
if [ -e "$target" ] && [ -z "$(find "$source" "$0" -newer "$target")" ]; then exit 0; fi
mkdir -p "$1"
flags='-std=gnu11 -O2 -Wall -Wextra -Werror'
# shellcheck disable=SC2086 # flags are words
"$cc" $flags -static -o "$target" "$source" 2>/dev/null || "$cc" $flags -o "$target" "$source"
