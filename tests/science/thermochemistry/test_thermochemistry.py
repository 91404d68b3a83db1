"""Gases against published tables, solids against pymatgen, conditions against hand-worked potentials."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.entries.computed_entries import G_ELEMS, G_GASES

from aiida_mlhull.science.errors import InputError, SettingsError, UnknownNameError
from aiida_mlhull.science.thermochemistry import GASES, apply, conditions, corrected, gas_energy, gibbs_solids
from aiida_mlhull.science.types import References

ENTROPIES = {
    "O2": 205.152,
    "N2": 191.609,
    "H2": 130.680,
    "Cl2": 223.079,
    "CO2": 213.795,
    "H2O": 188.834,
    "NH3": 192.774,
}
"""J/(mol K) at 298.15 K, CODATA and NIST-JANAF."""
WARMED_CARBON = 1.051 / 96.485
"""eV, H(298.15 K) - H(0 K) of graphite (NIST-JANAF)."""


@pytest.fixture
def titanates():
    energies = {"Ba": -1.9, "Ti": -7.8, "O2": -4.9, "C": -9.2, "CO2": -7.6, "BaO": -6.2, "TiO2": -9.4, "BaCO3": -7.9}
    return References.from_rows(
        ids=list(energies), formulas=list(energies), energies=np.asarray(list(energies.values())), scheme="PBE"
    )


@pytest.mark.parametrize("gas", GASES)
def test_standard_entropies_and_joints(gas):
    first = GASES[gas].ranges[0]
    assert first.entropy(298.15) == pytest.approx(ENTROPIES[gas], abs=0.01)
    assert first.enthalpy(298.15) == pytest.approx(0.0, abs=0.005)
    for lower, upper in zip(GASES[gas].ranges, GASES[gas].ranges[1:], strict=False):
        assert lower.entropy(lower.upper) == pytest.approx(upper.entropy(lower.upper), abs=0.02)
        assert lower.enthalpy(lower.upper) == pytest.approx(upper.enthalpy(lower.upper), abs=0.02)


@pytest.mark.parametrize("temperature", [300, 600, 1000, 1500, 2000])
def test_free_energies_of_formation_are_the_tabulated_ones(temperature):
    """Independent: NIST-JANAF's tables of ΔfG that pymatgen ships."""
    energy = {gas: gas_energy(gas, temperature=temperature) for gas in GASES}
    table = {gas: values[str(temperature)] for gas, values in G_GASES.items()}
    assert energy["H2O"] - energy["H2"] - energy["O2"] / 2 == pytest.approx(table["H2O"], abs=5e-4)
    assert energy["NH3"] - 1.5 * energy["H2"] - energy["N2"] / 2 == pytest.approx(table["H3N"], abs=5e-4)
    carbon = G_ELEMS[str(temperature)]["C"] + WARMED_CARBON
    assert energy["CO2"] - energy["O2"] - carbon == pytest.approx(table["CO2"], abs=1e-3)


def test_oxygen_is_that_of_reuter_and_scheffler():
    """Phys. Rev. B 65 (2001) 035406, Table I: μ(O) at 1 atm is -0.27 at 300, -0.61 at 600, -1.10 eV at 1000 K."""
    for temperature, value in ((300, -0.27), (600, -0.61), (1000, -1.10)):
        assert gas_energy("O2", temperature=temperature) / 2 == pytest.approx(value, abs=0.005)
    tenth = gas_energy("O2", temperature=1000, pressure=0.1) - gas_energy("O2", temperature=1000)
    assert tenth == pytest.approx(-8.617333e-5 * 1000 * np.log(10), abs=1e-7)


def test_gases_outside_of_their_tables_are_refused():
    with pytest.raises(InputError, match="known from 298 to 2000 K"):
        gas_energy("O2", temperature=2500)
    with pytest.raises(InputError, match="no Shomate constants for the gas 'Xe'"):
        gas_energy("Xe", temperature=300)
    with pytest.raises(InputError, match="must be positive"):
        gas_energy("O2", temperature=300, pressure=0.0)


def test_a_closed_system_is_left_alone(titanates):
    done = apply(titanates, conditions({}))
    assert done.references is titanates
    assert done.potentials == {}


