#!/usr/bin/env bash
# Programs built from Go modules into $place/bin: Consul, Jaeger, FerretDB and Docker Compose. prepare.ts bounds the time;
# what was compiled until then stays in Go's cache, and the next run goes on from there.
. "$(dirname "$0")/place.sh"
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=mod

# directory_of MODULE@VERSION: where its source is. Go reports in JSON why it can't be had.
directory_of() {
  local answer
  answer=$(cd "$place" && go mod download -json "$1") || { sed -n 's/.*"Error": "\(.*\)".*/\1/p' <<<"$answer" >&2; return 1; }
  sed -n 's/.*"Dir": "\(.*\)".*/\1/p' <<<"$answer"
}

# program NAME MODULE VERSION FOLDER [LINKER FLAGS]. Built as its authors build it: in a copy of the module, whose own
# go.mod and go.sum name every version, so that none floats. A module that requires this one would lose the `replace` and
# `exclude` lines, and choose versions of its own. Only replacements by folders of the repository are dropped, because a
# module's zip is without them: then the released versions that go.mod requires are taken.
program() {
  local name=$1 module=$2 version=$3 folder=$4 flags=${5:-}
  local stamp="1 $version" source=$place/src/$1 directory local_module
  made "$name" "$stamp" && [ -x "$place/bin/$name" ] && return
  echo "$name: fetching $module $version"
  directory=$(directory_of "$module@$version")
  rm -rf "$source"
  cp -r "$directory" "$source"
  chmod -R u+w "$source"
  cd "$source"
  for local_module in $(sed -n 's/^\(replace\)\{0,1\}[[:space:]]\(\S*\) => \.\.\{0,1\}\/.*/\2/p' go.mod); do
    go mod edit -dropreplace="$local_module"
  done
  # FerretDB reads its version from a file that its module leaves out.
  if [ "$name" = ferretdb ]; then echo "$version" >build/version/version.txt; fi
  cp go.mod go.mod.wanted
  echo "$name: compiling"
  go build -v -trimpath -ldflags="-s -w $flags" -o "$place/bin/$name" "$folder"
  cmp go.mod.wanted go.mod || { echo "$name: go.mod doesn't name every version"; return 1; }
  cd "$here"
  rm -rf "$source"
  mark "$name" "$stamp"
}

program ferretdb github.com/FerretDB/FerretDB v1.24.0 ./cmd/ferretdb
program docker-compose github.com/docker/compose/v2 v2.40.3 ./cmd \
  "-X github.com/docker/compose/v2/internal.Version=v2.40.3"
program consul github.com/hashicorp/consul v1.21.0 .
program jaeger github.com/jaegertracing/jaeger v1.76.0 ./cmd/all-in-one
