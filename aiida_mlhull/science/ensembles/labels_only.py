"""Rows that are a protostructure label and no cell yet: which models can read them."""

from __future__ import annotations

from typing import Any, Final

from aiida_mlhull.science.ensembles.settings import EnsembleSettings
from aiida_mlhull.science.errors import CrystalError, SettingsError
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.base import Model
from aiida_mlhull.science.types import ModelRows

READ_LABELS: Final = frozenset({"composition", "nothing", "wyckoff"})
"""What models read that need no cell."""


def check_reads_labels(model: str) -> None:
    """Refuse a model that has to see cells, where there are none.

    Args:
        model: its name.

    Raises:
        CrystalError: naming the models that do without.
    """
    if MODELS[model].reads not in READ_LABELS:
        fitting = ", ".join(name for name in MODELS if MODELS[name].reads in READ_LABELS)
        raise CrystalError(
            f"{model} looks at cells, and these candidates are labels without cells; models that do without: "
            f"{fitting}. Or generate the candidates with cells ('cells: true')"
        )


def check_sees_unrelaxed(settings: EnsembleSettings) -> None:
    """Refuse members that look at cells before any stage, where there are none.

    Raises:
        SettingsError: if there are such members, and the model needs cells.
    """
    if MODELS[settings.model].reads in READ_LABELS:
        return
    if any(settings.view(member).is_blind for member in range(settings.members)):
        raise SettingsError(
            f"blind members of {settings.model} look at the cells before any stage, and these candidates are labels "
            f"without cells: set blind_members to 0 and leave views with 'energies: []' out, or generate cells"
        )


def represented(name: str, model: Model, rows: ModelRows) -> Any:
    """What the model of that name reads of the rows.

    Raises:
        CrystalError: if they are only labels, and it needs cells.
    """
    if rows.protostructures is not None:
        check_reads_labels(name)
    return model.represent(rows)
