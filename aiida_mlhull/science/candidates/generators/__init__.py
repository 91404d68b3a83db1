"""Where candidates come from. One file each, one line here; the command line names them."""

from aiida_mlhull.science.registry import Registry

GENERATORS = Registry(
    "generator",
    {
        "substitution": "aiida_mlhull.science.candidates.generators.substitution:Substitution",
    },
)
