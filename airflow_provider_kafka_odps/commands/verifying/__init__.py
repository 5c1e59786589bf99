"""`verify`: a table or partition beside its topic, or beside the receipt of a load; nothing is written."""
