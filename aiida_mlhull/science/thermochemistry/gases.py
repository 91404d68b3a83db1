"""Gases at temperature and pressure from NIST's Shomate equations.

    H(T) - H(298.15 K) = A t + B t²/2 + C t³/3 + D t⁴/4 - E/t + F - H     kJ/mol
    S(T) = A ln t + B t + C t²/2 + D t³/3 - E/(2 t²) + G                  J/(mol K),   t = T/1000 K

Sources: constants from the NIST Chemistry WebBook (SRD 69); heats of formation at 0 K and H(298.15 K) - H(0 K)
from M. W. Chase, NIST-JANAF Thermochemical Tables, 4th ed. (1998). Standard pressure is 1 bar.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from aiida_mlhull.science.errors import InputError, listed

KJ_PER_MOL: Final = 96.48533212
"""kJ/mol in one eV."""
BOLTZMANN: Final = 8.617333262e-5
"""eV/K."""
COLDEST: Final = 298.0
"""K; below, no solid of a synthesis reacts, and the fits of most gases end."""


@dataclass(frozen=True)
class Shomate:
    """Constants A to H of one range of temperatures.

    Attributes:
        upper: K, end of the range.
        constants: A to H, in the units of the equations.
    """

    upper: float
    constants: tuple[float, ...]

    def enthalpy(self, temperature: float) -> float:
        """H(T) - H(298.15 K) in kJ/mol."""
        a, b, c, d, e, f, _, h = self.constants
        t = temperature / 1000.0
        return a * t + b * t**2 / 2 + c * t**3 / 3 + d * t**4 / 4 - e / t + f - h

    def entropy(self, temperature: float) -> float:
        """S(T) in J/(mol K)."""
        a, b, c, d, e, _, g, _ = self.constants
        t = temperature / 1000.0
        return a * math.log(t) + b * t + c * t**2 / 2 + d * t**3 / 3 - e / (2 * t**2) + g


@dataclass(frozen=True)
class Gas:
    """One molecule.

    Attributes:
        formation: kJ/mol, heat of formation at 0 K from the elements at 0 K.
        warmed: kJ/mol, H(298.15 K) - H(0 K).
        ranges: Shomate constants, ascending; the first one is used down to 298 K.
    """

    formation: float
    warmed: float
    ranges: tuple[Shomate, ...]

    def at(self, temperature: float) -> Shomate:
        """The range that holds a temperature."""
        return next(part for part in self.ranges if temperature <= part.upper)


GASES: Final = {
    "O2": Gas(
        0.0,
        8.683,
        (
            Shomate(700, (31.32234, -20.23531, 57.86644, -36.50624, -0.007374, -8.903471, 246.7945, 0.0)),
            Shomate(2000, (30.03235, 8.772972, -3.988133, 0.788313, -0.741599, -11.32468, 236.1663, 0.0)),
        ),
    ),
    "N2": Gas(
        0.0,
        8.670,
        (
            Shomate(500, (28.98641, 1.853978, -9.647459, 16.63537, 0.000117, -8.671914, 226.4168, 0.0)),
            Shomate(2000, (19.50583, 19.88705, -8.598535, 1.369784, 0.527601, -4.935202, 212.3900, 0.0)),
        ),
    ),
    "H2": Gas(
        0.0,
        8.467,
        (
            Shomate(1000, (33.066178, -11.363417, 11.432816, -2.772874, -0.158558, -9.980797, 172.707974, 0.0)),
            Shomate(2500, (18.563083, 12.257357, -2.859786, 0.268238, 1.977990, -1.147438, 156.288133, 0.0)),
        ),
    ),
    "Cl2": Gas(
        0.0,
        9.180,
        (
            Shomate(1000, (33.05060, 12.22940, -12.06510, 4.385330, -0.159494, -10.83480, 259.0290, 0.0)),
            Shomate(3000, (42.67730, -5.009570, 1.904621, -0.165641, -2.098480, -17.28980, 269.8400, 0.0)),
        ),
    ),
    "CO2": Gas(
        -393.151,
        9.364,
        (
            Shomate(1200, (24.99735, 55.18696, -33.69137, 7.948387, -0.136638, -403.6075, 228.2431, -393.5224)),
            Shomate(6000, (58.16639, 2.720074, -0.492289, 0.038844, -6.447293, -425.9186, 263.6125, -393.5224)),
        ),
    ),
    "H2O": Gas(
        -238.921,
        9.904,
        (
            Shomate(1700, (30.09200, 6.832514, 6.793435, -2.534480, 0.082139, -250.8810, 223.3967, -241.8264)),
            Shomate(6000, (41.96426, 8.622053, -1.499780, 0.098119, -11.15764, -272.1797, 219.7809, -241.8264)),
        ),
    ),
    "NH3": Gas(
        -38.907,
        10.043,
        (
            Shomate(1400, (19.99563, 49.77119, -15.37599, 1.921168, 0.189174, -53.30667, 203.8591, -45.89806)),
            Shomate(6000, (52.02427, 18.48801, -3.765128, 0.248541, -12.45799, -85.53895, 223.8022, -45.89806)),
        ),
    ),
}
"""Formula to constants. Water's fit begins at 500 K, but meets S(298.15 K) to 0.002 J/(mol K)."""


def gas_energy(formula: str, *, temperature: float, pressure: float = 1.0) -> float:
    """Free energy of an ideal gas in eV per molecule, counted from its elements at 0 K.

    G(T, p) = ΔfH(0 K) + [H(T) - H(0 K)] - T S(T) + kT ln(p / 1 bar)

    Args:
        formula: one of :data:`GASES`.
        temperature: K.
        pressure: bar.

    Raises:
        InputError: if the gas is unknown, a fit doesn't reach the temperature, or the pressure isn't positive.
    """
    if formula not in GASES:
        raise InputError(f"no Shomate constants for the gas {formula!r}; known: {listed(GASES)}")
    gas = GASES[formula]
    if not COLDEST <= temperature <= gas.ranges[-1].upper:
        raise InputError(f"{formula} is known from {COLDEST:g} to {gas.ranges[-1].upper:g} K, not at {temperature:g} K")
    if not (math.isfinite(pressure) and pressure > 0):
        raise InputError(f"pressures must be positive, in bar: {formula} at {pressure:g}")
    fit = gas.at(temperature)
    warm = gas.formation + gas.warmed + fit.enthalpy(temperature) - temperature * fit.entropy(temperature) / 1000.0
    return warm / KJ_PER_MOL + BOLTZMANN * temperature * math.log(pressure)
