# shellcheck shell=bash
# shellcheck disable=SC2034 # what is set here is used by the scripts that source it
# Sourced by the scripts beside it: where what they make is kept, and when it is made anew.
set -euo pipefail
place=${SVYAZ_CONTAINERS_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/svyaz-containers}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$place/bin" "$place/roots" "$place/src"

# made NAME STAMP: true when NAME was made from the same STAMP before.
made() { [ "$(cat "$place/$1.stamp" 2>/dev/null)" = "$2" ]; }
mark() { printf '%s' "$2" >"$place/$1.stamp"; }
