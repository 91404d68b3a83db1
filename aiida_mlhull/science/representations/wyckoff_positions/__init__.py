"""Positions of the 230 space groups: their embedding, which of them add up to a formula, and cells on them."""
