"""CHGNet, and what only its form allows: symmetry-reduced graphs relaxed together in one batch."""
