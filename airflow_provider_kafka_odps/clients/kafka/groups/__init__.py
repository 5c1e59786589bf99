"""A consumer group that consumes nothing: its leader holds the planning lock."""
