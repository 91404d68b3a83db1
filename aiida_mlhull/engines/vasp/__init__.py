"""VASP through aiida-vasp: one calculation a candidate and stage."""
