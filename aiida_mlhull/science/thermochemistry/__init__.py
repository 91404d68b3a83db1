"""Free energies at temperature and pressure: gases from tables, solids by a descriptor, corrections by declaration."""

from aiida_mlhull.science.thermochemistry.conditions import ATMOSPHERES, Applied, Conditions, apply, conditions
from aiida_mlhull.science.thermochemistry.corrections import SCHEMES, corrected
from aiida_mlhull.science.thermochemistry.gases import GASES, gas_energy
from aiida_mlhull.science.thermochemistry.solids import gibbs_solids

__all__ = [
    "ATMOSPHERES",
    "GASES",
    "SCHEMES",
    "Applied",
    "Conditions",
    "apply",
    "conditions",
    "corrected",
    "gas_energy",
    "gibbs_solids",
]
