"""How crystals get relaxed. One file each, one line here; a campaign names its engines in YAML."""

from aiida_mlhull.science.registry import Registry

ENGINES = Registry(
    "engine",
    {
        "potential": "aiida_mlhull.engines.potential:PotentialEngine",
        "quantumespresso": "aiida_mlhull.engines.quantumespresso.engine:EspressoEngine",
        "recorded": "aiida_mlhull.engines.recorded:RecordedEngine",
        "vasp": "aiida_mlhull.engines.vasp.engine:VaspEngine",
    },
    group="mlhull.engines",
)
