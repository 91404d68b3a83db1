"""One lane: candidates of a stage one after the other, so that no candidate waits for a straggler of another lane.

A WorkChain goes on when everything that it waits for is done. A batch would therefore wait for its slowest
member; so a stage is shared out among lanes, each with one calculation in flight. The context holds a row's
number and nodes of the row at hand; results of earlier rows are found by their links.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import ProcessState, ToContext, if_, while_

from aiida_mlhull import names
from aiida_mlhull.calculations.functions import extend_labels
from aiida_mlhull.calculations.ports import plain_input
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData, ReferencesData
from aiida_mlhull.job_pool.breaker import trip
from aiida_mlhull.job_pool.pool import job_settings_input
from aiida_mlhull.job_pool.settings import JobSettings, why_failed
from aiida_mlhull.job_pool.steering import Steered
from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.types.reasons import Reason, with_detail

DEFAULT_OPTIONS: Final = {
    "resources": {"num_machines": 1, "num_mpiprocs_per_machine": 1},
    "max_wallclock_seconds": 86400,
}


class Lane(Steered):
    """A share of a stage's candidates, one calculation at a time.

    Attributes:
        reader: the calcfunction that makes a candidate's row.

    Names in the context:
        row: number of the row at hand.
        tries: tries at it that were lost.
        refusal: why the row at hand can't be calculated; empty if it can.
        chain: the plug-in's WorkChain that ran last.
    """

    reader: ClassVar[names.ProcessName]

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the loop, outputs."""
        super().define(spec)
        lane_inputs_of(spec)
        spec.input("cells", valid_type=(CandidatesData, LabelsData), help="The cells that go in.")
        spec.input("chosen", valid_type=DecisionsData, help="This lane's rows.")
        plain_input(spec, "stage", orm.Dict, help="StageSettings.")
        spec.outline(
            cls.setup,
            while_(cls.rows_left)(cls.heed, if_(cls.may_go_on)(cls.calculate, cls.take_over)),
            cls.finish,
        )
        spec.output("labels", valid_type=LabelsData, required=False, help="A row for every candidate, if not stopped.")
        spec.output("steps", valid_type=LabelsData, required=False, help="Ionic steps, if the stage keeps them.")

    @abstractmethod
    def calculation(self, name: str, link: str) -> tuple[Any, dict[str, Any]]:
        """The WorkChain that calculates a candidate, and its inputs; it is called under the name ``link``.

        Raises:
            InputError: if this candidate can't be calculated; the others can.
        """

    @classmethod
    @abstractmethod
    def row(cls, inputs: Any, name: str, account: Account, outputs: dict[str, Any]) -> dict[str, Any]:
        """Call the calcfunction that makes a candidate's row.

        Args:
            inputs: of the lane or its engine.
            name: of the candidate.
            account: how its processes ended.
            outputs: what they gave.
        """

    @abstractmethod
    def account(self, chain: orm.ProcessNode) -> Account:
        """How a calculation ended."""

    @abstractmethod
    def results(self, chain: orm.ProcessNode) -> dict[str, Any]:
        """What a calculation gave, whatever became of it."""

    def was_lost(self, chain: orm.ProcessNode) -> bool:
        """Whether a calculation was lost rather than judged, so that another try may end better."""
        return not chain.is_finished

    def let_go(self, name: str) -> None:
        """Remove what the stage before has left on the computer for this candidate's calculation."""

    def options(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The scheduler's options of a calculation: the campaign's, with the stage's own on top."""
        options = {**self.inputs.options.get_dict(), **own}
        options.setdefault("withmpi", self.inputs.code.with_mpi is not False)
        return options

    def setup(self) -> None:
        """Begin with the first row."""
        self.ctx.row, self.ctx.tries = 0, 0

    def rows_left(self) -> bool:
        """Whether a candidate is still to be relaxed."""
        return bool(self.ctx.row < self.inputs.chosen.base.attributes.get("n_rows")) and self.may_go_on()

    def calculate(self) -> Any:
        """Start the calculation of the row at hand."""
        self.ctx.refusal = ""
        link = f"row_{self.ctx.row:05d}_try_{self.ctx.tries}"
        running = called_as(self.node, link)
        if running is None:  # after a worker was killed at the wrong moment it may run already
            try:
                process, inputs = self.calculation(self.candidate, link)
            except InputError as error:
                reason = Reason.MISSING_POTENTIAL if error.code == Reason.MISSING_POTENTIAL else Reason.ENGINE_ERROR
                self.ctx.refusal = with_detail(reason, str(error))
                return None
            running = self.submit(process, **inputs)
        return ToContext(chain=running)

    @property
    def candidate(self) -> str:
        """The candidate at hand."""
        return str(self.inputs.chosen.to_science().ids[self.ctx.row])

    def take_over(self) -> None:
        """Make a row of what came out; what was lost, not judged, is tried again."""
        name, chain = self.candidate, None if self.ctx.refusal else self.ctx.chain
        if chain is None:
            account, outputs, words = Account(chain_status=None, chain_message=self.ctx.refusal), {}, ""
        else:
            self.ctx.tries += 1
            most = settings_of(self.inputs.jobs, JobSettings).max_attempts
            if self.ctx.tries < most and self.was_lost(chain):
                self.report(f"{name}, try {self.ctx.tries} of {most}: {why_failed(chain)}")
                return
            account, outputs, words = self.account(chain), self.results(chain), f"; {why_failed(chain)}"
        if "references" in self.inputs:
            outputs["references"] = self.inputs.references
        row = self.row(self.inputs, name, account, outputs)
        reason = row[names.LABELS].base.attributes.get("failure_reasons")
        if reason:
            self.report(f"{name}: {', '.join(reason)}{words}")
            self._break_circuit()
        self.let_go(name)
        self.ctx.row, self.ctx.tries = self.ctx.row + 1, 0

    def _break_circuit(self) -> None:
        """Pause the campaign if the first rows, those of other lanes among them, are all the same failure."""
        first = JobSettings.model_validate(self.inputs.jobs.get_dict()).same_failures
        engine = self.node.caller
        if self.campaign is not None and engine is not None and first is not None:
            trip(self.campaign, engine, first=first)

    def finish(self) -> None:
        """Hand over all rows."""
        for output in (names.LABELS, names.STEPS):
            parts = rows_read(self.node, output, reader=self.reader)
            if parts:
                self.out(output, extend_labels(**parts) if len(parts) > 1 else next(iter(parts.values())))


def lane_inputs_of(spec: Any) -> None:
    """Declare what engines that work in lanes, and their lanes, have in common."""
    spec.input("code", valid_type=orm.AbstractCode, help="The program.")
    plain_input(spec, "options", orm.Dict, default=default_options, help="The scheduler's; a stage may differ.")
    spec.input("references", valid_type=ReferencesData, required=False, help="To see what is hopeless.")
    job_settings_input(spec)


def default_options() -> orm.Dict:
    """One core for a day, as a node."""
    return orm.Dict(DEFAULT_OPTIONS)


def called_as(node: orm.ProcessNode, link: str) -> orm.ProcessNode | None:
    """The process that ``node`` has called under this name and that has begun.

    One that hasn't may never have been handed to the daemon: waiting for it could last for ever.
    """
    for called in node.base.links.get_outgoing(link_type=LinkType.CALL_WORK, link_label_filter=link).all_nodes():
        if isinstance(called, orm.ProcessNode) and called.process_state is not ProcessState.CREATED:
            return called
    return None


def rows_read(node: orm.ProcessNode, output: str, *, reader: names.ProcessName) -> dict[str, LabelsData]:
    """What ``node`` has read so far, one table a candidate; of rows that were read twice the first.

    Args:
        node: a lane or an engine.
        output: of the calcfunction that reads: ``labels`` or ``steps``.
        reader: that calcfunction.
    """
    query = orm.QueryBuilder()
    query.append(orm.WorkflowNode, filters={"id": node.pk}, tag="lane")
    query.append(orm.CalcFunctionNode, with_incoming="lane", filters=names.any_of(reader), tag="reading")
    query.append(
        LabelsData, with_incoming="reading", edge_filters={"label": output}, project=["*", "attributes.id_min"]
    )
    query.order_by({LabelsData: {"id": "asc"}})
    first: dict[str, LabelsData] = {}
    for table, name in query.all():
        first.setdefault(name, table)
    return {f"row_{index:05d}": first[name] for index, name in enumerate(sorted(first))}
