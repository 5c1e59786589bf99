"""Rows that wait in a staging table until one statement moves them into the partitions of their own."""
