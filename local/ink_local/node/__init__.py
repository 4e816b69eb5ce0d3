"""The node: kubelet, kube-proxy, containerd with its images, Calico, the registry mirror and the node's own pods."""
