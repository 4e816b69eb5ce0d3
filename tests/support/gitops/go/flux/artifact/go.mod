// Where source-controller keeps its archives. The releases of github.com/fluxcd/pkg/artifact are not to be had as a
// module; this stands for it, written from source-controller's calls, and does what a GitRepository needs.
module github.com/fluxcd/pkg/artifact

go 1.26.0
