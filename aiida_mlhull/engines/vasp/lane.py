"""One lane: candidates of a stage one after the other, so that no candidate waits for a straggler of another lane.

A WorkChain goes on when everything that it waits for is done. A batch would therefore wait for its slowest
member; so a stage is shared out among lanes, each with one calculation in flight. The context holds a row's
number and nodes of the row at hand; results of earlier rows are found by their links.
"""

from __future__ import annotations

from typing import Any, Final

from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import ProcessState, ToContext, WorkChain, while_
from aiida.plugins import WorkflowFactory

from aiida_mlhull import names
from aiida_mlhull.calculations.functions import extend_labels
from aiida_mlhull.calculations.vasp import prepare_vasp, read_vasp, step_of
from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData, ReferencesData
from aiida_mlhull.engines.vasp.account import account_of, results_of
from aiida_mlhull.engines.vasp.watch import cell_monitor
from aiida_mlhull.engines.vasp.wavefunctions import folder_to_start_from, let_go
from aiida_mlhull.job_pool.pool import job_settings_input
from aiida_mlhull.job_pool.settings import JobSettings, why_failed
from aiida_mlhull.science.vasp.outcome import Account
from aiida_mlhull.science.vasp.settings import VaspStep

RESULTS: Final = ("misc", "structure", "trajectory")
MONITOR: Final = "vasp.stdout"
"""Stops a calculation whose screen output grows beyond bounds. aiida-vasp's other monitor, of the loop time,
looks for a file of another name than VASP's, and is left out."""
DEFAULT_OPTIONS: Final = {
    "resources": {"num_machines": 1, "num_mpiprocs_per_machine": 1},
    "max_wallclock_seconds": 86400,
}


