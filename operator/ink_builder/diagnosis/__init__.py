"""What the last lines of a failed step mean: rules, a file an ecosystem. Pure."""
