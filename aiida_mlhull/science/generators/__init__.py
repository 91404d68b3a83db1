"""Where candidates come from. One file each, one line here; the command line names them."""

from aiida_mlhull.science.registry import Registry

GENERATORS = Registry(
    "generator",
    {
        "enumeration": "aiida_mlhull.science.generators.enumeration:Enumeration",
        "ionic": "aiida_mlhull.science.generators.ionic:Ionic",
        "prototypes": "aiida_mlhull.science.generators.prototypes:PrototypeDecoration",
        "substitution": "aiida_mlhull.science.generators.substitution:Substitution",
    },
    group="mlhull.generators",
)
