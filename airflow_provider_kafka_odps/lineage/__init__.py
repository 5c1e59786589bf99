"""What a load tells OpenLineage: datasets by name, which part of them, which column comes from what."""
