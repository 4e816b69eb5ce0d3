"""Who calls: keys, and from keys principals. Other ways in (OAuth, sign-in) end in the same principal."""
