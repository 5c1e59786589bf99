"""From the text of a script to statements as values."""
