"""Names in the graph: entry points of processes, links and outputs, today's and those of earlier versions.

What writes to the graph and what queries it take them from here, so that renaming one is renaming it
everywhere, and campaigns stored by earlier versions stay readable. This module imports nothing but the standard
library: asking by name spares loading the workflows and all that they need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

CALCULATIONS: Final = "aiida.calculations"
WORKFLOWS: Final = "aiida.workflows"
DATA: Final = "aiida.data"


@dataclass(frozen=True)
class ProcessName:
    """How AiiDA addresses a kind of process.

    Attributes:
        entry_point: name within the group: ``mlhull.round``.
        label: name of the class or function, AiiDA's process label: ``Round``.
        group: of entry points, :data:`WORKFLOWS` or :data:`CALCULATIONS`.
        earlier: process types of nodes stored by versions that did not register this process.
    """

    entry_point: str
    label: str
    group: str
    earlier: tuple[str, ...] = ()

    @property
    def process_type(self) -> str:
        """What AiiDA writes into nodes of today: ``aiida.workflows:mlhull.round``."""
        return f"{self.group}:{self.entry_point}"

    @property
    def process_types(self) -> tuple[str, ...]:
        """Today's process type, then earlier ones."""
        return (self.process_type, *self.earlier)

    def matches(self, process_type: str | None) -> bool:
        """Whether a node of this process type is such a process, of any version."""
        return process_type in self.process_types


def any_of(*names: ProcessName) -> dict[str, Any]:
    """A QueryBuilder filter: processes of these kinds, of any version."""
    return {"process_type": {"in": _types(names)}}


def none_of(*names: ProcessName) -> dict[str, Any]:
    """A QueryBuilder filter: processes of other kinds."""
    return {"process_type": {"!in": _types(names)}}


def _types(names: tuple[ProcessName, ...]) -> list[str]:
    return [one for name in names for one in name.process_types]


# ------------------------------------------------------------------------------------------------ processes


def _work_chain(entry_point: str, path: str) -> ProcessName:
    """A WorkChain that 0.1.0 had not registered; ``path`` is where its class was."""
    return ProcessName(entry_point, path.rpartition(".")[2], WORKFLOWS, (f"aiida_mlhull.{path}",))


def _function(path: str) -> ProcessName:
    """A calcfunction that 0.1.0 had not registered; ``path`` is where it was."""
    name = path.rpartition(".")[2]
    return ProcessName(f"mlhull.{name}", name, CALCULATIONS, (f"aiida_mlhull.calculations.{path}",))


SCREEN: Final = ProcessName("mlhull.screen", "Screen", WORKFLOWS)
ROUND: Final = _work_chain("mlhull.round", "workflows.round.Round")
FIT_ENSEMBLE: Final = _work_chain("mlhull.fit_ensemble", "workflows.fit.FitEnsemble")
MAKE_CELLS_OF_SHARDS: Final = ProcessName("mlhull.make_cells", "MakeCells", WORKFLOWS)
PREDICT_SHARDS: Final = _work_chain("mlhull.predict_shards", "workflows.predict.PredictShards")
POTENTIAL_ENGINE: Final = _work_chain("mlhull.engine.potential", "engines.potential.PotentialEngine")
RECORDED_ENGINE: Final = _work_chain("mlhull.engine.recorded", "engines.recorded.RecordedEngine")
ESPRESSO_ENGINE: Final = ProcessName("mlhull.engine.quantumespresso", "EspressoEngine", WORKFLOWS)
ESPRESSO_LANE: Final = ProcessName("mlhull.engine.quantumespresso.lane", "EspressoLane", WORKFLOWS)
VASP_ENGINE: Final = _work_chain("mlhull.engine.vasp", "engines.vasp.engine.VaspEngine")
VASP_LANE: Final = _work_chain("mlhull.engine.vasp.lane", "engines.vasp.lane.VaspLane")

STRAIN: Final = ProcessName("mlhull.strain", "Strain", WORKFLOWS)

