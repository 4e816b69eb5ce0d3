"""What callers can do, a file a noun: authorise, check, write the custom resource. Knows neither MCP nor HTTP."""
