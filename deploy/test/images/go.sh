#!/usr/bin/env bash
# Programs built from Go modules into $place/bin: Consul, Jaeger, FerretDB and Docker Compose. The first time takes
# a quarter of an hour.
. "$(dirname "$0")/place.sh"
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=mod

# program NAME MODULE VERSION PACKAGE [LINKER FLAGS]. `go install` refuses modules that replace parts of themselves, so a
# module of ours requires it. The author's own go.sum vouches for what the checksum database doesn't know.
program() {
  local name=$1 module=$2 version=$3 package=$4 flags=${5:-}
  local stamp="1 $version" source=$place/src/$1
  made "$name" "$stamp" && [ -x "$place/bin/$name" ] && return
  mkdir -p "$source"
  cd "$source"
  printf 'module svyaz/%s\n\nrequire %s %s\n' "$name" "$module" "$version" >go.mod
  printf '//go:build tools\n\npackage tools\n\nimport _ "%s"\n' "$package" >tools.go
  local directory
  directory=$(go mod download -json "$module@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  cp "$directory/go.sum" go.sum
  chmod u+w go.sum
  go mod tidy -e >"$place/$name.log" 2>&1 || true
  go build -trimpath -ldflags="-s -w $flags" -o "$place/bin/$name" "$package" >>"$place/$name.log" 2>&1
  cd "$here"
  mark "$name" "$stamp"
}

# FerretDB reads its version from a file that its module leaves out: built in a copy of the module that has it.
ferretdb() {
  local version=v1.24.0 stamp="1 v1.24.0" source=$place/src/ferretdb
  made ferretdb "$stamp" && [ -x "$place/bin/ferretdb" ] && return
  local directory
  directory=$(cd "$place" && go mod download -json "github.com/FerretDB/FerretDB@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  rm -rf "$source"
  cp -r "$directory" "$source"
  chmod -R u+w "$source"
  cd "$source"
  echo "$version" >build/version/version.txt
  go build -trimpath -ldflags='-s -w' -o "$place/bin/ferretdb" ./cmd/ferretdb >"$place/ferretdb.log" 2>&1
  cd "$here"
  rm -rf "$source"
  mark ferretdb "$stamp"
}

ferretdb
program docker-compose github.com/docker/compose/v2 v2.40.3 github.com/docker/compose/v2/cmd \
  "-X github.com/docker/compose/v2/internal.Version=v2.40.3"
program consul github.com/hashicorp/consul v1.21.0 github.com/hashicorp/consul
program jaeger github.com/jaegertracing/jaeger v1.76.0 github.com/jaegertracing/jaeger/cmd/all-in-one
