"""Upload and download sessions as state machines; they don't know HTTP."""