FIT: Final = ProcessName("mlhull.fit", "FitCalculation", CALCULATIONS)
PREDICT: Final = ProcessName("mlhull.predict", "PredictCalculation", CALCULATIONS)
RELAX: Final = ProcessName("mlhull.relax", "RelaxCalculation", CALCULATIONS)
FIT_PRODUCTS: Final = ProcessName("mlhull.fit_products", "FitProductsCalculation", CALCULATIONS)
PREDICT_PRODUCTS: Final = ProcessName("mlhull.predict_products", "PredictProductsCalculation", CALCULATIONS)

ASSESS: Final = _function("functions.assess")
CHOOSE_START: Final = _function("functions.choose_start")
CONCLUDE: Final = _function("functions.conclude")
DECIDE_ROUND: Final = _function("functions.decide_round")
ENTER_FIRST_STAGE: Final = _function("functions.enter_first_stage")
ENTER_NEXT_STAGE: Final = _function("functions.enter_next_stage")
EXTEND_LABELS: Final = _function("functions.extend_labels")
GATHER_ENSEMBLE: Final = _function("functions.gather_ensemble")
LOOK_UP: Final = _function("functions.look_up")
MARK_FAILED: Final = _function("functions.mark_failed")
MERGE_SAME: Final = _function("functions.merge_same")
PROMOTE: Final = _function("functions.promote")
SPLIT_CHOSEN: Final = _function("functions.split_chosen")
SPLIT_SETTINGS: Final = _function("functions.split_settings")
STILL_WAITING: Final = _function("functions.still_waiting")
SUMMARIZE: Final = _function("functions.summarize")
TAKE_OVER: Final = ProcessName("mlhull.take_over", "take_over", CALCULATIONS)
MAKE_CELLS: Final = ProcessName("mlhull.make_cells", "MakeCellsCalculation", CALCULATIONS)
REQUIRE_PROPERTY: Final = ProcessName("mlhull.require_property", "require_property", CALCULATIONS)
PICK_RESULTS: Final = ProcessName("mlhull.pick_results", "pick_results", CALCULATIONS)
CLEAN_CANDIDATES: Final = _function("cleaning.clean_candidates")
MINE_TABLE: Final = _function("mining.mine_table")
EXTEND_REFERENCES: Final = _function("snapshot.extend_references")
PACK_STRUCTURES: Final = ProcessName("mlhull.pack_structures", "pack_structures", CALCULATIONS)
GATHER_RESULTS: Final = ProcessName("mlhull.gather_results", "gather_results", CALCULATIONS)
GATHER_TABLES: Final = ProcessName("mlhull.gather_tables", "gather_tables", CALCULATIONS)
GATHER_REFERENCES: Final = ProcessName("mlhull.gather_references", "gather_references", CALCULATIONS)
SHARE_OUT: Final = _function("vasp.share_out")
PREPARE_ESPRESSO: Final = ProcessName("mlhull.prepare_espresso", "prepare_espresso", CALCULATIONS)
START_FROM_DENSITY: Final = ProcessName("mlhull.start_from_density", "start_from_density", CALCULATIONS)
READ_ESPRESSO: Final = ProcessName("mlhull.read_espresso", "read_espresso", CALCULATIONS)
PREPARE_VASP: Final = _function("vasp.prepare_vasp")
READ_VASP: Final = _function("vasp.read_vasp")
RECOMMEND_REACTIONS: Final = ProcessName("mlhull.recommend_reactions", "recommend_reactions", CALCULATIONS)

MAKE_STRAIN_GRID: Final = ProcessName("mlhull.make_strain_grid", "make_strain_grid", CALCULATIONS)
MEASURE_STRAIN: Final = ProcessName("mlhull.measure_strain", "measure_strain", CALCULATIONS)

PROCESSES: Final = tuple(value for value in list(globals().values()) if isinstance(value, ProcessName))
"""All processes of this package."""

VASP_WORK_CHAIN: Final = ProcessName("vasp.vasp", "VaspWorkChain", WORKFLOWS)
VASP_CALCULATION: Final = ProcessName("vasp.vasp", "VaspCalculation", CALCULATIONS)
"""Of aiida-vasp."""

PW_WORK_CHAIN: Final = ProcessName("quantumespresso.pw.base", "PwBaseWorkChain", WORKFLOWS)
PW_CALCULATION: Final = ProcessName("quantumespresso.pw", "PwCalculation", CALCULATIONS)
"""Of aiida-quantumespresso."""

