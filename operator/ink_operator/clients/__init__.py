"""One external API a module, its errors mapped to ours."""
