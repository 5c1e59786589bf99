"""Which records a load leaves out: a condition in SQL, over the same sources as the columns."""
