"""Quantum ESPRESSO through aiida-quantumespresso: one calculation a candidate and stage."""
