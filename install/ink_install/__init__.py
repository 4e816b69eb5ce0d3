"""Ink into a Kubernetes cluster that runs already: checks it first, installs the chart, says what its nodes need."""
