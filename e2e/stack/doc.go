// Package stack runs a real Kubernetes control plane and a real KEDA as plain
// processes on loopback: etcd, kube-apiserver, kube-controller-manager, the KEDA
// operator, its metrics adapter and its admission webhooks. There is no kubelet,
// no scheduler and no container: package agent plays the kubelet.
//
// The binaries are built once from the versions that e2e/tools pins and kept in
// the user's cache folder.
package stack
