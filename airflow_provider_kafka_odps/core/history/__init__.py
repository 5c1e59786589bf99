"""What other runs have left for the plan of a window, and what this one leaves for them."""
