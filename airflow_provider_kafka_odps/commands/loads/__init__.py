"""Which load a command is about: parameters of the operator, or a task of a DAG."""
