"""INCAR, k-point mesh, potentials and order of sites for one crystal, from pymatgen's input sets.

The sets know the Materials Project's magnetic moments, U values and potentials, and how they depend on the
crystal. What a step says instead is laid over them here, so that U and moments of single elements may change
without the others being lost.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aiida_mlhull.science.dft.orientation import plane_in_xy
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.vasp.settings import FREEDOM_TAGS, Kpoints, VaspStep

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.io.vasp.sets import VaspInputSet

ORBITALS: Final = {"p": 1, "d": 2, "f": 3}
TETRAHEDRA: Final = -5
FEWEST_FOR_TETRAHEDRA: Final = 4

STEPS: Final = 99
CONJUGATE_GRADIENTS: Final = 2

PER_ATOM: Final = "ediff_per_atom"
"""A setting of pymatgen's that becomes EDIFF; no tag of VASP."""

Mesh = tuple[int, int, int]
Shift = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class VaspInputs:
    """What VASP is given, but for the contents of the potentials.

    Attributes:
        structure: sites of one element together, as POTCAR and the lists in INCAR want it.
        order: (N,) site i of ``structure`` is site ``order[i]`` of the crystal that was asked about.
        incar: tags in lower case; plain numbers, words, booleans and lists.
        mesh: k-points along the reciprocal axes.
        shift: of the mesh from Γ, in units of its spacing.
        potentials: element to name of its POTCAR, in the order of POSCAR.
    """

    structure: Structure
    order: Integers
    incar: dict[str, Any]
    mesh: Mesh
    shift: Shift
    potentials: dict[str, str]


def vasp_inputs(structure: Structure, step: VaspStep) -> VaspInputs:
    """The inputs of one calculation.

    Args:
        structure: ordered, sites in any order.
        step: what to calculate.
    """
    sorted_structure, order = arranged(structure)
    with warnings.catch_warnings():
        # Of likely metals with tetrahedra and the like, for each of thousands of candidates: the protocols' choice.
        warnings.simplefilter("ignore")
        made = _input_set(sorted_structure, step)
        incar = _spelled({str(tag).lower(): _python_value(value) for tag, value in made.incar.items()}, step)
        mesh, shift = _mesh(made, step)
    _set_freedom(incar, step)
    if step.freedom == "normal":
        sorted_structure = plane_in_xy(sorted_structure)
    symbols = [site.specie.symbol for site in sorted_structure]
    elements = list(dict.fromkeys(symbols))
    _set_moments(incar, symbols, step)
    _set_hubbard(incar, elements, step)
    incar |= {key: value for key, value in step.parallel.model_dump().items() if value is not None}
    incar.pop("kspacing", None)  # said by the mesh
    if step.keep_wavefunctions:
        incar["lwave"] = True
    if incar.get("ismear") == TETRAHEDRA and np.prod(mesh) < FEWEST_FOR_TETRAHEDRA:
        incar["ismear"] = 0
    names = potential_names(elements, step)
    return VaspInputs(sorted_structure, order, incar, mesh, shift, {element: names[element] for element in elements})


def potential_names(elements: Iterable[str], step: VaspStep) -> dict[str, str]:
    """Element to the name of its POTCAR; an element that the input set doesn't know is called like itself."""
    from pymatgen.io.vasp import sets  # noqa: PLC0415  (slow import)

    config = getattr(sets, step.input_set).CONFIG
    known = dict(config["POTCAR"])
    if config.get("POTCAR_FUNCTIONAL") == "PBE_54":
        known["W"] = "W_sv"  # there is no W_pv in that release; pymatgen's sets change it, too
    known |= {symbol: own.potential for symbol, own in step.elements.items() if own.potential}
    return {element: str(known.get(element, element)) for element in elements}


def arranged(structure: Structure) -> tuple[Structure, Integers]:
    """The structure with the order of sites that pymatgen's sets use (by electronegativity), and that order."""
    marked = structure.copy(site_properties={"place": list(range(len(structure)))})
    ordered = marked.get_sorted_structure()
    order = np.asarray(ordered.site_properties["place"], dtype=np.int64)
    ordered.remove_site_property("place")
    return ordered, order