# ------------------------------------------------------------------------------------------------ data

CANDIDATES_NODE: Final = "mlhull.candidates"
DECISIONS_NODE: Final = "mlhull.decisions"
ENSEMBLE_NODE: Final = "mlhull.ensemble"
LABELS_NODE: Final = "mlhull.labels"
PREDICTIONS_NODE: Final = "mlhull.predictions"
REACTIONS_NODE: Final = "mlhull.reactions"
RECIPES_NODE: Final = "mlhull.recipes"
REFERENCES_NODE: Final = "mlhull.references"
SUBSTITUTIONS_NODE: Final = "mlhull.substitutions"
WYCKOFF_NODE: Final = "mlhull.wyckoff"

NODES: Final = {
    CANDIDATES_NODE: "CandidatesData",
    DECISIONS_NODE: "DecisionsData",
    ENSEMBLE_NODE: "EnsembleData",
    LABELS_NODE: "LabelsData",
    PREDICTIONS_NODE: "PredictionsData",
    REACTIONS_NODE: "ReactionsData",
    RECIPES_NODE: "RecipesData",
    REFERENCES_NODE: "ReferencesData",
    SUBSTITUTIONS_NODE: "SubstitutionsData",
    WYCKOFF_NODE: "WyckoffData",
}
"""Entry points in :data:`DATA`, and the classes that they lead to."""

STEERING: Final = "mlhull_steering"
"""Extra of a campaign's node: what it was told while it ran."""

STUDIES: Final = "mlhull/studies"
"""Groups of what studies have run begin with it; a slash and the study's name follow."""

# ------------------------------------------------------------------------------------------------ links


SETTINGS: Final = "settings"
REFERENCES: Final = "references"
CANDIDATES: Final = "candidates"
STAGE: Final = "stage"
CHOSEN: Final = "chosen"
POSITION: Final = "position"
PREDICTIONS: Final = "predictions"
RECORD: Final = "record"
EARLIER: Final = "earlier"
"""Inputs."""

RECORD_LINK: Final = f"engines__recorded__{RECORD}"
"""By this link a campaign is given its record: AiiDA joins the names of nested inputs by two underscores."""

LEVELS_LINK: Final = "engines__recorded__levels"
"""Beginning of the links by which a campaign is given a record of several stages; two underscores and a stage follow."""

EARLIER_CAMPAIGN: Final = "campaign"
"""Within :data:`EARLIER`: the UUID of the campaign whose results, draws and decisions another one takes over."""

EARLIER_CAMPAIGN_LINK: Final = f"{EARLIER}__{EARLIER_CAMPAIGN}"

ENSEMBLES: Final = "ensembles"
"""Settings of several ensembles, by name: input of a round."""


def ensemble_call(name: str) -> str:
    """Label of the links by which a round calls fit and prediction of an ensemble; AiiDA's own for one without a name."""
    return f"{ENSEMBLES}__{name}" if name else "CALL"


def ensemble_called(label: str) -> str:
    """The name in such a label; empty for an ensemble without one."""
    return label.removeprefix(f"{ENSEMBLES}__") if label.startswith(f"{ENSEMBLES}__") else ""


PROPERTIES: Final = "properties"
"""Ensembles of properties beside energies, by name: input of a campaign."""


def property_call(name: str) -> str:
    """Label of the link by which a campaign calls the prediction of a property."""
    return f"{PROPERTIES}__{name}"


def property_called(label: str) -> str:
    """The name in such a label."""
    return label.removeprefix(f"{PROPERTIES}__")


ENSEMBLE: Final = "ensemble"
LABELS: Final = "labels"
STEPS: Final = "steps"
JOB_RESULTS: Final = "results"
FUNCTION_RESULT: Final = "result"
"""Outputs of engines, their jobs and calcfunctions; AiiDA names the only output of a function ``result``."""

OUTCOMES: Final = "outcomes"
RESULTS: Final = "results"
PHASES: Final = "phases"
SUMMARY: Final = "summary"
REACTIONS: Final = "reactions"
"""Outputs of a campaign."""

EARLIER_OUTPUTS: Final = {OUTCOMES: "verdicts"}
"""What version 0.1.0 called outputs of a campaign that have another name today."""
