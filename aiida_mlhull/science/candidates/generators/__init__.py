"""Where candidates come from. One file each, one line here; the command line names them."""

from aiida_mlhull.science.registry import Registry

GENERATORS = Registry(
    "generator",
    {
        "enumeration": "aiida_mlhull.science.candidates.generators.enumeration:Enumeration",
        "ionic": "aiida_mlhull.science.candidates.generators.ionic:Ionic",
        "prototypes": "aiida_mlhull.science.candidates.generators.prototypes:PrototypeDecoration",
        "substitution": "aiida_mlhull.science.candidates.generators.substitution:Substitution",
    },
)
