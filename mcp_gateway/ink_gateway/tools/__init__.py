"""The tools agents call. Their docstrings and types are the contract; the work is done in actions."""
