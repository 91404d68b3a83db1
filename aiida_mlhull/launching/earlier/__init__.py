"""What earlier campaigns hand on to a new one: weights that members begin with, labels that they learn from."""
