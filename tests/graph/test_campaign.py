"""A campaign that has finished, one that has failed in its midst, and one that has only begun, asked from Python."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

import aiida_mlhull
from aiida_mlhull import Campaign, launch, to_frame
from aiida_mlhull.graph import results
from aiida_mlhull.graph.placed import placed
from aiida_mlhull.graph.stated.calibration import stated_by
from aiida_mlhull.graph.written.summary import batches, summary
from aiida_mlhull.science.campaign import on_hull
from aiida_mlhull.science.campaign.results import formation_energies
from aiida_mlhull.science.errors import InputError, NotReadyError, UnknownNameError
from aiida_mlhull.science.tables.summary import content_hash
from tests.cli.conftest import run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stopped(finished):
    """The same graph as ``finished``, of a campaign whose last step never came: it has no outputs."""
    from aiida import orm

    node = orm.WorkChainNode(process_type=finished.node.process_type, label="stopped")
    for link in finished.node.base.links.get_incoming().all():
        node.base.links.add_incoming(link.node, link.link_type, link.link_label)
    node.store()
    return node


def test_it_is_found_by_pk_uuid_label_and_as_the_newest(finished):
    node = finished.node
    for name in (node.pk, str(node.pk), node.uuid, node):
        assert Campaign(name).pk == finished.pk
    assert repr(finished) == f"Campaign({finished.pk}, 'arsenides', finished)"
    assert finished.status().relaxed == 32


def test_unknown_names_and_other_nodes_are_refused(finished):
    with pytest.raises(UnknownNameError, match="no node no-such-thing"):
        Campaign("no-such-thing")
    with pytest.raises(InputError, match="not a campaign"):
        Campaign(finished.node.outputs.summary.pk)


def test_rounds_add_up(finished):
    frame = finished.rounds()
    assert frame.number.tolist() == [1, 2]
    assert (frame.asked == frame.kept + frame.waiting + frame.rejected).all()
    assert frame.asked.tolist() == [43, 35]
    assert frame.relaxed.tolist() == [24, 32]


def test_batches_are_the_start_set_and_the_rounds_and_hold_every_result(finished):
    frame, counted = finished.batches(), finished.rounds()
    assert frame.batch.tolist() == ["start set", "round 1", "round 2"]
    assert frame.calculated.tolist() == [16, 8, 8]
    assert frame.calculated.cumsum().tolist()[1:] == counted.relaxed.tolist()
    known = finished.node.inputs.references.to_science()
    results = finished.results()
    diagram = PhaseDiagram([entry(*row) for row in zip(known.formulas.tolist(), known.energies.tolist(), strict=True)])
    rows = zip(results.ids.tolist(), results.formulas.tolist(), results.energies.tolist(), strict=True)
    lower = {name for name, formula, energy in rows if np.isfinite(energy) and signed(diagram, formula, energy) < -1e-6}
    assert frame.below.sum() == len(lower) > 0
    assert frame.below[0] == len(lower & set(finished.started()))
    assert frame.precision_so_far.iloc[-1] == pytest.approx(len(lower) / len(results))


def entry(formula, energy):
    return PDEntry(Composition(formula), energy * Composition(formula).num_atoms)


def signed(diagram, formula, energy):
    return energy - diagram.get_hull_energy_per_atom(Composition(formula))


def test_the_summary_tells_of_batches(finished):
    told = batches(finished)
    assert "round 2             8" in told
    assert told in summary(finished)


def test_rejected_are_those_that_the_rounds_count_nearest_first(finished):
    frame = finished.rejected(1)
    assert len(frame) == finished.rounds().rejected[0] == 31
    assert frame.margin.is_monotonic_decreasing
    assert (frame.margin < 0).all()
    with pytest.raises(InputError, match="decided nothing in round 9"):
        finished.rejected(9)
    with pytest.raises(InputError, match="before stage volume"):
        finished.rejected(1, stage="volume")


def test_history_ends_with_the_outcome(finished):
    outcomes = finished.outcomes()
    for row in (0, len(outcomes) - 1):
        events = finished.history(str(outcomes.ids[row]))
        assert events.pk.is_monotonic_increasing
        assert events.what.iloc[-1] == "outcome"
        assert events.reason.iloc[-1] == outcomes.reasons[row]
    with pytest.raises(InputError, match="no candidate 'BN'"):
        finished.history("BN")


def test_costs_are_those_of_the_summary_and_the_models(finished):
    frame = finished.costs().set_index("what")
    assert frame.core_minutes["final"] == pytest.approx(32 * 605)
    assert frame.runs.to_dict() == {"final": 32, "models: fit": 4, "models: predict": 2}
    spent, without, saved = finished.savings()
    assert spent == pytest.approx(frame.core_minutes.sum())
    assert without == 59 * 605
    assert saved == pytest.approx(1 - spent / without)


def test_frames_of_nouns(finished):
    frame = to_frame(finished.results())
    assert len(frame) == 32
    assert frame.energy_ev_per_atom.notna().all()
    assert {"lattice", "species", "frac_coords"} <= set(frame.columns)
    assert set(finished.phases().ids) <= set(frame.id)


def test_results_stand_in_the_order_in_which_they_were_chosen(finished):
    order, first = results.relaxation_order(finished.node)
    ended = set(finished.results().ids.tolist())
    assert len(order) == len(ended)
    assert set(order) == ended
    assert set(order[:first]) == set(results.started(finished.pk)) & ended
    assert 0 < first < len(order)
    scores = {
        name: score
        for one in finished.decisions(1)
        for name, score, keep in zip(
            one.decisions.ids.tolist(), one.decisions.scores.tolist(), one.decisions.keep, strict=True
        )
        if keep
    }
    batch = [scores[name] for name in order[first:] if name in scores]
    assert len(batch) > 1
    assert batch == sorted(batch, reverse=True)


def test_predictions_of_a_round_are_held_against_the_record(finished):
    said = stated_by(str(finished.pk), number=1)
    (name,) = said.stated
    assert name == "final, round 1"
    assert said.campaign == finished.node
    predicted, truth = said.predictions[name], said.truth
    rows = np.searchsorted(truth.ids, predicted.ids)
    np.testing.assert_allclose(said.stated[name].errors, predicted.mean - truth.energies[rows])
    assert set(said.near_hull()) == {name}
    formulas, spread = said.hull_spreads()[name]
    assert formulas.tolist() == sorted(set(predicted.formulas.tolist()))
    assert len(spread.mean) == len(formulas)


def test_diagrams(finished):
    systems = finished.systems()
    assert set(systems) == {"As-Be-Rb", "As-Cd-Rb", "As-Be", "As-Cd", "As-Rb"}
    new = [set(Composition(formula).chemical_system_set) for formula in finished.phases().formulas.tolist()]
    ranks = [(-name.count("-"), -sum(phase <= set(name.split("-")) for phase in new), name) for name in systems]
    assert new
    assert ranks == sorted(ranks)
    assert "As-Cd" in finished.diagram("As-Cd").to_html(include_plotlyjs=False)
    assert finished.diagram(interactive=False).axes
    with pytest.raises(InputError):
        finished.diagram("As")


def test_notebooks_show_state_and_rounds_and_escape_the_label(finished, monkeypatch):
    html = finished._repr_html_()
    assert f"Campaign {finished.pk}" in html
    assert html.count("<tr") == 3  # headers and two rounds
    monkeypatch.setattr(type(finished), "label", "<script>")
    assert "<script>" not in finished._repr_html_()


def test_without_outputs_the_stored_steps_say_the_same(finished, monkeypatch):
    """A campaign that was killed before its last step: results and outcomes come from engines and decisions."""
    whole = {
        "results": to_frame(finished.results()),
        "outcomes": to_frame(finished.outcomes()),
        "costs": finished.costs(),
        "funnel": finished.funnel(),
        "phases": to_frame(finished.phases()),
    }
    from aiida_mlhull import names
    from aiida_mlhull.graph import results

    monkeypatch.setattr(results, "_outputs", lambda *_: {})
    monkeypatch.setattr(names, "SUMMARY", "not_there")
    assert finished.funnel() == whole["funnel"]
    same(to_frame(finished.results()), whole["results"])
    same(to_frame(finished.phases()), whole["phases"])
    same(to_frame(finished.outcomes()), whole["outcomes"])
    same(finished.costs(), whole["costs"])


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Equal by value, however the cells are packed."""
    assert one.columns.tolist() == other.columns.tolist()
    for name in one:
        if len(one) and isinstance(one[name].iloc[0], np.ndarray):
            assert [cell.tolist() for cell in one[name]] == [cell.tolist() for cell in other[name]]
        else:
            pd.testing.assert_series_equal(one[name], other[name])


