"""CalcJob ``mlhull.fit``: fit members of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.calculations.base import (
    Files,
    MlhullJob,
    check_baseline,
    check_cells,
    noun_of,
    table,
)
from aiida_mlhull.calculations.ports import (
    cells_inputs,
    leaves,
    plain_input,
    restart_input,
    results_input,
    steps_input,
    warm_inputs,
)
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import EnsembleData, ReferencesData
from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.program.settings import PARENT_FOLDER, REFERENCES_FILE, WARM_REFERENCES_FILE, FitJob
from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE, member_file

WARM: Final = ("cells", "unrelaxed", "labels")
"""Tables of earlier campaigns."""


class FitCalculation(MlhullJob):
    """Fit members on all labels so far; one member a job by default of those who call it.

    The seed is a node like all other inputs: with another one, AiiDA's cache has no answer. A job that was
    stopped or killed has kept its members and the state after every epoch: give its ``remote_folder`` as
    ``restart_from`` to go on there, to the same bits.
    """

    _parser: ClassVar[str] = names.FIT.entry_point

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs and outputs."""
        super().define(spec)
        cells_inputs(spec)
        results_input(spec, "labels")
        steps_input(spec)
        spec.input(
            "references", valid_type=ReferencesData, required=False, help="For the baselines 'references' and 'hull'."
        )
        plain_input(spec, "settings", orm.Dict, help="EnsembleSettings.")
        plain_input(spec, "baseline", orm.Str, help="'references', 'hull', 'stage', or 'none'.")
        spec.input(
            "parent",
            valid_type=EnsembleData,
            required=False,
            help="Whose members these begin with, if transfer.mode in the settings is 'full' or 'head'.",
        )
        warm_inputs(spec)
        restart_input(spec)
        plain_input(spec, "seed", orm.Int, help="The ensemble's only source of chance.")
        plain_input(spec, "members", orm.List, help="Which members: [0], or [0, 1, 2].")
        spec.output("ensemble", valid_type=EnsembleData, help="These members; gather_ensemble makes all parts one.")

    @classmethod
    def describe(cls, inputs: Mapping[str, Any], **shared: Any) -> FitJob:
        """What ``job.json`` says."""
        return FitJob.model_validate(
            {
                "cells": {_cells_file(key): noun_of(node) for key, node in inputs["cells"].items()},
                "unrelaxed": [_unrelaxed_file(key) for key in inputs.get("unrelaxed", {})],
                "labels": [_labels_file(key) for key in leaves(inputs["labels"])],
                "steps": [_steps_file(key) for key in inputs.get("steps", {})],
                "baseline": inputs["baseline"].value,
                "ensemble": inputs["settings"].get_dict(),
                "members": inputs["members"].get_list(),
                "seed": inputs["seed"].value,
                "has_parent": "parent" in inputs,
                **_warm_files(inputs.get("warm", {})),
                **shared,
            }
        )

    @classmethod
    def check(cls, inputs: Mapping[str, Any]) -> None:
        """Refuse what the model can't read, and what has no baseline."""
        check_cells(inputs["cells"].values(), settings_of(inputs["settings"], EnsembleSettings).model)
        check_baseline(inputs["baseline"].value, inputs["cells"].values(), inputs.get("references"))

    @classmethod
    def files(cls, inputs: Mapping[str, Any]) -> Files:
        """All shards, the references, and the parent's weights."""
        warm = inputs.get("warm", {})
        weights = inputs["parent"].base.repository.list_object_names() if "parent" in inputs else []
        return [
            *(table(node, _cells_file(key)) for key, node in inputs["cells"].items()),
            *(table(node, _unrelaxed_file(key)) for key, node in inputs.get("unrelaxed", {}).items()),
            *(table(node, _labels_file(key)) for key, node in leaves(inputs["labels"]).items()),
            *(table(node, _steps_file(key)) for key, node in inputs.get("steps", {}).items()),
            *([table(inputs["references"], REFERENCES_FILE)] if "references" in inputs else []),
            *(table(node, f"warm_{part}_{key}.parquet") for part in WARM for key, node in warm.get(part, {}).items()),
            *([table(warm["references"], WARM_REFERENCES_FILE)] if "references" in warm else []),
            *((inputs["parent"].uuid, name, f"{PARENT_FOLDER}/{name}") for name in weights),
        ]

    @classmethod
    def result_files(cls, inputs: Mapping[str, Any]) -> list[str]:
        """The ensemble's description, and a file for each member."""
        return [ENSEMBLE_FILE, *(member_file(place) for place in range(len(inputs["members"])))]


def _warm_files(warm: Mapping[str, Any]) -> dict[str, Any]:
    """What ``job.json`` says of earlier campaigns' rows."""
    if not warm:
        return {}
    files = {part: [f"warm_{part}_{key}.parquet" for key in warm.get(part, {})] for part in WARM}
    cells = {name: noun_of(node) for name, node in zip(files["cells"], warm["cells"].values(), strict=True)}
    return {"warm_cells": cells, "warm_unrelaxed": files["unrelaxed"], "warm_labels": files["labels"]}


def _cells_file(key: str) -> str:
    return f"cells_{key}.parquet"


def _unrelaxed_file(key: str) -> str:
    return f"unrelaxed_{key}.parquet"


def _labels_file(key: str) -> str:
    return f"labels_{key}.parquet"


def _steps_file(key: str) -> str:
    return f"steps_{key}.parquet"
