"""The endpoint as an HTTP server."""
