"""Everything that the hull says of a phase: by hand, and compared with pymatgen's diagrams."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.errors import MissingEndMembersError, MixedSchemesError, UnknownNameError
from aiida_mlhull.science.hull import stability
from aiida_mlhull.science.hull.placement import UNDEREXPLORED, place, quantiles
from aiida_mlhull.science.types import References

ELEMENTS = ("Ti", "Zn", "N")


def phases(rows: dict[str, tuple[str, float]], scheme: str = "") -> References:
    formulas, energies = zip(*rows.values(), strict=True)
    return References.from_rows(ids=list(rows), formulas=list(formulas), energies=list(energies), scheme=scheme)


KNOWN = phases({"A": ("Ti", -7.0), "B": ("N", -8.0), "ab2": ("TiN2", -8.6)})


def test_a_binary_by_hand():
    placed = place(phases({"ab": ("TiN", -8.5), "high": ("Ti2N", -7.4), "twin": ("TiN", -8.3)}), KNOWN)
    # TiN lies 1 eV/atom below its elements; without it, TiN2 (-0.933) and Ti would give -0.7 at this composition
    ab, high, twin = (placed.ids.tolist().index(name) for name in ("ab", "high", "twin"))
    assert placed.formation[ab] == pytest.approx(-1.0)
    assert placed.phase_separation[ab] == pytest.approx(-1.0 + 0.75 * (8.6 - 7.0 / 3 - 16.0 / 3))
    assert placed.signed[ab] == pytest.approx(-0.2)  # its twin stands nearest below nothing
    assert placed.signed[twin] == placed.e_above_hull[twin] == pytest.approx(0.2)
    assert placed.e_above_hull[high] == pytest.approx(-7.4 - (-7.0 / 3 - 8.5 * 2 / 3))
    assert placed.decomposition(high) == pytest.approx({"A": 1 / 3, "ab": 2 / 3})
    assert placed.competing(ab) == pytest.approx({"A": 0.25, "ab2": 0.75})
    assert placed.decomposition(ab) == {"ab": 1.0}
    assert placed.stable.tolist() == [name == "ab" for name in placed.ids.tolist()]
    assert placed.windows(high) == {}
    # μ_Ti + μ_N = -2, both below their elements, and μ_Ti + 2 μ_N <= 3 * -0.933 keeps nitrogen down
    limit = 3 * (-8.6 + 7.0 / 3 + 16.0 / 3) + 2.0
    assert placed.windows(ab) == {"Ti": pytest.approx((-2.0 - limit, 0.0)), "N": pytest.approx((-2.0, limit))}


def random_system(rng: np.random.Generator) -> References:
    rows = {element: (element, 0.0) for element in ELEMENTS}
    while len(rows) < 18:
        counts = rng.integers(0, 5, 3)
        if (counts > 0).sum() > 1:
            formula = "".join(f"{e}{n}" for e, n in zip(ELEMENTS, counts, strict=True) if n)
            rows[f"p{len(rows)}"] = (formula, float(rng.normal(-0.5, 0.4)))
    rows["abc"] = ("TiZnN", -2.0)  # a ternary that is stable in every system
    return phases(rows)


def widest(diagram: PhaseDiagram, formula: str) -> dict[str, tuple[float, float]]:
    """Ranges of the elements' potentials over pymatgen's stability region of a phase."""
    found: dict[str, list[float]] = {symbol: [] for symbol in ELEMENTS}
    for left_out in ELEMENTS:
        axes = [element for element in diagram.elements if element.symbol != left_out]
        for entry, simplices in diagram.get_chempot_range_map(axes).items():
            if entry.composition.reduced_formula == Composition(formula).reduced_formula:
                for axis, element in enumerate(axes):
                    found[element.symbol] += [float(v) for one in simplices for v in one.coords[:, axis]]
    return {symbol: (min(values), max(values)) for symbol, values in found.items()}


def test_fifty_ternaries_as_pymatgen_sees_them():
    rng = np.random.default_rng(5)
    for _ in range(50):
        table = random_system(rng)
        placed = place(table)
        entries = [
            PDEntry(c := Composition(f), e * c.num_atoms, name=n)
            for n, f, e in zip(table.ids, table.formulas, table.energies, strict=True)
        ]
        diagram = PhaseDiagram(entries)
        row = placed.ids.tolist().index("abc")
        theirs = widest(diagram, "TiZnN")
        for element, (low, high) in placed.windows(row).items():
            assert (low, high) == pytest.approx(theirs[element], abs=1e-8)
        heights = [diagram.get_e_above_hull(entry, allow_negative=True) for entry in entries]
        assert placed.e_above_hull == pytest.approx(np.asarray(heights), abs=1e-9)
        formation = [diagram.get_form_energy_per_atom(entry) for entry in entries]
        assert placed.formation == pytest.approx(np.asarray(formation), abs=1e-9)
        alone = diagram.get_phase_separation_energy(entries[table.ids.tolist().index("abc")])
        assert placed.phase_separation[row] == pytest.approx(alone, abs=1e-9)


def test_the_same_distances_as_stability():
    table = random_system(np.random.default_rng(11))
    own = table.take(~np.isin(table.ids, ELEMENTS)).take(np.arange(0, 15, 2))
    known = table.without(own.ids)
    placed, expected = place(own, known), stability(own.formulas, own.energies, known)
    for name in ("e_above_hull", "signed", "phase_separation"):
        assert getattr(placed, name) == pytest.approx(getattr(expected, name), abs=1e-12)
    assert placed.gaps.max() < 1e-9


def test_a_phase_that_is_known_counts_once():
    placed = place(phases({"ab2": ("TiN2", -8.6)}), KNOWN)
    assert placed.signed[0] < -0.5  # against the elements, not against itself
    other = place(phases({"ab2": ("TiN2", -8.5)}), KNOWN)
    assert other.signed[0] == pytest.approx(0.1)
    assert other.decomposition(0) == {"ab2 (known)": 1.0}


def test_elements_are_at_their_own_energy():
    placed = place(KNOWN)
    row = placed.ids.tolist().index("A")
    assert placed.windows(row) == {"Ti": (0.0, 0.0)}
    assert (placed.formation[row], placed.signed[row], placed.competing(row)) == (0.0, 0.0, {})


def test_underexplored():
    depth = 2 * UNDEREXPLORED[2]
    placed = place(
        phases({"deep": ("TiN", -7.5 + depth), "shallow": ("ZnN", -0.1)}),
        phases({"Ti": ("Ti", -7.0), "N": ("N", -8.0), "Zn": ("Zn", 7.9)}),
    )
    assert dict(zip(placed.ids.tolist(), placed.underexplored.tolist(), strict=True)) == {
        "deep": True,
        "shallow": False,
    }
    unstable = place(phases({"high": ("TiN", -7.0)}), KNOWN)
    assert not unstable.underexplored.any()


def test_quantiles_of_what_is_known():
    rng = np.random.default_rng(2)
    rows = {"H": ("H", 0.0)}
    for z, symbol in enumerate(("Li", "Na", "K", "Rb", "Cs", "Be", "Mg", "Ca", "Sr", "Ba") * 3):
        rows.setdefault(symbol, (symbol, 0.0))
        rows[f"{symbol}{z}"] = (f"{symbol}{z % 3 + 1}H", float(rng.uniform(-1.0, -0.9)))
    found = quantiles(place(phases(rows)), quantile=0.1, fewest=5)
    values = place(phases(rows))
    stable = values.phase_separation[values.stable & (values.sizes == 2)]
    assert found == {2: pytest.approx(np.quantile(stable, 0.1))}
    assert quantiles(values, quantile=0.1, fewest=len(stable) + 1) == {}


def test_what_does_not_fit_is_refused():
    with pytest.raises(MissingEndMembersError, match="no pure Zn"):
        place(phases({"x": ("ZnN", 0.0)}), KNOWN)
    with pytest.raises(MixedSchemesError, match="--scheme"):
        place(phases({"x": ("TiN", 0.0)}, scheme="mp-pbe-2020"), KNOWN)


def test_phases_are_named_by_id_formula_or_system():
    placed = place(phases({"b": ("TiN", -8.5), "a": ("TiN", -8.6), "c": ("Ti2N", -7.4)}), KNOWN)
    assert [placed.ids[row] for row in placed.named(["N1Ti1"])] == ["a", "b"]
    assert [placed.ids[row] for row in placed.named(["c", "a"])] == ["a", "c"]
    assert [placed.ids[row] for row in placed.named(["N-Ti"])] == [placed.ids[row] for row in placed.named([])]
    with pytest.raises(UnknownNameError, match="TiO"):
        placed.named(["TiO"])