def _set_freedom(incar: dict[str, Any], step: VaspStep) -> None:
    """Tags of what may change; a step that was static so far gets steps to move in."""
    if step.freedom is None:
        return
    if step.freedom != "static" and not incar.get("nsw"):
        incar |= {"nsw": STEPS, "ibrion": CONJUGATE_GRADIENTS}
    incar |= FREEDOM_TAGS[step.freedom]


def _input_set(structure: Structure, step: VaspStep) -> VaspInputSet:
    from pymatgen.io.vasp import sets  # noqa: PLC0415  (slow import)

    tags = {tag.upper(): value for tag, value in step.incar.items()}
    made: VaspInputSet = getattr(sets, step.input_set)(structure, user_incar_settings=tags)
    return made


def _mesh(made: VaspInputSet, step: VaspStep) -> tuple[Mesh, Shift]:
    from pymatgen.io.vasp.inputs import Kpoints as Generated  # noqa: PLC0415  (slow import)

    assert made.structure is not None
    wish = step.kpoints
    if wish is not None and wish.reciprocal_density is not None:
        found = Generated.automatic_density_by_vol(made.structure, wish.reciprocal_density)
    elif wish is not None or made.kpoints is None:
        spacing = _spacing(wish, made)
        lengths = np.linalg.norm(made.structure.lattice.reciprocal_lattice.matrix, axis=1)
        first, second, third = (max(1, int(np.ceil(length / spacing - 1e-9))) for length in lengths)
        return (first, second, third), (0.0, 0.0, 0.0)
    else:
        found = made.kpoints
    first, second, third = (int(number) for number in found.kpts[0])
    mesh = (first, second, third)
    if found.style == Generated.supported_modes.Monkhorst:
        # Monkhorst and Pack's mesh with an even number of points leaves Γ out by half a step.
        a, b, c = (0.5 if number % 2 == 0 else 0.0 for number in mesh)
        return mesh, (a, b, c)
    return mesh, (0.0, 0.0, 0.0)


def _spacing(wish: Kpoints | None, made: VaspInputSet) -> float:
    if wish is not None and wish.spacing is not None:
        return wish.spacing
    return float(made.incar["KSPACING"])


def _spelled(incar: dict[str, Any], step: VaspStep) -> dict[str, Any]:
    """The tags as the step spells them: pymatgen makes ``Pe`` and ``R2scan`` of functionals, which VASP may not know."""
    said = {tag: value for tag, value in step.incar.items() if value is not None and tag != PER_ATOM}
    return {tag: value for tag, value in {**incar, **said}.items() if tag != PER_ATOM}


def _set_moments(incar: dict[str, Any], symbols: list[str], step: VaspStep) -> None:
    said = {symbol: own.magmom for symbol, own in step.elements.items() if own.magmom is not None}
    if said.keys() & set(symbols) and "magmom" in incar:
        incar["magmom"] = [said.get(symbol, moment) for symbol, moment in zip(symbols, incar["magmom"], strict=True)]


def _set_hubbard(incar: dict[str, Any], elements: list[str], step: VaspStep) -> None:
    """Lay U values of single elements over those of the input set; without any U left, +U is off."""
    said = {symbol: own for symbol, own in step.elements.items() if own.u is not None and symbol in elements}
    if not said:
        return
    before = {
        key: dict(zip(elements, incar.get(key) or [0] * len(elements), strict=True)) for key in ("ldauu", "ldaul")
    }
    values = {element: float(before["ldauu"][element]) for element in elements}
    orbitals = {element: int(before["ldaul"][element]) for element in elements}
    for element, own in said.items():
        assert own.u is not None
        values[element], orbitals[element] = own.u, ORBITALS[own.orbital]
    for key in [key for key in incar if key.startswith("ldau")]:
        del incar[key]
    if any(values.values()):
        incar |= {
            "ldau": True,
            "ldautype": 2,
            "ldauu": [values[element] for element in elements],
            "ldauj": [0.0 for _ in elements],
            "ldaul": [orbitals[element] if values[element] else -1 for element in elements],
        }


def _python_value(value: Any) -> Any:
    """Numbers and lists of Python itself (pymatgen's are its own or numpy's), without noise in the last digits."""
    if isinstance(value, list | tuple):
        return [_python_value(item) for item in value]
    plain = value.item() if isinstance(value, np.generic) else value
    return float(f"{plain:.12g}") if isinstance(plain, float) else plain
