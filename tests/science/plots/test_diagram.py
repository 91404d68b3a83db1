"""The data of a phase diagram against pymatgen."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.errors import InputError, MissingEndMembersError
from aiida_mlhull.science.plots import MarkedPhases, make_diagram
from aiida_mlhull.science.types import References


def peer_of(diagram):
    final = np.flatnonzero(~diagram.dropped)
    fractions, formation = diagram.fractions[final], diagram.formation[final]
    return PhaseDiagram(
        [
            PDEntry(Composition(f), e * Composition(f).num_atoms, name=str(i))
            for i, f, e in zip(diagram.ids[final], diagram.formulas[final], formation, strict=True)
        ]
    ), fractions


@pytest.mark.parametrize("which", ["binary", "ternary", "quaternary"])
def test_same_hull_and_same_facets_as_pymatgen(which, request):
    diagram = request.getfixturevalue(which)
    peer, _ = peer_of(diagram)
    assert set(diagram.ids[diagram.on_hull]) == {entry.name for entry in peer.stable_entries}
    theirs = {frozenset(peer.qhull_entries[i].name for i in facet) for facet in peer.facets}
    assert {frozenset(diagram.ids[facet]) for facet in diagram.facets} == theirs
    for row in np.flatnonzero(~diagram.dropped):
        entry = PDEntry(
            Composition(diagram.formulas[row]), diagram.formation[row] * Composition(diagram.formulas[row]).num_atoms
        )
        assert diagram.above_hull[row] == pytest.approx(peer.get_e_above_hull(entry, allow_negative=True), abs=1e-9)


def test_marks_are_apart(ternary):
    assert (ternary.known.astype(int) + ternary.kept + ternary.dropped == 1).all()
    assert ternary.ids[ternary.new].tolist() == ["kept-0", "kept-3"]
    assert not (ternary.dropped & ternary.on_hull).any()
    assert np.isnan(ternary.formation[ternary.ids == "dropped-0"]).all()
    assert ternary.ties[0] == tuple(sorted(ternary.ties[0]))
    assert len(set(ternary.ties)) == len(ternary.ties)


def test_a_dropped_estimate_below_the_hull_does_not_shape_it(known):
    low = MarkedPhases(np.asarray(["d"]), np.asarray(["TiN2"]), np.asarray([-20.0]))
    diagram = make_diagram(known, kept=MarkedPhases.none(), dropped=low)
    assert diagram.above_hull[diagram.dropped][0] < -5
    assert set(diagram.formulas[diagram.on_hull]) == {"Ti", "N", "TiN"}


def test_results_that_joined_the_references_are_candidates_here(known):
    joined = References.from_rows(
        ids=[*known.ids, "kept-0"], formulas=[*known.formulas, "Ti2N"], energies=np.append(known.energies, -9.25)
    )
    kept = MarkedPhases(np.asarray(["kept-0"]), np.asarray(["Ti2N"]), np.asarray([-9.25]))
    diagram = make_diagram(joined, kept=kept)
    assert (diagram.ids == "kept-0").sum() == 1
    assert diagram.new.sum() == 1


def test_the_lowest_calculated_phase_stands_for_its_composition(known):
    kept = MarkedPhases(
        np.asarray(["k1", "k2", "k3"]), np.asarray(["Ti2N", "Ti2N", "TiN"]), np.asarray([-9.0, -9.25, -9.7])
    )
    guessed = [-9.9, -8.0, np.nan, np.nan, -7.0]
    formulas = np.asarray(["Ti2N", "TiN2", "TiN2", "Ti3N", "TiN2"])
    dropped = MarkedPhases(np.asarray(["d1", "d2", "d3", "d4", "d5"]), formulas, np.asarray(guessed))
    diagram = make_diagram(known, kept=kept, dropped=dropped, elements=["Ti", "N"])
    assert sorted(diagram.ids[diagram.on_top]) == ["N", "Ti", "d2", "d4", "k2", "k3"]
    places, counts = diagram.polymorphs
    told = dict(zip(diagram.ids, zip(places.tolist(), counts.tolist(), strict=True), strict=True))
    assert [told[name] for name in ("d1", "k2", "k1")] == [(1, 3), (2, 3), (3, 3)]
    assert [told[name] for name in ("d2", "d5", "d3", "Ti")] == [(1, 3), (2, 3), (3, 3), (1, 1)]


def test_stable_polymorphs_of_equal_energy_are_labeled_once(known):
    kept = MarkedPhases(np.asarray(["a", "b"]), np.asarray(["Ti2N", "Ti2N"]), np.asarray([-9.25, -9.25]))
    diagram = make_diagram(known, kept=kept)
    assert diagram.new.sum() == 2
    assert sorted(diagram.formulas[diagram.stable_compounds()]) == ["Ti2N", "TiN"]


def test_without_compounds_the_corners_are_the_facet(known):
    bare = known.select(["Ti", "Zn", "N"])
    diagram = make_diagram(bare, kept=MarkedPhases(np.asarray(["x"]), np.asarray(["TiZnN"]), np.asarray([-5.0])))
    assert [set(diagram.formulas[facet]) for facet in diagram.facets] == [{"Ti", "Zn", "N"}]


def test_refuses_what_can_not_be_drawn(known):
    many = MarkedPhases(np.asarray(["x"]), np.asarray(["LiTiZnNO"]), np.asarray([-5.0]))
    with pytest.raises(InputError, match="2 to 4 elements, not 5"):
        make_diagram(known, kept=many)
    with pytest.raises(MissingEndMembersError, match="Li"):
        make_diagram(known, kept=MarkedPhases(np.asarray(["x"]), np.asarray(["LiN"]), np.asarray([-5.0])))
    for corners in (["Ti", "Xx"], ["Ti", "Ti"]):
        with pytest.raises(InputError, match="different elements, not Ti-"):
            make_diagram(known, kept=MarkedPhases.none(), elements=corners)
