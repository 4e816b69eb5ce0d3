// Where source-controller keeps its archives. The module proxy has no github.com/fluxcd/pkg/artifact; this stands for
// it, written from source-controller's calls, and does what a GitRepository needs.
module github.com/fluxcd/pkg/artifact

go 1.26.0
