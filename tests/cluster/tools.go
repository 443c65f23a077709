// Copyright 2026 the Infranetes authors. Apache-2.0 licence.

//go:build tools

// Package cluster pins what build.sh builds, so that go.mod and go.sum name every module that it needs.
package cluster

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubectl"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
