"""What can go wrong with a job where it runs today, and what this operator does instead."""
