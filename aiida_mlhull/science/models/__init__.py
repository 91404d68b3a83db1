"""The models. One file each, one line here; everything else finds them by name."""

from aiida_mlhull.science.registry import Registry

MODELS = Registry(
    "model",
    {
        "cgcnn": "aiida_mlhull.science.models.cgcnn:CGCNN",
        "trees_gp": "aiida_mlhull.science.models.trees_gp:TreesGP",
    },
)
