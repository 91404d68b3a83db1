"""VASP's inputs, and what its outcome amounts to; whatever runs VASP (an engine, a script) gets both from here."""

from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.vasp.inputs import VaspInputs, potential_names, vasp_inputs
from aiida_mlhull.science.vasp.outcome import judge
from aiida_mlhull.science.vasp.settings import PROTOCOLS, VaspSettings, VaspStep, read_step

__all__ = [
    "PROTOCOLS",
    "Account",
    "VaspInputs",
    "VaspSettings",
    "VaspStep",
    "judge",
    "potential_names",
    "read_step",
    "vasp_inputs",
]
