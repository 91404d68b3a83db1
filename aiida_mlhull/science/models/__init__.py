"""The models. One file each, one line here; everything else finds them by name."""

from aiida_mlhull.science.registry import Registry

MODELS = Registry(
    "model",
    {
        "cgat": "aiida_mlhull.science.models.cgat:CGAT",
        "cgcnn": "aiida_mlhull.science.models.cgcnn:CGCNN",
        "roost": "aiida_mlhull.science.models.roost:Roost",
        "trees_gp": "aiida_mlhull.science.models.trees_gp:TreesGP",
        "wren": "aiida_mlhull.science.models.wren:Wren",
    },
)
