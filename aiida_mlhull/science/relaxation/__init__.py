"""Universal potentials that relax many crystals in one process. One file each, one line here."""

from aiida_mlhull.science.registry import Registry

_HERE = "aiida_mlhull.science.relaxation"

POTENTIALS = Registry(
    "potential",
    {
        "chgnet": f"{_HERE}.chgnet.potential:CHGNetRelaxer",
        "fairchem": f"{_HERE}.calculators.fairchem:FairChem",
        "grace": f"{_HERE}.calculators.grace:Grace",
        "mace": f"{_HERE}.calculators.mace:Mace",
        "matgl": f"{_HERE}.calculators.matgl:MatGL",
        "mattersim": f"{_HERE}.calculators.mattersim:MatterSim",
        "orb": f"{_HERE}.calculators.orb:Orb",
        "sevennet": f"{_HERE}.calculators.sevennet:SevenNet0",
        "sevennet-l3i5": f"{_HERE}.calculators.sevennet:SevenNetL3I5",
        "sevennet-mf-0": f"{_HERE}.calculators.sevennet:SevenNetMF0",
        "sevennet-mf-0-r2scan": f"{_HERE}.calculators.sevennet:SevenNetMF0R2SCAN",
    },
    group="mlhull.potentials",
)
