"""Ensembles: members fitted apart, gathered, asked together."""

from aiida_mlhull.science.ensembles.combine import gather, join, predict
from aiida_mlhull.science.ensembles.fit import fit_member, needed_labels
from aiida_mlhull.science.ensembles.settings import EnsembleSettings

__all__ = ["EnsembleSettings", "fit_member", "gather", "join", "needed_labels", "predict"]
