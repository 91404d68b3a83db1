"""What batches have found, on pnictides against pymatgen's hull of what was known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.batches import OTHERS, START, batch_scores, batches_of
from aiida_mlhull.science.types import Decisions
from tests.arsenides import every_sixth


@pytest.fixture(scope="module")
def demo():
    """Results with one failure, what was known, and two rounds of decisions."""
    inputs = every_sixth()
    labels = inputs.record
    failed = labels.ids[3]
    energies, failures = labels.energies.copy(), labels.failures.astype(object)
    energies[3], failures[3] = np.nan, "out_of_time"
    labels = replace(labels, energies=energies, failures=failures.astype(np.str_))
    return labels, inputs.references, failed


def round_of(labels, number, keep, scores):
    n = len(labels)
    zeros = np.zeros(n)
    return Decisions(
        ids=labels.ids, formulas=labels.formulas, keep=keep, reasons=np.where(keep, "rank_within_n", "batch_full"),
        values=zeros, thresholds=zeros, margins=zeros, scores=scores, rule="top_n", stage="final", round=number,
    )  # fmt: skip


def signed_by_pymatgen(labels, references):
    diagram = PhaseDiagram(
        [
            PDEntry(Composition(formula), energy * Composition(formula).num_atoms)
            for formula, energy in zip(references.formulas.tolist(), references.energies.tolist(), strict=True)
        ]
    )
    found = []
    for formula, energy in zip(labels.formulas.tolist(), labels.energies.tolist(), strict=True):
        composition = Composition(formula)
        found.append(energy - diagram.get_hull_energy_per_atom(composition) if np.isfinite(energy) else np.nan)
    return np.asarray(found)


def test_batches_are_told_apart_in_the_order_of_their_scores(demo):
    labels, _, _ = demo
    n, scores = len(labels), np.linspace(0, 1, len(labels))
    numbers = np.arange(n)
    one, two = round_of(labels, 1, numbers % 4 == 1, scores), round_of(labels, 2, numbers % 4 == 2, -scores)
    found = batches_of([one, two], [*labels.ids[numbers % 4 == 0].tolist(), "no result of this"], labels)
    assert list(found) == [START, "round 1", "round 2", OTHERS]
    assert found["round 1"] == labels.ids[numbers % 4 == 1][::-1].tolist()
    assert found["round 2"] == labels.ids[numbers % 4 == 2].tolist()
    assert sorted(row for rows in found.values() for row in rows) == labels.ids.tolist()


def test_a_row_belongs_to_the_first_batch_that_asked_for_it(demo):
    labels, _, _ = demo
    keep = np.arange(len(labels)) < 6
    found = batches_of([round_of(labels, 1, keep, np.zeros(len(labels)))], labels.ids[:4].tolist(), labels)
    assert found[START] == labels.ids[:4].tolist()
    assert found["round 1"] == labels.ids[4:6].tolist()


def test_what_lies_below_is_what_pymatgen_finds(demo):
    labels, references, failed = demo
    signed = signed_by_pymatgen(labels, references)
    by_row = dict(zip(labels.ids.tolist(), signed.tolist(), strict=True))
    best = [str(name) for name in labels.ids[np.argsort(np.nan_to_num(signed, nan=9.0), kind="stable")]]
    batches = {START: best[1::3], "round 1": best[0::3], "round 2": best[2::3]}
    told = list(batch_scores(batches, labels, references))
    assert sum(one.below for one in told) > 0
    hits = rows = 0
    for one, (name, ids) in zip(told, batches.items(), strict=True):
        below = sum(by_row[row] < -1e-6 for row in ids)
        hits, rows = hits + below, rows + len(ids)
        assert (one.batch, one.calculated, one.below) == (name, len(ids), below)
        assert one.at_most_on == sum(by_row[row] <= 1e-6 for row in ids)
        assert one.failed == (failed in ids)
        assert one.precision == pytest.approx(below / len(ids))
        assert one.precision_so_far == pytest.approx(hits / rows)
        assert one.enrichment == pytest.approx(one.precision / told[0].precision, nan_ok=True)


def test_a_known_phase_found_again_is_on_the_hull_and_not_below(demo):
    labels, references, _ = demo
    stable = signed_by_pymatgen(labels, references)
    row = int(np.nanargmin(stable))
    known = replace(
        references,
        ids=np.append(references.ids, "zz"),
        formulas=np.append(references.formulas, labels.formulas[row]),
        energies=np.append(references.energies, labels.energies[row]),
    )
    [told] = batch_scores({"round 1": [str(labels.ids[row])]}, labels, known)
    assert (told.below, told.at_most_on) == (0, 1)
    assert np.isnan(told.enrichment)


def test_rows_without_a_result_are_refused(demo):
    labels, references, _ = demo
    with pytest.raises(TableError, match="unknown ids: nobody"):
        list(batch_scores({START: ["nobody"]}, labels, references))
