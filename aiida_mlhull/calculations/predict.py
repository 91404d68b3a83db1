"""CalcJob ``mlhull.predict``: ask all members of an ensemble about a shard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.calculations.base import (
    CELLS,
    CELLS_FILE,
    Files,
    MlhullJob,
    check_any,
    check_baseline,
    check_cells,
    noun_of,
    table,
)
from aiida_mlhull.calculations.ports import plain_input, pool_rows_input
from aiida_mlhull.data import CandidatesData, DecisionsData, EnsembleData, PredictionsData, ReferencesData
from aiida_mlhull.science.program.settings import POOL_FILE, PREDICTIONS_FILE, REFERENCES_FILE, PredictJob

UNRELAXED_FILE: Final = "unrelaxed.parquet"


class PredictCalculation(MlhullJob):
    """Every member's energy and spread for every row that is asked about."""

    _parser: ClassVar[str] = names.PREDICT.entry_point

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs and outputs."""
        super().define(spec)
        spec.input("ensemble", valid_type=EnsembleData, help="The models.")
        spec.input("cells", valid_type=CELLS, help="Candidates, or labels of the stage before.")
        spec.input(
            "unrelaxed",
            valid_type=CandidatesData,
            required=False,
            help="The candidates before any stage, where the cells are a stage's.",
        )
        spec.input("pool", valid_type=DecisionsData, required=False, help="Only rows of it are predicted.")
        pool_rows_input(spec)
        spec.input(
            "references", valid_type=ReferencesData, required=False, help="For the baselines 'references' and 'hull'."
        )
        plain_input(spec, "baseline", orm.Str, help="The one that the ensemble was fitted with.")
        spec.output("predictions", valid_type=PredictionsData, help="One row for each that was asked about.")

    @classmethod
    def describe(cls, inputs: Mapping[str, Any], **shared: Any) -> PredictJob:
        """What ``job.json`` says."""
        return PredictJob.model_validate(
            {
                "cells": {CELLS_FILE: noun_of(inputs["cells"])},
                "unrelaxed": [UNRELAXED_FILE] if "unrelaxed" in inputs else [],
                "baseline": inputs["baseline"].value,
                "rows": inputs["pool_rows"].value if "pool" in inputs else "all",
                **shared,
            }
        )

    @classmethod
    def check(cls, inputs: Mapping[str, Any]) -> None:
        """Refuse what the ensemble can't read, what has no baseline, and a pool that is empty."""
        check_cells([inputs["cells"]], inputs["ensemble"].base.attributes.get("model"))
        check_baseline(inputs["baseline"].value, [inputs["cells"]], inputs.get("references"))
        if "pool" in inputs:
            check_any(inputs["pool"], inputs["pool_rows"].value)

    @classmethod
    def files(cls, inputs: Mapping[str, Any]) -> Files:
        """The shard, the pool, the references and the ensemble."""
        ensemble = inputs["ensemble"]
        pool = [table(inputs["pool"], POOL_FILE)] if "pool" in inputs else []
        before = [table(inputs["unrelaxed"], UNRELAXED_FILE)] if "unrelaxed" in inputs else []
        return [
            table(inputs["cells"], CELLS_FILE),
            *before,
            *pool,
            *([table(inputs["references"], REFERENCES_FILE)] if "references" in inputs else []),
            *((ensemble.uuid, name, name) for name in ensemble.base.repository.list_object_names()),
        ]

    @classmethod
    def result_files(cls, inputs: Mapping[str, Any]) -> list[str]:  # noqa: ARG003  (others depend on them)
        """The predictions."""
        return [PREDICTIONS_FILE]
