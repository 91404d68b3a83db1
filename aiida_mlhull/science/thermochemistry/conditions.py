"""Temperature and atmosphere of a reaction, and the references as they are under them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.representations.composition import SYMBOLS, reduce_formula
from aiida_mlhull.science.thermochemistry.corrections import SCHEMES, corrected
from aiida_mlhull.science.thermochemistry.gases import BOLTZMANN, COLDEST, GASES, gas_energy
from aiida_mlhull.science.thermochemistry.solids import element_energies, gibbs_solids, tabulated
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.strict import Strict, validated

ROOM_TEMPERATURE: Final = 298.15
TRACE: Final = 1e-6
"""bar; gases that an atmosphere doesn't bring with it are swept away to this pressure."""
HIGH_VACUUM: Final = 1e-9
"""bar (10⁻⁴ Pa)."""

ATMOSPHERES: Final[Mapping[str, Mapping[str, float]]] = {
    "air": {"O2": 0.2095, "N2": 0.7808, "CO2": 4.2e-4, "H2O": 0.01},
    "O2": {"O2": 1.0},
    "N2": {"N2": 1.0},
    "Ar": {},
    "vacuum": {},
}
"""Name to partial pressures in bar. ``air`` is moist (1 % water, about 30 % humidity at 298 K)."""

RESERVOIRS: Final[Mapping[str, tuple[str, ...]]] = {"air": ("O2",), "O2": ("O2",), "N2": ("N2",)}
"""Gases that an atmosphere supplies without end; the others of ``air`` only leave, at their partial pressure."""

GAS: Final = "gas:"
"""Gases among the references have ids such as ``gas:CO2``."""


class Conditions(Strict):
    """Where a reaction takes place.

    Attributes:
        temperature: K; 0 stands for the references as they are, without any gas.
        atmosphere: ``closed``, a name of :data:`ATMOSPHERES`, or partial pressures in bar by gas.
        reservoirs: gases that are supplied without end, so that their elements have a chemical potential
            instead of being conserved; those of the named atmosphere where nothing is said.
        solids: ``0K``: energies of the references; ``sisso``: G(T) where a volume is known.
        corrections: a declared scheme, see :data:`SCHEMES`.
    """

    temperature: float = Field(default=0.0, ge=0.0, le=2000.0)
    atmosphere: str | dict[str, float] = "closed"
    reservoirs: tuple[str, ...] | None = None
    solids: Literal["0K", "sisso"] = "0K"
    corrections: str = "none"

    @field_validator("corrections")
    @classmethod
    def _known_scheme(cls, name: str) -> str:
        if name not in SCHEMES:
            raise ValueError(f"unknown scheme of corrections {name!r}; known: {', '.join(SCHEMES)}")
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Conditions:
        if isinstance(self.atmosphere, str) and self.atmosphere not in {"closed", *ATMOSPHERES}:
            raise ValueError(f"unknown atmosphere {self.atmosphere!r}; known: closed, {', '.join(ATMOSPHERES)}")
        gases = {*(self.reservoirs or ()), *(() if isinstance(self.atmosphere, str) else self.atmosphere)}
        if gases - set(GASES):
            raise ValueError(f"no Shomate constants for {listed(sorted(gases - set(GASES)))}; known: {listed(GASES)}")
        if not isinstance(self.atmosphere, str) and any(not p > 0 for p in self.atmosphere.values()):
            raise ValueError("partial pressures must be positive, in bar")
        if set(self.reservoirs or ()) - set(self.brought):
            raise ValueError(f"reservoirs must be gases that the atmosphere brings: {listed(self.brought) or 'none'}")
        if (self.atmosphere != "closed" or self.solids == "sisso") and self.temperature < COLDEST:
            raise ValueError(f"an atmosphere, and G(T) of solids, need a temperature of {COLDEST:g} K or more")
        return self

    @property
    def brought(self) -> Mapping[str, float]:
        """Gases that the atmosphere brings with it, partial pressures in bar."""
        return ATMOSPHERES.get(self.atmosphere, {}) if isinstance(self.atmosphere, str) else self.atmosphere

    @property
    def pressures(self) -> dict[str, float]:
        """Partial pressure of every known gas in bar; empty where there is no gas."""
        if self.atmosphere == "closed":
            return {}
        rest = HIGH_VACUUM if self.atmosphere == "vacuum" else TRACE
        return {gas: self.brought.get(gas, rest) for gas in GASES}

    @property
    def supplied(self) -> tuple[str, ...]:
        """Gases that are supplied without end."""
        if self.reservoirs is not None:
            return self.reservoirs
        return RESERVOIRS.get(self.atmosphere, ()) if isinstance(self.atmosphere, str) else tuple(self.atmosphere)

    def describe(self) -> str:
        """The conditions in words."""
        if self.atmosphere == "closed" and self.solids == "0K":
            words = "closed system, energies at 0 K"
        else:
            name = self.atmosphere if isinstance(self.atmosphere, str) else "a mixture of gases"
            words = f"{name} at {self.temperature:g} K, solids at {'0 K' if self.solids == '0K' else 'G(T)'}"
        return words if self.corrections == "none" else f"{words}, corrections {self.corrections}"


