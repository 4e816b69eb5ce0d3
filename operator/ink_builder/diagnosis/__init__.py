"""Explains the output of a failed step by rules, one file for each ecosystem. Pure."""
