"""VASP's inputs, and what its outcome amounts to; whatever runs VASP (an engine, a script) gets both from here."""

from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.vasp.inputs import VaspInputs, potential_names, vasp_inputs
from aiida_mlhull.science.vasp.outcome import judge
from aiida_mlhull.science.vasp.settings import VaspSettings, VaspStep, load_protocol, protocol_names, read_step

__all__ = [
    "Account",
    "VaspInputs",
    "VaspSettings",
    "VaspStep",
    "judge",
    "load_protocol",
    "potential_names",
    "protocol_names",
    "read_step",
    "vasp_inputs",
]
