"""A whole campaign through the graph: it ends well, nothing is lost, and the numbers are the record's."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.hull import distances, with_results
from aiida_mlhull.science.types import concatenate

pytestmark = pytest.mark.slow


def tables(namespace):
    return concatenate([node.to_science() for node in namespace.values()])


def test_it_ends_well_and_every_candidate_has_a_row(campaign, binary) -> None:
    assert campaign.is_finished_ok, campaign.exit_message
    outcomes = tables(campaign.outputs.outcomes)
    assert outcomes.ids.tolist() == binary.candidates.ids.tolist()
    funnel = campaign.outputs.summary["funnel"]
    parts = sum(funnel[part] for part in ("relaxed", "failed", "merged", "dropped_by_rule"))
    assert parts == funnel["candidates"] == len(binary.candidates)


def test_it_relaxed_what_it_said_and_no_more(campaign) -> None:
    results = tables(campaign.outputs.results)
    assert len(results) <= 20 + 2 * 10
    assert campaign.outputs.summary["funnel"]["relaxed"] == len(results)
    assert campaign.outputs.summary["core_minutes"] == pytest.approx(605 * len(results))


def test_energies_are_the_records(campaign, binary) -> None:
    results = tables(campaign.outputs.results)
    truth = binary.record.select(results.ids)
    assert np.array_equal(results.energies, truth.energies)
    assert np.array_equal(results.crystals.lattices, truth.crystals.lattices)


def test_the_outcomes_heights_are_those_of_the_final_hull(campaign, binary) -> None:
    results, outcomes = tables(campaign.outputs.results), tables(campaign.outputs.outcomes)
    heights = distances(results.formulas, results.energies, with_results(binary.references, results)).e_above_hull
    assert outcomes.select(results.ids).values == pytest.approx(heights, abs=1e-9)


def test_phases_on_the_hull_are_structures_with_the_candidates_id(campaign) -> None:
    outcomes = tables(campaign.outputs.outcomes)
    stable = set(outcomes.ids[outcomes.reasons == "on_hull"].tolist())
    phases = list(campaign.outputs.phases.values()) if "phases" in campaign.outputs else []
    assert {node.label for node in phases} == stable
    results = tables(campaign.outputs.results)
    for node in phases:
        volume = results.select([node.label]).crystals.volumes[0]
        assert node.get_cell_volume() == pytest.approx(volume)


def test_the_context_does_not_grow_with_the_candidates(checkpoint_sizes) -> None:
    """What is pickled at every step holds nodes and scalars: some 100 kB would cost 0.24 s a step."""
    assert checkpoint_sizes
    assert max(checkpoint_sizes) < 30_000
