"""`windows`: the windows of a DAG's runs, with holes and overlaps between them."""
