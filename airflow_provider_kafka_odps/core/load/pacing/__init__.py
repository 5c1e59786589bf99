"""How fast the lanes of a load go: who computes, who writes, when more of them pay, and what the user allows."""
