"""One lane of pw.x: aiida-quantumespresso's PwBaseWorkChain for each candidate."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from aiida import orm
from aiida.plugins import WorkflowFactory

from aiida_mlhull import names
from aiida_mlhull.calculations.espresso import (
    espresso_step_of,
    family_of,
    prepare_espresso,
    read_espresso,
    start_from_density,
)
from aiida_mlhull.calculations.ports import plain_input
from aiida_mlhull.engines.quantumespresso.charge_density import density_to_start_from, let_go
from aiida_mlhull.engines.quantumespresso.jobs import EspressoJobs
from aiida_mlhull.engines.quantumespresso.watch import ESPRESSO_MONITOR
from aiida_mlhull.engines.quantumespresso.words import load_family
from aiida_mlhull.job_pool.ended import account_of, outputs_of
from aiida_mlhull.job_pool.lane import Lane
from aiida_mlhull.job_pool.watch import cell_monitor
from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.errors import MissingPotentialError, listed
from aiida_mlhull.science.espresso.inputs import CALCULATION, spins_of
from aiida_mlhull.science.espresso.outcome import was_interrupted
from aiida_mlhull.science.espresso.settings import EspressoStep

RESULTS: Final = ("output_parameters", "output_structure", "output_trajectory", "output_band")
GO_ON_HANDLERS: Final = (
    "handle_relax_recoverable_ionic_convergence_error",
    "handle_relax_recoverable_ionic_convergence_bfgs_history_error",
    "handle_out_of_walltime",
)
"""Of PwBaseWorkChain: they take up a relaxation that stopped short. A step that needn't converge does without."""


class EspressoLane(Lane):
    """A share of a stage's candidates, one calculation at a time; the context is a lane's."""

    reader: ClassVar[names.ProcessName] = names.READ_ESPRESSO

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the pseudopotentials."""
        super().define(spec)
        pseudo_family_input(spec)

    def calculation(self, name: str, link: str) -> tuple[Any, dict[str, Any]]:
        """PwBaseWorkChain with explicit inputs: one calculation a stage.

        Raises:
            InputError: if a pseudopotential or a cutoff is missing.
        """
        step = espresso_step_of(self.inputs.stage)
        prepared = prepare_espresso(self.inputs.cells, self.inputs.stage, self.inputs.pseudo_family, orm.Str(name))
        structure = prepared["structure"]
        pseudos = self.pseudos(structure)
        before = density_to_start_from(
            self.inputs.cells, name, code=self.inputs.code, pseudos=pseudos, spins=spins_of(step)
        )
        parameters = prepared["parameters"]
        pw = {
            "code": self.inputs.code,
            "structure": structure,
            "parameters": parameters if before is None else start_from_density(parameters, before),
            "pseudos": pseudos,
            **({} if before is None else {"parent_folder": before}),
            "monitors": _monitors(step, structure),
            "metadata": {"options": self.options(step.options), "label": name},
            **({"settings": prepared["settings"]} if "settings" in prepared else {}),
            **({"parallelization": orm.Dict({"npool": step.pools})} if step.pools else {}),
        }
        return WorkflowFactory(names.PW_WORK_CHAIN.entry_point), {
            "pw": pw,
            "kpoints": prepared["kpoints"],
            "max_iterations": orm.Int(1 + step.restarts),
            "clean_workdir": orm.Bool(not (step.keep_files or step.keep_charge_density)),
            "handler_overrides": orm.Dict(_handlers(step)),
            "metadata": {"label": name, "call_link_label": link},
        }

    def let_go(self, name: str) -> None:
        """Remove the charge density that the stage before has left."""
        let_go(self.inputs.cells, name)

    def pseudos(self, structure: orm.StructureData) -> dict[str, Any]:
        """The nodes of a crystal's pseudopotentials.

        Raises:
            MissingPotentialError: if the family lacks some, or holds others than when the campaign began.
        """
        known = family_of(self.inputs.pseudo_family)
        wanted = known.of(structure.get_symbols_set())
        nodes = {node.element: node for node in load_family(known.label).nodes}
        changed = sorted(
            element for element, pseudo in wanted.items() if element not in nodes or nodes[element].md5 != pseudo.md5
        )
        if changed:
            raise MissingPotentialError(
                f"the family {known.label!r} has changed since the campaign began: {listed(changed)}"
            )
        return {kind.name: nodes[kind.symbol] for kind in structure.kinds}

    @classmethod
    def row(cls, inputs: Any, name: str, account: Account, outputs: dict[str, Any]) -> dict[str, Any]:
        """The calcfunction that makes a candidate's row."""
        ended = orm.Dict(account.model_dump(mode="json"))
        row: dict[str, Any] = read_espresso(
            inputs.cells, inputs.stage, inputs.pseudo_family, orm.Str(name), ended, **outputs
        )
        return row

    def was_lost(self, chain: orm.ProcessNode) -> bool:
        """Also if pw.x was killed, of which PwBaseWorkChain makes a failure that it can't handle."""
        return super().was_lost(chain) or was_interrupted(self.account(chain))

    def account(self, chain: orm.ProcessNode) -> Account:
        """How a calculation ended."""
        return account_of(chain, EspressoJobs())

    def results(self, chain: orm.ProcessNode) -> dict[str, Any]:
        """What a calculation gave."""
        return outputs_of(chain, RESULTS)


def pseudo_family_input(spec: Any) -> None:
    """Declare what is known of the pseudopotentials."""
    plain_input(spec, "pseudo_family", orm.Dict, help="PseudoFamily: label, checksums, cutoffs of every element.")


def _monitors(step: EspressoStep, structure: orm.StructureData) -> dict[str, orm.Dict]:
    if CALCULATION[step.freedom] != "vc-relax":
        return {}
    return {"cell": orm.Dict(cell_monitor(ESPRESSO_MONITOR, structure.cell, step.limits, every=step.look_every))}


def _handlers(step: EspressoStep) -> dict[str, dict[str, bool]]:
    return {} if step.must_converge else {handler: {"enabled": False} for handler in GO_ON_HANDLERS}
