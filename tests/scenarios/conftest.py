"""Nothing to set up: each test makes its own world."""
