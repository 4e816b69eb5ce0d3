"""Pure builders: values in, manifests out. No I/O, no clock, no randomness; the same input gives the same bytes."""
