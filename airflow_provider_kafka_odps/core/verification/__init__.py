"""Holding what a table has of a window against what the topic, or a receipt, says that it should have."""
