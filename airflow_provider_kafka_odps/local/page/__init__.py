"""The page for people: what is in the endpoint, how to connect to it, and a place to try statements and faults."""
