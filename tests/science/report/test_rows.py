"""The table of candidates, against pymatgen and against the tables that it came from."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.report.symmetry import space_group_symbol
from aiida_mlhull.science.types.reasons import Reason


def entry(formula, energy, name):
    composition = Composition(formula)
    return PDEntry(composition, energy * composition.num_atoms, name=name)


@pytest.fixture(scope="module")
def oracle(material):
    """Row number to its phase diagram by pymatgen, for the first rows with an energy."""
    done = material.results.take(material.results.succeeded)
    phases = [*zip(material.references.formulas, material.references.energies, material.references.ids, strict=True)]
    phases += [*zip(done.formulas, done.energies, done.ids, strict=True)]
    found = {}
    for name, formula, energy in list(zip(done.ids, done.formulas, done.energies, strict=True))[:12]:
        elements = set(Composition(formula).elements)
        inside = [one for one in phases if set(Composition(one[0]).elements) <= elements]
        diagram = PhaseDiagram([entry(*one) for one in inside])
        found[str(name)] = diagram, entry(formula, energy, name)
    return found


def test_energies_against_pymatgen(report, oracle):
    rows = {name: row for row, name in enumerate(report.candidates["id"].tolist())}
    for name, (diagram, one) in oracle.items():
        row = rows[name]
        assert report.candidates["above_hull"][row] == pytest.approx(diagram.get_e_above_hull(one), abs=1e-8)
        assert report.candidates["formation"][row] == pytest.approx(diagram.get_form_energy_per_atom(one), abs=1e-8)
        separation = diagram.get_phase_separation_energy(one, stable_only=False)
        assert report.candidates["phase_separation"][row] == pytest.approx(separation, abs=1e-8)


def test_a_decomposition_adds_up_to_the_composition(report, oracle):
    rows = {name: row for row, name in enumerate(report.candidates["id"].tolist())}
    for name, (_, one) in oracle.items():
        parts = str(report.candidates["decomposition"][rows[name]]).split(" + ")
        shares = [part.split() if " " in part else ("1", part) for part in parts]
        whole = sum(
            (Composition(formula).fractional_composition * float(share) for share, formula in shares), Composition()
        )
        for element in one.composition.elements:
            assert whole[element] == pytest.approx(one.composition.get_atomic_fraction(element), abs=2e-3)


def test_costs_are_those_of_all_stages(material, report):
    spent = sum(stage.labels.core_minutes.sum() for stage in material.stages)
    assert report.candidates["core_minutes"].sum() == pytest.approx(spent)


def test_everybody_has_a_reason_and_twins_name_another(material, report):
    assert (report.candidates["reason"] != "").all()
    twins = report.candidates["reason"] == Reason.SAME_AS
    assert twins.any()
    assert set(report.candidates["twin_of"][twins].tolist()) <= set(material.candidates.ids.tolist())
    assert not report.candidates["twin_of"][~twins].any()


def test_predictions_are_those_of_the_last_round(material, report):
    last = material.rounds[-1].predictions
    rows = material.candidates.positions(last.ids)
    np.testing.assert_allclose(report.candidates["sigma"][rows], last.sigma)
    assert set(report.candidates["asked_in"][rows].tolist()) == {"final, round 3"}
    without = np.isfinite(report.candidates["p_stable"])
    relaxed = np.isfinite(report.candidates["energy"])
    assert without.any()
    assert not (without & relaxed).any()


def test_when_a_candidate_was_let_in(material, report):
    start = np.isin(material.candidates.ids, material.started) & np.isfinite(report.candidates["energy"])
    assert set(report.candidates["relaxed_in"][start].tolist()) == {0}
    second = material.rounds[1].decisions
    rows = material.candidates.positions(second.ids[second.keep])
    done = rows[np.isfinite(report.candidates["energy"][rows])]
    assert len(done)
    assert set(report.candidates["relaxed_in"][done].tolist()) == {2}
    assert set(report.candidates["relaxed_in"][~np.isfinite(report.candidates["energy"])].tolist()) == {-1}


@pytest.mark.parametrize(("number", "symbol"), [(0, ""), (14, "P2_1/c (14)"), (62, "Pnma (62)"), (225, "Fm-3m (225)")])
def test_space_groups_in_short_symbols(number, symbol):
    assert space_group_symbol(number) == symbol
