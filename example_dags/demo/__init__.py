"""What the demo and the tests share: a real broker, started from packages."""
