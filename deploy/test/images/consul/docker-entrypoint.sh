#!/usr/bin/env bash
set -eu
[ "$1" = agent ] || exec consul "$@"
shift
# As the official one: the folder alone, and only when it is somebody else's. What is in it root may not even read.
[ "$(stat -c %u /consul/data)" = 8300 ] || chown 8300 /consul/data
exec setpriv --reuid=8300 --clear-groups consul agent -data-dir=/consul/data -config-dir=/consul/config "$@"
