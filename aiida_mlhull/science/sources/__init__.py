"""Where candidates are imported from: one file per source, one line here."""

from typing import Final

from aiida_mlhull.science.registry import Registry

SOURCES: Final = Registry(
    "source",
    {
        "files": "aiida_mlhull.science.sources.files:FileSource",
        "materials-project": "aiida_mlhull.science.sources.materials_project:MaterialsProject",
        "optimade": "aiida_mlhull.science.sources.optimade:Optimade",
    },
)

__all__ = ["SOURCES"]
