"""HTTP besides MCP: host and key checks, health, push events, the page for unknown hosts."""