def conditions(values: Mapping[str, Any]) -> Conditions:
    """Checked conditions.

    Raises:
        SettingsError: naming what is wrong.
    """
    return validated(Conditions, values, what="conditions")


@dataclass(frozen=True, eq=False)
class Applied:
    """References under conditions.

    Attributes:
        references: solids, and the gases as phases at G(T, p).
        potentials: eV/atom of the elements that the atmosphere supplies.
        cold: ids of the solids that stayed at 0 K although G(T) was asked for.
    """

    references: References
    potentials: Mapping[str, float]
    cold: tuple[str, ...]


def apply(references: References, at: Conditions, *, volumes: Mapping[str, float] | None = None) -> Applied:
    """The references under these conditions.

    Condensed phases that have the composition of a gas (ice, dry ice, solid oxygen) give way to the gas.

    Args:
        references: energies at 0 K, pure elements among them.
        at: temperature, atmosphere, how solids are treated.
        volumes: Å³/atom by id, for G(T) of solids.

    Raises:
        InputError: if gases and temperature don't fit, or reservoirs leave a chemical potential open.
    """
    cold: tuple[str, ...] = ()
    solids = corrected(references, at.corrections)
    if at.solids == "sisso":
        solids, cold = gibbs_solids(solids, volumes or {}, temperature=at.temperature)
    if not at.pressures:
        return Applied(solids, {}, cold)
    zero = element_energies(solids)
    energies: dict[str, float] = {}
    for gas, pressure in at.pressures.items():
        composition = reduce_formula(gas)
        if set(composition.numbers) <= zero.keys():
            free = _free_energy(gas, at, pressure)
            energies[gas] = free + sum(zero[z] * n for z, n in _molecule(gas).items())
    replaced = {reduce_formula(gas) for gas in energies}
    condensed = [formula for formula in solids.formulas.tolist() if reduce_formula(formula) not in replaced]
    kept = solids.take(np.asarray([reduce_formula(f) not in replaced for f in solids.formulas.tolist()], dtype=bool))
    whole = References.from_rows(
        ids=[*kept.ids.tolist(), *(GAS + gas for gas in energies)],
        formulas=[*condensed, *energies],
        energies=[*kept.energies.tolist(), *(energies[gas] / sum(_molecule(gas).values()) for gas in energies)],
        source=solids.source,
        scheme=f"{solids.scheme}; {at.describe()}",
    )
    return Applied(whole, _potentials({gas: energies[gas] for gas in at.supplied if gas in energies}), cold)


def _free_energy(gas: str, at: Conditions, pressure: float) -> float:
    """G(T, p) in eV per molecule, from elements at 0 K, or at T where solids are counted from these."""
    if at.solids == "0K":
        return gas_energy(gas, temperature=at.temperature, pressure=pressure)
    from pymatgen.core import Lattice, Structure  # noqa: PLC0415
    from pymatgen.entries.computed_entries import GibbsComputedStructureEntry  # noqa: PLC0415  (slow import)

    mixing = BOLTZMANN * at.temperature * math.log(pressure)
    if len(_molecule(gas)) == 1:
        return mixing
    symbols = [SYMBOLS[z - 1] for z, n in _molecule(gas).items() for _ in range(n)]
    cell = Structure(Lattice.cubic(10.0), symbols, [[i / len(symbols), 0.0, 0.0] for i in range(len(symbols))])
    entry = GibbsComputedStructureEntry(
        cell, formation_enthalpy_per_atom=0.0, temp=tabulated(max(at.temperature, 300.0))
    )
    return float(entry.energy) + mixing


def _molecule(gas: str) -> dict[int, int]:
    """Atomic number to atoms in one molecule: O2 has two, although its reduced formula is O."""
    composition = reduce_formula(gas)
    atoms = 2 if len(composition.numbers) == 1 else 1
    return {z: n * atoms for z, n in zip(composition.numbers, composition.counts, strict=True)}


def _potentials(gases: Mapping[str, float]) -> dict[str, float]:
    """Element to chemical potential in eV/atom, from the energies of as many molecules as there are elements.

    Raises:
        InputError: if they don't settle each potential.
    """
    elements = sorted({z for gas in gases for z in _molecule(gas)})
    matrix = np.asarray([[_molecule(gas).get(z, 0) for z in elements] for gas in gases], dtype=np.float64)
    if gases and (matrix.shape[0] != matrix.shape[1] or np.linalg.matrix_rank(matrix) < len(elements)):
        raise InputError(
            f"{listed(gases)} as reservoirs don't settle the chemical potentials of "
            f"{listed(SYMBOLS[z - 1] for z in elements)}: name as many independent gases as they have elements"
        )
    values = np.linalg.solve(matrix, np.asarray(list(gases.values()))) if gases else np.empty(0)
    return {SYMBOLS[z - 1]: float(value) for z, value in zip(elements, values, strict=True)}
