"""How a record of the job becomes a row: its columns, and the steps that change them on the way."""
