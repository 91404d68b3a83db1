"""Universal potentials that relax many crystals in one process. One file each, one line here."""

from aiida_mlhull.science.registry import Registry

POTENTIALS = Registry("potential", {"chgnet": "aiida_mlhull.science.relaxation.chgnet.potential:CHGNetRelaxer"})
