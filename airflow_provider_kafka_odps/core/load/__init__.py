"""How records get into blocks that nobody sees."""
