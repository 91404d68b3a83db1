"""Models from crystals or compositions to energies. One file each, one line here; everything else finds them by name."""

from aiida_mlhull.science.registry import Registry

MODELS = Registry(
    "model",
    {
        "cgat": "aiida_mlhull.science.models.cgat:CGAT",
        "cgcnn": "aiida_mlhull.science.models.cgcnn:CGCNN",
        "element_correction": "aiida_mlhull.science.models.element_correction:ElementCorrection",
        "magpie_forest": "aiida_mlhull.science.models.magpie_forest:MagpieForest",
        "mean": "aiida_mlhull.science.models.mean:Mean",
        "roost": "aiida_mlhull.science.models.roost:Roost",
        "sine_kernel": "aiida_mlhull.science.models.sine_kernel:SineKernel",
        "trees_gp": "aiida_mlhull.science.models.trees_gp:TreesGP",
        "voronoi_forest": "aiida_mlhull.science.models.voronoi_forest:VoronoiForest",
        "wren": "aiida_mlhull.science.models.wren:Wren",
    },
    group="mlhull.models",
)
