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
server=$!
setpriv --reuid=999 --regid=999 --clear-groups node /gate/gate.ts "$address" 27017 &
gate=$!
trap 'kill $server $gate 2>/dev/null' TERM INT
# The first that ends takes the other with it; `wait -n` would miss one that ended before it was asked.
while kill -0 $server && kill -0 $gate; do
  sleep 1 &
  wait $! || true
done 2>/dev/null
kill $server $gate 2>/dev/null || true
wait
