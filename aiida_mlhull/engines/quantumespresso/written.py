"""The input of pw.x as it will lie in a calculation's folder, for people to read before anything runs."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.plugins import CalculationFactory

from aiida_mlhull import names
from aiida_mlhull.calculations.espresso import family_of, input_nodes
from aiida_mlhull.engines.quantumespresso.words import load_family
from aiida_mlhull.science.espresso.settings import EspressoStep
from aiida_mlhull.science.types import Candidates


def pw_input(row: Candidates, step: EspressoStep, family: orm.Dict) -> str:
    """What aiida-quantumespresso writes for a candidate.

    Args:
        row: the candidate, a table of one row.
        step: what to calculate.
        family: PseudoFamily.
    """
    known = family_of(family)
    made = input_nodes(row, step, known)
    pseudos = {node.element: node for node in load_family(known.label).nodes}
    plugin: Any = CalculationFactory(names.PW_CALCULATION.entry_point)
    content, _ = plugin._generate_pwcp_inputdata(  # noqa: SLF001  (it has no public name)
        made["parameters"],
        {key.upper(): value for key, value in made["settings"].get_dict().items()} if "settings" in made else {},
        {kind.name: pseudos[kind.symbol] for kind in made["structure"].kinds},
        made["structure"],
        made["kpoints"],
    )
    return str(content).rstrip()
