"""A MaxCompute endpoint in one process, for trying and testing; imports nothing until it is started."""
