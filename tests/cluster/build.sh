#!/bin/bash
# Copyright 2026 the Infranetes authors. Apache-2.0 licence.
#
# build.sh DEST: builds kubelet, control plane, kubectl and etcd into DEST from Go modules (versions: go.mod, etcd/go.mod).
# What DEST already holds for these versions is not built again: DEST/versions tells.
set -euo pipefail
cd "$(dirname "$0")"
dest=$(realpath -m "${1:?usage: build.sh DEST}"); mkdir -p "$dest"
export CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS="-mod=readonly -trimpath"
command -v go >/dev/null || { echo "build.sh: no go on the PATH; Kubernetes is built from source and needs Go 1.26 or newer" >&2; exit 1; }

sum=$(cat go.mod go.sum etcd/go.mod etcd/go.sum | sha256sum | cut -c1-64)
[[ $(cat "$dest/versions" 2>/dev/null) == "$sum" ]] || rm -f "$dest"/{kubelet,kube-*,kubectl,etcd}
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
IFS=. read -r major minor _ <<<"${version#v}"
var=k8s.io/component-base/version
ldflags="-s -w -X $var.gitVersion=$version -X $var.gitMajor=$major -X $var.gitMinor=$minor -X $var.gitTreeState=clean"

# build NAME DIR PACKAGE: one binary, from the module in DIR; a half-written one is never taken for whole.
build() {
  local out=$dest/$1 start=$SECONDS
  [[ -x $out ]] && { echo "$1: there"; return; }
  (cd "$2" && nice go build -ldflags "$ldflags" -o "$out.part" "$3") && mv "$out.part" "$out"
  echo "$1: $((SECONDS - start)) s"
}

for name in kubelet kube-apiserver kube-controller-manager kube-scheduler kubectl; do
  build "$name" . "k8s.io/kubernetes/cmd/$name"
done
build etcd etcd go.etcd.io/etcd/server/v3
echo "$sum" >"$dest/versions"
