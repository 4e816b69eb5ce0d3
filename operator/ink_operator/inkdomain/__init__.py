"""InkDomain: not supported yet; its status says so."""
