"""Learners that need no network: trees, Gaussian processes, linear corrections."""
