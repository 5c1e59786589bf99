"""`plan`: which window a load would have, and what it would do with it; nothing is written."""
