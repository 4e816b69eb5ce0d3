"""What callers can do, one file per noun: authorise, validate, write the custom resource. No MCP or HTTP here."""
