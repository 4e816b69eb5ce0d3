"""What the tests of several tiers share: waiting, kubectl, the API server, a control plane, the whole platform."""
