"""The positions of the 230 space groups: tables, embedding, which of them add up to a formula, and cells on them."""
