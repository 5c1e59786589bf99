"""The two protocols on one port: REST (XML) and tunnel (JSON)."""
