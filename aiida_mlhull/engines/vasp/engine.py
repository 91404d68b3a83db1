"""VASP relaxes the chosen crystals: aiida-vasp's WorkChain for each, a few lanes of them side by side.

The WorkChain is ``vasp.vasp`` with an explicit INCAR: one calculation a stage. ``vasp.relax`` around it would add a
static calculation to every relaxation of a cell, and a level to the processes that wait for one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from aiida_mlhull import names
from aiida_mlhull.engines.lanes import LaneEngine
from aiida_mlhull.engines.vasp.jobs import is_standin
from aiida_mlhull.engines.vasp.lane import VaspLane, potential_family_input
from aiida_mlhull.engines.vasp.words import load_inputs, missing_potentials
from aiida_mlhull.job_pool.lane import Lane
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.ensembles.rows import crystals_of
from aiida_mlhull.science.errors import MissingPotentialError, listed
from aiida_mlhull.science.not_vasp import NOT_VASP
from aiida_mlhull.science.tables.shown import plainly, sections
from aiida_mlhull.science.types import Candidates
from aiida_mlhull.science.vasp.inputs import vasp_inputs
from aiida_mlhull.science.vasp.settings import VaspSettings, read_step
from aiida_mlhull.science.vasp.written import written


class VaspEngine(LaneEngine):
    """One calculation a candidate, as many at once as ``max_in_flight`` says; whatever becomes of it is a row."""

    Settings: ClassVar[type[BaseModel]] = VaspSettings
    lane_class: ClassVar[type[Lane]] = VaspLane
    read_step = staticmethod(read_step)
    handed_on: ClassVar[tuple[str, ...]] = (*LaneEngine.handed_on, "potential_family")

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the potentials."""
        super().define(spec)
        potential_family_input(spec)

    @classmethod
    def scheme(cls, stage: StageSettings, inputs: Mapping[str, Any]) -> str:  # noqa: ARG003  (others depend on them)
        """The protocol's, with the corrections that the stage asks for."""
        return str(cls.asked(stage).full_scheme)

    @classmethod
    def load_inputs(cls, words: Mapping[str, Any]) -> dict[str, Any]:
        """Code, family of potentials and options, as a campaign file gives them."""
        return load_inputs(words)

    @classmethod
    def shown(cls, stage: StageSettings, inputs: Mapping[str, Any], row: Candidates) -> str:
        """INCAR, KPOINTS, names of the potentials, POSCAR, and the scheduler's options."""
        step = cls.asked(stage)
        made = vasp_inputs(crystals_of(row).structure(0), step)
        options = {**inputs["options"].get_dict(), **step.options}
        files = {**written(made), "potential family": inputs["potential_family"].value}
        return sections({**files, "options": plainly(options)})

    @classmethod
    def check(
        cls, inputs: Mapping[str, Any], candidates: Sequence[Candidates], stages: Sequence[StageSettings]
    ) -> None:
        """Refuse a code or options that can't work, and a family that lacks potentials.

        Raises:
            SettingsError: naming the options.
            MissingPotentialError: naming the potentials.
        """
        options = {stage.name: cls.asked(stage).options for stage in stages}
        cls.check_calculation(inputs, options, plugin=names.VASP_CALCULATION.entry_point)
        missing = missing_potentials(
            inputs["potential_family"].value, candidates, [cls.asked(stage) for stage in stages]
        )
        if missing:
            raise MissingPotentialError(
                f"the potential family {inputs['potential_family'].value!r} lacks {listed(missing)}; upload them with "
                f"'aiida-vasp potcar uploadfamily', or name others in the stage's settings (elements: potential)"
            )

    def share_out(self) -> None:
        """Give every lane about as much work; if this is a rehearsal, say so."""
        if is_standin(self.inputs.code):
            self.report(f"stage {self.stage.name} is a rehearsal: {self.inputs.code.full_label} is {NOT_VASP}")
        super().share_out()
