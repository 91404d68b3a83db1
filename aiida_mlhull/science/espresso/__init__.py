"""Quantum ESPRESSO's inputs, and what its outcome amounts to; an engine and a script get both from here."""

from aiida_mlhull.science.espresso.inputs import EspressoInputs, espresso_inputs, scheme
from aiida_mlhull.science.espresso.outcome import judge
from aiida_mlhull.science.espresso.pseudos import Pseudo, PseudoFamily, read_pseudo
from aiida_mlhull.science.espresso.settings import PROTOCOLS, EspressoSettings, EspressoStep, read_step

__all__ = [
    "PROTOCOLS",
    "EspressoInputs",
    "EspressoSettings",
    "EspressoStep",
    "Pseudo",
    "PseudoFamily",
    "espresso_inputs",
    "judge",
    "read_pseudo",
    "read_step",
    "scheme",
]
