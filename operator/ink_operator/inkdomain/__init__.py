"""InkDomain: not served yet; says so in its status."""