class VaspLane(WorkChain):
    """A share of a stage's candidates, one calculation at a time.

    Names in the context:
        row: number of the row at hand.
        tries: tries at it that were lost.
        chain: aiida-vasp's WorkChain that ran last.
    """

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the loop, outputs."""
        super().define(spec)
        vasp_inputs_of(spec)
        job_settings_input(spec)
        spec.input("cells", valid_type=(CandidatesData, LabelsData), help="The cells that go in.")
        spec.input("chosen", valid_type=DecisionsData, help="This lane's rows.")
        spec.input("stage", valid_type=orm.Dict, help="The stage's settings.")
        spec.outline(cls.setup, while_(cls.rows_left)(cls.calculate, cls.take_over), cls.finish)
        spec.output("labels", valid_type=LabelsData, help="One row for every chosen candidate.")
        spec.output("steps", valid_type=LabelsData, required=False, help="Ionic steps, if the stage keeps them.")

    @property
    def asked(self) -> VaspStep:
        """The calculation that the stage asks for."""
        return step_of(self.inputs.stage)

    def setup(self) -> None:
        """Begin with the first row."""
        self.ctx.row, self.ctx.tries = 0, 0

    def rows_left(self) -> bool:
        """Whether a candidate is still to be relaxed."""
        return bool(self.ctx.row < self.inputs.chosen.base.attributes.get("n_rows"))

    def calculate(self) -> Any:
        """Start the calculation of the row at hand."""
        link = f"row_{self.ctx.row:05d}_try_{self.ctx.tries}"
        running = called_as(self.node, link)
        if running is None:  # after a worker was killed at the wrong moment it may run already
            running = self.submit(WorkflowFactory("vasp.vasp"), **self._inputs(link))
        return ToContext(chain=running)

    def _inputs(self, link: str) -> dict[str, Any]:
        name, step = self._name(), self.asked
        prepared = prepare_vasp(self.inputs.cells, self.inputs.stage, orm.Str(name))
        options = {**self.inputs.options.get_dict(), **step.options}
        options.setdefault("withmpi", self.inputs.code.with_mpi is not False)
        before = folder_to_start_from(self.inputs.cells, name, code=self.inputs.code, inputs=prepared)
        return {
            "code": self.inputs.code,
            "structure": prepared["structure"],
            "parameters": prepared["parameters"],
            "kpoints": prepared["kpoints"],
            "potential_family": self.inputs.potential_family,
            "potential_mapping": prepared["potentials"],
            "settings": orm.Dict(parser_settings(step)),
            "max_iterations": orm.Int(1 + step.restarts),
            "clean_workdir": orm.Bool(not step.keep_files),
            "keep_last_workdir": orm.Bool(step.keep_wavefunctions),
            **({} if before is None else {"restart_folder": before}),
            "monitors": monitors(step, prepared["structure"], prepared["parameters"]["incar"]),
            "calc": {"metadata": {"options": options}},
            "metadata": {"label": name, "call_link_label": link},
        }

    def _name(self) -> str:
        return str(self.inputs.chosen.to_science().ids[self.ctx.row])

    def take_over(self) -> None:
        """Make a row of what came out; what was lost, not judged, is tried again."""
        chain = self.ctx.chain
        self.ctx.tries += 1
        most = JobSettings.model_validate(self.inputs.jobs.get_dict()).max_attempts
        if not chain.is_finished and self.ctx.tries < most:
            self.report(f"{self._name()}, try {self.ctx.tries} of {most}: {why_failed(chain)}")
            return
        found = results_of(chain, RESULTS)
        if "references" in self.inputs:
            found["references"] = self.inputs.references
        row = read_row(self.inputs, self._name(), account_of(chain), found)
        reason = row["labels"].base.attributes.get("failure_reasons")
        if reason:
            self.report(f"{self._name()}: {', '.join(reason)}; {why_failed(chain)}")
        let_go(self.inputs.cells, self._name())
        self.ctx.row, self.ctx.tries = self.ctx.row + 1, 0

    def finish(self) -> None:
        """Hand over all rows."""
        for output in (names.LABELS, names.STEPS):
            parts = rows_of(self.node, output)
            if parts:
                self.out(output, extend_labels(**parts) if len(parts) > 1 else next(iter(parts.values())))


def vasp_inputs_of(spec: Any) -> None:
    """Declare what a campaign says of VASP."""
    spec.input("code", valid_type=orm.AbstractCode, help="VASP.")
    spec.input("potential_family", valid_type=orm.Str, help="Family of potentials, as aiida-vasp calls it.")
    spec.input("options", valid_type=orm.Dict, default=default_options, help="The scheduler's; a stage may differ.")
    spec.input("references", valid_type=ReferencesData, required=False, help="To see what is hopeless.")


def default_options() -> orm.Dict:
    """One core for a day, as a node."""
    return orm.Dict(DEFAULT_OPTIONS)


def parser_settings(step: VaspStep) -> dict[str, Any]:
    """What aiida-vasp is told: whether stopping short is an error (twice: its parser and its WorkChain both look).

    A missing or torn file is not an error of its own: its handlers then get to see why the calculation stopped.
    """
    return {
        "parser_settings": {
            "check_ionic_convergence": step.must_converge,
            "check_completeness": False,
            "include_node": ["trajectory"] if step.keep_steps else [],
        },
        "CHECK_IONIC_CONVERGENCE": step.must_converge,
    }


def monitors(step: VaspStep, structure: orm.StructureData, incar: dict[str, Any]) -> dict[str, orm.Dict]:
    """Who looks at a running calculation: at its screen output, and at its cell where that changes."""
    told = {"stdout": {"entry_point": MONITOR, "minimum_poll_interval": step.look_every}}
    if int(incar.get("nsw") or 0) > 0:
        told["cell"] = cell_monitor(structure.cell, step.limits, every=step.look_every)
    return {key: orm.Dict(words) for key, words in told.items()}


def read_row(inputs: Any, name: str, account: Account, found: dict[str, Any]) -> dict[str, Any]:
    """The calcfunction that makes a candidate's row."""
    told = orm.Dict(account.model_dump(mode="json"))
    row: dict[str, Any] = read_vasp(inputs.cells, inputs.stage, orm.Str(name), told, **found)
    return row


def called_as(node: orm.ProcessNode, link: str) -> orm.ProcessNode | None:
    """The process that ``node`` has called under this name and that has begun.

    One that hasn't may never have been handed to the daemon: waiting for it could last for ever.
    """
    for called in node.base.links.get_outgoing(link_type=LinkType.CALL_WORK, link_label_filter=link).all_nodes():
        if isinstance(called, orm.ProcessNode) and called.process_state is not ProcessState.CREATED:
            return called
    return None


def rows_of(node: orm.ProcessNode, output: str) -> dict[str, LabelsData]:
    """What ``node`` has read so far, one table a candidate; of rows that were read twice the first."""
    query = orm.QueryBuilder()
    query.append(orm.WorkflowNode, filters={"id": node.pk}, tag="lane")
    query.append(orm.CalcFunctionNode, with_incoming="lane", filters=names.any_of(names.READ_VASP), tag="reading")
    query.append(
        LabelsData, with_incoming="reading", edge_filters={"label": output}, project=["*", "attributes.id_min"]
    )
    query.order_by({LabelsData: {"id": "asc"}})
    first: dict[str, LabelsData] = {}
    for table, name in query.all():
        first.setdefault(name, table)
    return {f"row_{index:05d}": first[name] for index, name in enumerate(sorted(first))}
