"""One module per external API; its errors are mapped to ours."""
