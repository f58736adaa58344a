#!/usr/bin/env bash
# FerretDB on 127.0.0.1 and in front of it, on the container's own address, the gate that makes its writes atomic.
# The replica set and the user that deploy/mongo/roles.js makes on MongoDB are FerretDB's own settings here.
set -eu
[ "$1" = mongod ] || exec "$@"
address=$(hostname -i)
echo "$address" >/tmp/address
# It tells clients the name that it listens on: within this container that name is the loopback device.
hosts=$(sed "s/^[0-9.]*\(\s.*\bmongo\b\)/127.0.0.1\1/" /etc/hosts)
printf '%s\n' "$hosts" >/etc/hosts
[ "$(stat -c %u /data/db)" = 999 ] || chown 999 /data/db
FERRETDB_SETUP_PASSWORD=$(cat /run/svyaz/orders)
export FERRETDB_SETUP_PASSWORD

setpriv --reuid=999 --regid=999 --clear-groups ferretdb \
  --handler=sqlite --sqlite-url=file:/data/db/ --state-dir=/data/db --listen-addr=mongo:27017 --debug-addr=- \
  --repl-set-name=svyaz --test-enable-new-auth --setup-database=orders --setup-username=orders \
  --telemetry=disable --log-level=warn &
setpriv --reuid=999 --regid=999 --clear-groups node /gate/one-at-a-time.ts "$address" 27017 &
trap 'kill $(jobs -p) 2>/dev/null' TERM INT
# The first that ends takes the other with it.
wait -n || true
kill $(jobs -p) 2>/dev/null || true
wait
