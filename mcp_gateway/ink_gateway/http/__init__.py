"""HTTP beside MCP: who may come in, health, push events, the page for hosts that nobody serves."""
