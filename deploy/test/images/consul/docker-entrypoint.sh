#!/usr/bin/env bash
set -eu
[ "$1" = agent ] || exec consul "$@"
shift
chown -R 8300 /consul/data
exec setpriv --reuid=8300 --clear-groups consul agent -data-dir=/consul/data -config-dir=/consul/config "$@"