def test_air_opens_oxygen_and_lets_carbon_dioxide_go(titanates):
    at = conditions({"temperature": 1100, "atmosphere": "air"})
    done = apply(titanates, at)
    oxygen = -4.9 + gas_energy("O2", temperature=1100, pressure=0.2095) / 2
    assert done.potentials == pytest.approx({"O": oxygen})
    rows = dict(zip(done.references.ids.tolist(), done.references.energies.tolist(), strict=True))
    assert "CO2" not in rows
    free = -9.2 - 2 * 4.9 + gas_energy("CO2", temperature=1100, pressure=4.2e-4)
    assert rows["gas:CO2"] == pytest.approx(free / 3)
    assert rows["BaO"] == -6.2
    assert "gas:H2O" not in rows  # there is no hydrogen among the references
    assert "air at 1100 K" in done.references.scheme


def test_reservoirs_have_to_settle_the_potentials(titanates):
    with pytest.raises(InputError, match="don't settle the chemical potentials of C, O"):
        apply(titanates, conditions({"temperature": 900, "atmosphere": {"CO2": 1.0}}))
    both = apply(titanates, conditions({"temperature": 900, "atmosphere": {"CO2": 1.0, "O2": 0.2}}))
    molecule = both.potentials["C"] + 2 * both.potentials["O"]
    assert molecule == pytest.approx(-9.2 - 9.8 + gas_energy("CO2", temperature=900))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"atmosphere": "steam", "temperature": 900}, "unknown atmosphere"),
        ({"atmosphere": "air"}, "need a temperature"),
        ({"solids": "sisso"}, "need a temperature"),
        ({"atmosphere": {"Xe": 1.0}, "temperature": 900}, "no Shomate constants"),
        ({"atmosphere": {"O2": -1.0}, "temperature": 900}, "must be positive"),
        ({"corrections": "fudge"}, "unknown scheme"),
        ({"humidity": 0.3}, "humidity"),
        (
            {"atmosphere": {"O2": 1.0}, "temperature": 900, "reservoirs": ["N2"]},
            "must be gases that the atmosphere brings",
        ),
    ],
)
def test_wrong_conditions_are_refused(values, message):
    with pytest.raises(SettingsError, match=message):
        conditions(values)


def test_corrections_are_declared(titanates):
    done = corrected(titanates, "carbonates-mcdermott-2021")
    changed = done.energies - titanates.energies
    assert dict(zip(done.ids[changed != 0].tolist(), changed[changed != 0], strict=True)) == pytest.approx(
        {"BaCO3": 0.83 / 5}
    )
    assert done.scheme == "PBE + carbonates-mcdermott-2021"
    assert corrected(titanates, "none") is titanates
    with pytest.raises(UnknownNameError):
        corrected(titanates, "fudge")


def test_solids_at_temperature_are_those_of_the_published_descriptor(titanates):
    """Against the formula of Bartel 2018, Eq. 4, with the elements' tabulated energies."""
    done, cold = gibbs_solids(titanates, {"BaO": 21.3}, temperature=1000)
    row = int(done.positions(["BaO"])[0])
    formation = -6.2 - (-1.9 - 4.9) / 2
    mass = 137.327 * 15.999 / (137.327 + 15.999)
    delta = (-2.48e-4 * np.log(21.3) - 8.94e-5 * mass / 21.3) * 1000 + 0.181 * np.log(1000) - 0.882
    elements = (G_ELEMS["1000"]["Ba"] + G_ELEMS["1000"]["O"]) / 2
    assert done.energies[row] == pytest.approx(formation + delta - elements, abs=2e-3)
    assert set(cold) == {"CO2", "TiO2", "BaCO3"}
    assert done.energies[done.positions(["Ba"])[0]] == 0.0
    with pytest.raises(InputError, match="300 to 2000 K"):
        gibbs_solids(titanates, {}, temperature=298)
    with pytest.raises(InputError, match="volumes must be positive"):
        gibbs_solids(titanates, {"BaO": -1.0}, temperature=500)


def test_gases_are_counted_from_the_same_zero_as_the_solids(titanates):
    at = conditions({"temperature": 1000, "atmosphere": "O2", "solids": "sisso"})
    done = apply(titanates, at, volumes={"BaO": 21.3})
    assert done.potentials["O"] == pytest.approx(0.0)
    rows = dict(zip(done.references.ids.tolist(), done.references.energies.tolist(), strict=True))
    assert 3 * rows["gas:CO2"] == pytest.approx(G_GASES["CO2"]["1000"] + 8.617333e-5 * 1000 * np.log(1e-6), abs=1e-6)
