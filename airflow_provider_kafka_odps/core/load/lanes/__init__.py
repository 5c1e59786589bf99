"""What each process of a load does: lanes that read, project and write blocks."""
