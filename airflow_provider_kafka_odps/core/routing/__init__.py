"""Into which partitions of the table the rows of a load go, where their records say it."""