def test_a_campaign_that_has_only_begun_says_so(stopped):
    begun = Campaign(stopped)
    assert begun.rounds().empty
    assert begun.structures() == {}
    with pytest.raises(InputError, match="has no results of stage final yet"):
        begun.results()
    with pytest.raises(InputError, match="has not considered any candidate yet"):
        begun.outcomes()
    with pytest.raises(InputError, match="has not considered any candidate yet"):
        begun.costs()
    assert "Campaign" in begun._repr_html_()


def test_the_command_line_asks_the_same(finished):
    printed = run("rejected", "--round", 1, "--campaign", finished.pk).output
    rows = [
        line.split()[0]
        for line in printed.splitlines()
        if line.split()[:1] and line.split()[0] in set(finished.rejected(1).id)
    ]
    assert rows == finished.rejected(1).id.head(30).tolist()


def test_importing_the_package_needs_no_aiida():
    code = "import sys, aiida_mlhull; aiida_mlhull.__version__; sys.exit('aiida' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="no attribute 'launched'"):
        _ = aiida_mlhull.launched


def test_without_a_profile_the_way_to_one_is_named(monkeypatch):
    from aiida.manage import configuration

    monkeypatch.setattr(configuration, "get_profile", lambda: None)
    with pytest.raises(NotReadyError, match="load_profile"):
        Campaign()
    with pytest.raises(NotReadyError, match="load_profile"):
        launch("campaign.yaml")


def test_phases_are_the_same_from_the_tables_that_hold_some(finished):
    found = finished.phases()
    assert len(found)
    assert content_hash(found) == content_hash(on_hull(finished.outcomes(), finished.results()))
    at = placed(finished.node)
    expected = at.formation[np.searchsorted(at.ids, found.ids)]
    known = finished.node.inputs.references.to_science()
    np.testing.assert_allclose(formation_energies(found, known), expected, atol=1e-12)


def test_the_start_set_is_counted_as_it_is_listed(finished):
    assert finished.n_started() == len(finished.started()) > 0
