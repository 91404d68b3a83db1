"""Input variables of pw.x and k-points for one crystal, from what a step says and what the pseudopotentials recommend."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from aiida_mlhull.science.dft.orientation import plane_in_xy
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.espresso.pseudos import PseudoFamily
from aiida_mlhull.science.espresso.settings import EspressoStep
from aiida_mlhull.science.schemes.scheme import NO_U, UNCORRECTED, Scheme, functional_named
from aiida_mlhull.science.types.crystals import Floats

if TYPE_CHECKING:
    from pymatgen.core import Structure

CALCULATION: Final = {
    "full": "vc-relax",
    "cell": "vc-relax",
    "normal": "vc-relax",
    "positions": "relax",
    "static": "scf",
}
FALLBACK_MOMENT: Final = 0.6
"""Bohr magnetons, of elements that the Materials Project's table doesn't name; its own value for them."""

VACUUM: Final = 8.0
"""Å without an atom along an axis, from which on bands have no dispersion there: a box around a molecule, a slab."""

MOLECULE: Final = {"smearing": "gauss", "degauss": 0.002}
"""Of a molecule in a box: its levels are discrete, and a smearing meant for metals empties some that are full. Narrow, so
that no moment is lost; with whole occupations the energy is that of any smearing whose Fermi level is right."""

_DIGITS: Final = 5
_EQUAL: Final = 1e-5
_RATIO: Final = 4.0
"""Of the two cutoffs for norm-conserving pseudopotentials: a density has twice the wavevectors of its orbitals."""


@dataclass(frozen=True)
class Hubbard:
    """A +U term: element, shell (``3d``) and U (eV)."""

    element: str
    manifold: str
    u: float


@dataclass(frozen=True, eq=False)
class EspressoInputs:
    """What pw.x is given, but for the pseudopotentials' contents.

    Attributes:
        structure: the crystal; turned where its plane has to lie in x and y.
        parameters: input variables by namelist.
        mesh: k-points along the reciprocal axes, centered at Γ.
        fixed_positions: whether fractional positions stay as they are.
        hubbard: +U terms of elements in the crystal.
    """

    structure: Structure
    parameters: dict[str, dict[str, Any]]
    mesh: tuple[int, int, int]
    fixed_positions: bool
    hubbard: tuple[Hubbard, ...]


def espresso_inputs(structure: Structure, step: EspressoStep, family: PseudoFamily) -> EspressoInputs:
    """The inputs of one calculation.

    Args:
        structure: ordered, sites in any order.
        step: what to calculate.
        family: of pseudopotentials.

    Raises:
        MissingPotentialError: if the family lacks an element.
        SettingsError: if neither step nor family knows a cutoff.
    """
    elements = list(dict.fromkeys(site.specie.symbol for site in structure))
    ecutwfc, ecutrho = cutoffs(elements, step, family)
    n_sites = len(structure)
    own: dict[str, dict[str, Any]] = {
        "CONTROL": {
            "calculation": CALCULATION[step.freedom],
            "tprnfor": True,
            "tstress": True,
            "disk_io": "low",
            "etot_conv_thr": _rounded(step.etot_conv_thr_per_atom * n_sites),
        },
        "SYSTEM": {"ecutwfc": ecutwfc, "ecutrho": ecutrho},
        "ELECTRONS": {"conv_thr": _rounded(step.conv_thr_per_atom * n_sites)},
    }
    if step.freedom != "static":
        own["CONTROL"]["nstep"] = step.max_steps
    if step.freedom == "normal":
        structure = plane_in_xy(structure)
        own["CELL"] = {"cell_dofree": "z"}
    if step.functional is not None:
        own["SYSTEM"]["input_dft"] = step.functional
    if spins_of(step) > 1:
        own["SYSTEM"] |= {
            "nspin": spins_of(step),
            "starting_magnetization": starting_magnetization(elements, step, family),
        }
    crossed = vacuum(structure)
    if crossed.all() and step.parameters.get("SYSTEM", {}).get("occupations") == "smearing":
        own["SYSTEM"] |= MOLECULE
    parameters = {
        namelist: {**dict(step.parameters.get(namelist, {})), **own.get(namelist, {})}  # type: ignore[call-overload]
        for namelist in _namelists(step)
    }
    return EspressoInputs(
        structure=structure,
        parameters=parameters,
        mesh=_one_where(crossed, mesh(np.asarray(structure.lattice.matrix), distance=step.kpoints_distance)),
        fixed_positions=step.freedom == "cell",
        hubbard=tuple(
            Hubbard(element, own_of.manifold, own_of.u)
            for element in elements
            if (own_of := step.elements.get(element)) is not None and own_of.u is not None and own_of.manifold
        ),
    )


def spins_of(step: EspressoStep) -> int:
    """pw.x's ``nspin``."""
    return 2 if step.spin == "collinear" else 1


