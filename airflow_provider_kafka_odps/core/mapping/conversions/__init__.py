"""From the kind of a source to a column's type, exactly or not at all."""
