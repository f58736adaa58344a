#!/usr/bin/env bash
# Two root file systems from Debian's own packages, as tar files: base (what debian:…-slim is) and engines (base with
# Java, Redis, nginx, Prometheus and psql). Needs root, debootstrap and a Debian mirror.
. "$(dirname "$0")/place.sh"
suite=bookworm
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
packages=(openjdk-17-jre-headless redis-server nginx-light prometheus postgresql-client wget openssl)
stamp="2 $suite ${packages[*]}"
made debian "$stamp" && [ -s "$place/roots/base.tar" ] && [ -s "$place/roots/engines.tar" ] && exit 0

work=$(mktemp -d "$place/roots/work.XXXXXX")
# Nothing may be mounted below it when it goes.
trap 'umount "$work/proc" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT

debootstrap --variant=minbase "$suite" "$work" "$mirror"
slim=(--exclude=./var/cache/apt/archives/*.deb --exclude=./var/lib/apt/lists/* --exclude=./usr/share/doc/* --exclude=./usr/share/man/* --exclude=./usr/share/locale/* --exclude=./proc/* --exclude=./sys/*)
tar -C "$work" "${slim[@]}" -cf "$place/roots/base.tar.part" .

# No service is started by its package, and the packages' own pages are left out.
printf '#!/bin/sh\nexit 101\n' >"$work/usr/sbin/policy-rc.d"
chmod +x "$work/usr/sbin/policy-rc.d"
mount -t proc proc "$work/proc"
export DEBIAN_FRONTEND=noninteractive
chroot "$work" apt-get update -qq
chroot "$work" apt-get install -y -qq --no-install-recommends "${packages[@]}"
umount "$work/proc"
tar -C "$work" "${slim[@]}" -cf "$place/roots/engines.tar.part" .
mv "$place/roots/base.tar.part" "$place/roots/base.tar"
mv "$place/roots/engines.tar.part" "$place/roots/engines.tar"
mark debian "$stamp"
