"""Tables of MaxCompute: names, types, columns, statements."""
