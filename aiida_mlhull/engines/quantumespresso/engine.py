"""Quantum ESPRESSO relaxes the chosen crystals: PwBaseWorkChain for each, a few lanes of them side by side.

One calculation a stage: ``PwRelaxWorkChain`` around it would repeat a relaxation until the volume stays (its
meta-convergence), which is what the chain of stages does, and add a level to the processes that wait for one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel

from aiida_mlhull import names
from aiida_mlhull.calculations.espresso import family_of
from aiida_mlhull.engines.lanes import LaneEngine, elements_in
from aiida_mlhull.engines.quantumespresso.lane import EspressoLane, pseudo_family_input
from aiida_mlhull.engines.quantumespresso.words import load_espresso_inputs
from aiida_mlhull.engines.quantumespresso.written import pw_input
from aiida_mlhull.job_pool.lane import Lane
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.errors import MissingPotentialError, SettingsError, listed
from aiida_mlhull.science.espresso.inputs import cutoffs, scheme
from aiida_mlhull.science.espresso.settings import EspressoSettings, read_step
from aiida_mlhull.science.tables.shown import plainly, sections
from aiida_mlhull.science.types import Candidates


class EspressoEngine(LaneEngine):
    """One calculation for each candidate, as many at once as ``max_in_flight`` says; whatever becomes of it is a row."""

    Settings: ClassVar[type[BaseModel]] = EspressoSettings
    lane_class: ClassVar[type[Lane]] = EspressoLane
    read_step = staticmethod(read_step)
    handed_on: ClassVar[tuple[str, ...]] = (*LaneEngine.handed_on, "pseudo_family")

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the pseudopotentials."""
        super().define(spec)
        pseudo_family_input(spec)

    @classmethod
    def scheme(cls, stage: StageSettings, inputs: Mapping[str, Any]) -> str:
        """Code, functional, pseudopotentials, cutoffs, k-points, smearing."""
        return scheme(cls.asked(stage), family_of(inputs["pseudo_family"]))

    @classmethod
    def load_inputs(cls, words: Mapping[str, Any]) -> dict[str, Any]:
        """Code, family of pseudopotentials and options, as a campaign file names them."""
        return load_espresso_inputs(words)

    @classmethod
    def shown(cls, stage: StageSettings, inputs: Mapping[str, Any], row: Candidates) -> str:
        """The input of pw.x as aiida-quantumespresso writes it, and the scheduler's options."""
        step = cls.asked(stage)
        options = {**inputs["options"].get_dict(), **step.options}
        return sections({"input of pw.x": pw_input(row, step, inputs["pseudo_family"]), "options": plainly(options)})

    @classmethod
    def check(
        cls, inputs: Mapping[str, Any], candidates: Sequence[Candidates], stages: Sequence[StageSettings]
    ) -> None:
        """Refuse a family that lacks elements, recommends no cutoffs where none are given, or mixes functionals.

        Raises:
            MissingPotentialError: naming the elements.
            SettingsError: if no cutoffs are known, the pseudopotentials don't fit together, or code or options can't
                work.
        """
        options = {stage.name: cls.asked(stage).options for stage in stages}
        cls.check_calculation(inputs, options, plugin=names.PW_CALCULATION.entry_point)
        family = family_of(inputs["pseudo_family"])
        elements = elements_in(candidates)
        missing = family.missing(elements)
        if missing:
            raise MissingPotentialError(
                f"the family of pseudopotentials {family.label!r} lacks {listed(missing)}; take one that has them, or "
                f"make one of your own files with 'aiida-pseudo install family FOLDER NAME -P pseudo.upf'"
            )
        pseudos = family.of(elements)
        functionals = sorted({pseudo.functional for pseudo in pseudos.values()})
        if len(functionals) > 1 and any(cls.asked(stage).functional is None for stage in stages):
            raise SettingsError(
                f"the pseudopotentials of {family.label!r} for {listed(elements)} were made for different functionals: "
                f"{listed(functionals)}; say 'functional' in the stages' settings, or take another family"
            )
        for stage in stages:
            cutoffs(elements, cls.asked(stage), family)
