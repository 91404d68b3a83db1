"""Potentials that come as ASE calculators: one generic relaxer, one file each for what is special about them."""
