"""What several of Ink's programs share: the standard library alone, and nothing of any of them."""
