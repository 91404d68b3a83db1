"""What ensembles have predicted of candidates beside energies, and what gates required of it."""
