"""Energies of known phases from files: entries, documents, VASP runs; their functional, and their corrections."""
