"""Authentication: from API keys to principals. Other methods (OAuth, sign-in) would yield the same principal."""