def cutoffs(elements: Iterable[str], step: EspressoStep, family: PseudoFamily) -> tuple[float, float]:
    """Cutoffs of wavefunctions and density, Ry: the step's, else those that the family recommends.

    A step that says ``ecutwfc`` alone keeps the family's ratio of both; 4 where it recommends none.

    Raises:
        MissingPotentialError: if the family lacks an element.
        SettingsError: if neither step nor family knows a cutoff.
    """
    wanted = list(elements)
    if step.ecutwfc is not None and step.ecutrho is not None:
        family.of(wanted)
        return step.ecutwfc, step.ecutrho
    recommends = all(pseudo.cutoffs for pseudo in family.of(wanted).values())
    if step.ecutwfc is not None and not recommends:
        return step.ecutwfc, _RATIO * step.ecutwfc
    wfc, rho = family.cutoffs(wanted, stringency=step.stringency)
    ecutwfc = step.ecutwfc or wfc
    return ecutwfc, step.ecutrho or rho * ecutwfc / wfc


def mesh(lattice: Floats, *, distance: float) -> tuple[int, int, int]:
    """K-points along the reciprocal axes, as aiida-quantumespresso counts them.

    Args:
        lattice: (3, 3) Å, vectors in rows.
        distance: Å⁻¹, between points at most, with the factor 2π in it.

    Returns:
        At least one along each axis; the same along all of them where the lattice vectors are of one length.
    """
    reciprocal = 2 * math.pi * np.linalg.norm(np.linalg.inv(lattice).T, axis=1)
    first, second, third = (max(1, math.ceil(round(float(length) / distance, _DIGITS))) for length in reciprocal)
    lengths = np.linalg.norm(lattice, axis=1)
    if np.all(np.abs(lengths - lengths[0]) < _EQUAL):
        first = second = third = max(first, second, third)
    return first, second, third


def vacuum(structure: Structure) -> npt.NDArray[np.bool_]:
    """(3,) whether an axis crosses a vacuum; a molecule in a box has it along all of them."""
    heights = 1 / np.linalg.norm(np.linalg.inv(structure.lattice.matrix), axis=0)
    places = np.sort(structure.frac_coords % 1, axis=0)
    gaps = np.diff(places, axis=0, append=places[:1] + 1).max(axis=0) * heights
    return np.asarray(gaps > VACUUM)


def _one_where(crossed: npt.NDArray[np.bool_], points: tuple[int, int, int]) -> tuple[int, int, int]:
    """A single k-point along axes that cross a vacuum."""
    first, second, third = np.where(crossed, 1, points).tolist()
    return first, second, third


def starting_magnetization(elements: Sequence[str], step: EspressoStep, family: PseudoFamily) -> dict[str, float]:
    """Element to the share of its valence electrons that begins polarized, from -1 to 1.

    Moments are the step's, else those that the Materials Project begins with.

    Raises:
        InputError: if a moment is larger than the number of electrons.
    """
    from pymatgen.io.vasp.sets import MPRelaxSet  # noqa: PLC0415  (slow import)

    usual = MPRelaxSet.CONFIG["INCAR"]["MAGMOM"]
    shares = {}
    for element, pseudo in family.of(elements).items():
        own = step.elements.get(element)
        wanted = None if own is None else own.magmom
        if wanted is not None and abs(wanted) > pseudo.valence:
            raise InputError(
                f"a moment of {wanted} Bohr magnetons for {element} is more than its {pseudo.valence:g} valence "
                f"electrons in {family.label!r} can have"
            )
        moment = float(usual.get(element, FALLBACK_MOMENT)) if wanted is None else wanted
        shares[element] = _rounded(max(-1.0, min(1.0, moment / pseudo.valence)))
    return shares


def scheme(step: EspressoStep, family: PseudoFamily) -> str:
    """Functional, U, code, pseudopotentials and whatever else decides whether energies may meet in one hull."""
    functional = step.functional or family.functional
    terms = {element: own for element, own in sorted(step.elements.items()) if own.u is not None}
    system = step.parameters.get("SYSTEM", {})
    broadening = " ".join(str(system[key]) for key in ("occupations", "smearing", "degauss") if key in system)
    settings = [
        f"Quantum ESPRESSO with {family.label} [{family.digest}]",
        *([f"U on {' '.join(f'{element}-{own.manifold}' for element, own in terms.items())}"] if terms else []),
        _plane_waves(step, family),
        f"k-points {step.kpoints_distance:g} 1/Å",
        broadening,
        "spin-polarized" if step.spin == "collinear" else "without spin",
    ]
    known = functional_named(functional)
    return Scheme(
        functional=functional if known is None else known.name,
        hubbard=" ".join(f"{element} {own.u:g}" for element, own in terms.items()) or NO_U,
        settings=", ".join(part for part in settings if part),
        corrections=UNCORRECTED,
    ).text


def _plane_waves(step: EspressoStep, family: PseudoFamily) -> str:
    if step.ecutwfc is None:
        wfc = f"cutoffs of the family ({step.stringency or family.stringency})"
    else:
        wfc = f"{step.ecutwfc:g} Ry"
    return wfc if step.ecutrho is None else f"{wfc} (density {step.ecutrho:g} Ry)"


def _namelists(step: EspressoStep) -> list[str]:
    moves = {"vc-relax": ["IONS", "CELL"], "relax": ["IONS"], "scf": []}
    return ["CONTROL", "SYSTEM", "ELECTRONS", *moves[CALCULATION[step.freedom]]]


def _rounded(value: float) -> float:
    """Without noise in the last digits."""
    return float(f"{value:.10g}")
