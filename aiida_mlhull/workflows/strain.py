"""Strain: crystals on a grid of strains, relaxed by any engine at fixed cell, and what that says of them."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ToContext, WorkChain

from aiida_mlhull.calculations.strain import make_strain_grid, measure_strain
from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData
from aiida_mlhull.engines import ENGINES
from aiida_mlhull.job_pool.pool import job_settings_input
from aiida_mlhull.job_pool.settings import why_failed
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.errors import InputError, MixedSchemesError, MlhullError
from aiida_mlhull.science.schemes import difference, same_scheme
from aiida_mlhull.science.strain.bonds import check_pairs
from aiida_mlhull.science.strain.grid import StrainSettings, check_freedom
from aiida_mlhull.science.types.strict import validated


class Strain(WorkChain):
    """Which strain of a substrate does what to crystals, and to their place above the hull.

    Names in the context:
        grid: the strained cells, and which of them are chosen: all.
        engine: the engine's process.
    """

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the three steps, outputs and what can go wrong."""
        super().define(spec)
        spec.input("crystals", valid_type=CandidatesData, help="Unstrained cells; the plane is that of a and b.")
        spec.input("references", valid_type=ReferencesData, required=False, help="Known phases, for the hull.")
        spec.input("settings", valid_type=orm.Dict, help="StrainSettings.")
        spec.input("stage", valid_type=orm.Dict, help="StageSettings: the engine, and that it keeps the cell.")
        job_settings_input(spec)
        spec.input_namespace("engines", help="Inputs of engines by name; those of the stage's are needed.")
        for name, engine in ENGINES.items():
            spec.expose_inputs(
                engine,
                namespace=f"engines.{name}",
                exclude=("cells", "chosen", "stage", "jobs"),
                namespace_options={
                    "required": False,
                    "populate_defaults": False,
                    "help": f"Inputs of the engine {name}.",
                },
            )
        spec.inputs.validator = check_inputs
        spec.outline(cls.make_grid, cls.relax, cls.measure)
        spec.output("labels", valid_type=LabelsData, help="One row per point of the grid, failures among them.")
        spec.output("response", valid_type=orm.Dict, help="Energies, bonds, slopes, heights above the hull.")
        spec.exit_code(500, "ERROR_NOTHING_TO_COMPARE", "The grid's results can't be compared: {why}")
        spec.exit_code(520, "ERROR_ENGINE_FAILED", "The engine refused or failed: {why}")

    def make_grid(self) -> None:
        """Strain the cells."""
        self.ctx.grid = make_strain_grid(self.inputs.crystals, self.inputs.settings)
        self.report(f"{self.ctx.grid['cells'].n_rows} strained cells of {self.inputs.crystals.n_rows} crystals")

    def relax(self) -> Any:
        """Hand the grid to the engine."""
        name = self.inputs.stage["engine"]
        inputs = dict(self.inputs.engines[name])
        if "jobs" in ENGINES[name].spec().inputs:
            inputs["jobs"] = self.inputs.jobs
        node = self.submit(ENGINES[name], stage=self.inputs.stage, **self.ctx.grid, **inputs)
        return ToContext(engine=node)

    def measure(self) -> ExitCode | None:
        """Measure bonds, fit slopes, find the hull."""
        if not self.ctx.engine.is_finished_ok:
            code: ExitCode = self.exit_codes.ERROR_ENGINE_FAILED.format(why=why_failed(self.ctx.engine))
            return code
        labels = self.ctx.engine.outputs.labels
        self.out("labels", labels)
        known = {"references": self.inputs.references} if "references" in self.inputs else {}
        try:
            response = measure_strain(self.inputs.crystals, labels, self.inputs.settings, **known)
        except MlhullError as error:
            short: ExitCode = self.exit_codes.ERROR_NOTHING_TO_COMPARE.format(why=error)
            return short
        self.out("response", response)
        return None


def check_inputs(inputs: Any, _: Any) -> str | None:
    """Refuse what can't be relaxed on the grid, or whose energies can't meet the references'."""
    try:
        grid = validated(StrainSettings, inputs["settings"].get_dict(), what="strain")
        stage = validated(StageSettings, inputs["stage"].get_dict(), what="stage")
        engine = ENGINES[stage.engine]
        engine.read_settings(stage)
        check_freedom(stage.engine, stage.settings, grid)
        crystals = inputs["crystals"].to_science().crystals
        if crystals is None:
            raise InputError("crystals that are only labels can't be strained")  # noqa: TRY301
        check_pairs(crystals, grid.pairs)
        given = inputs.get("engines", {}).get(stage.engine)
        if given is None:
            raise InputError(f"no inputs for the engine {stage.engine}")  # noqa: TRY301  (every refusal in one place)
        if "references" in inputs:
            _check_schemes(engine.scheme(stage, given), inputs["references"].to_science().scheme)
    except InputError as error:
        return str(error)
    return None


def _check_schemes(ours: str, theirs: str) -> None:
    if not same_scheme(ours, theirs):
        raise MixedSchemesError(
            f"the engine's energies and the references' don't meet in one hull: {difference(ours, theirs)}; if they do, say so with the references' scheme"
        )
