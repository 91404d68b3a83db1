"""One lane of VASP: aiida-vasp's WorkChain for each candidate."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from aiida import orm
from aiida.plugins import WorkflowFactory

from aiida_mlhull import names
from aiida_mlhull.calculations.vasp import prepare_vasp, read_vasp, step_of
from aiida_mlhull.engines.vasp.jobs import VaspJobs
from aiida_mlhull.engines.vasp.watch import CELL_MONITOR
from aiida_mlhull.engines.vasp.wavefunctions import folder_to_start_from, let_go
from aiida_mlhull.job_pool.ended import account_of, outputs_of
from aiida_mlhull.job_pool.lane import Lane
from aiida_mlhull.job_pool.watch import cell_monitor
from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.vasp.settings import VaspStep

RESULTS: Final = ("misc", "structure", "trajectory")
MONITOR: Final = "vasp.stdout"
"""Stops a calculation whose screen output grows beyond bounds. aiida-vasp's other monitor, of the loop time,
looks for a file of another name than VASP's, and is left out."""


class VaspLane(Lane):
    """A share of a stage's candidates, one calculation at a time."""

    reader: ClassVar[names.ProcessName] = names.READ_VASP

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the potentials."""
        super().define(spec)
        potential_family_input(spec)

    def calculation(self, name: str, link: str) -> tuple[Any, dict[str, Any]]:
        """aiida-vasp's WorkChain with an explicit INCAR: one calculation a stage."""
        step = step_of(self.inputs.stage)
        prepared = prepare_vasp(self.inputs.cells, self.inputs.stage, orm.Str(name))
        before = folder_to_start_from(self.inputs.cells, name, code=self.inputs.code, inputs=prepared)
        return WorkflowFactory(names.VASP_WORK_CHAIN.entry_point), {
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
            "calc": {"metadata": {"options": self.options(step.options)}},
            "metadata": {"label": name, "call_link_label": link},
        }

    @classmethod
    def row(cls, inputs: Any, name: str, account: Account, outputs: dict[str, Any]) -> dict[str, Any]:
        """The calcfunction that makes a candidate's row."""
        ended = orm.Dict(account.model_dump(mode="json"))
        row: dict[str, Any] = read_vasp(inputs.cells, inputs.stage, orm.Str(name), ended, **outputs)
        return row

    def account(self, chain: orm.ProcessNode) -> Account:
        """How a calculation ended."""
        return account_of(chain, VaspJobs())

    def results(self, chain: orm.ProcessNode) -> dict[str, Any]:
        """What a calculation gave, and what it ran with after whatever aiida-vasp's handlers have changed."""
        return outputs_of(chain, RESULTS, inputs=("parameters",))

    def let_go(self, name: str) -> None:
        """Remove the wavefunctions that the stage before has left."""
        let_go(self.inputs.cells, name)


def potential_family_input(spec: Any) -> None:
    """Declare the potentials."""
    spec.input("potential_family", valid_type=orm.Str, help="Family of potentials, as aiida-vasp calls it.")


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
        told["cell"] = cell_monitor(CELL_MONITOR, structure.cell, step.limits, every=step.look_every)
    return {key: orm.Dict(words) for key, words in told.items()}
