"""Strain: cells on a grid of strains, what it does to bonds and energies, and which candidate it brings to the hull."""
