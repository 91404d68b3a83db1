"""The tutorial's campaign, run as it is told to be, says what is printed there; so do pages that ask about a campaign."""

from __future__ import annotations

import shlex

import numpy as np
import pytest
from aiida import orm

from aiida_mlhull import Campaign
from aiida_mlhull.data import DecisionsData, EnsembleData, ReferencesData
from aiida_mlhull.names import SCREEN
from aiida_mlhull.science.reading import read_references
from aiida_mlhull.science.tables.export import to_parquet
from tests.arsenides import DEMO
from tests.cli.conftest import Desk, begun, run
from tests.docs.following import Reader, desk_of_a_reader
from tests.docs.pages import blocks, difference

TUTORIAL = "docs/tutorials/first-campaign.md"
THIS = "tests/docs/test_first_campaign.py"
ASKS = {
    "docs/how-to/watch-and-steer.md": {"--every 60": "--every 1", "--rule probability": "--rule two_sigma"},
    "docs/how-to/when-something-breaks.md": {},
    "docs/how-to/report.md": {},
    "docs/how-to/maps.md": {},
    "docs/topics/provenance.md": {},
    "docs/topics/uncertainty.md": {},
}
"""Pages that ask about any campaign, and what they say of another one than this."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the demo is run and asked about."""
    folder = tmp_path_factory.mktemp("demo")
    desk_of_a_reader(folder)
    return folder


@pytest.fixture(scope="module")
def demo(module_profile, folder):
    """What the demo prints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run("setup").exit_code == 0
        demo = run("demo", "--quick")
    assert demo.exit_code == 0, demo.output
    return demo.output


def latest(kind):
    return orm.QueryBuilder().append(kind, tag="node").order_by({"node": {"id": "desc"}}).first(flat=True)


def the_campaign():
    return orm.QueryBuilder().append(orm.WorkChainNode, filters={"process_type": SCREEN.process_type}).one()[0]


def test_the_demo_says_what_the_tutorial_prints(demo, folder, monkeypatch):
    monkeypatch.chdir(folder)
    told = [one for one in blocks(TUTORIAL, "text") if one.mark == "figures may differ"]
    assert len(told) == 2
    for block in told:
        assert difference(demo, f"...\n{block.body}...", figures=False) is None, demo
    first, *questions = (pair for one in blocks(TUTORIAL, "console") if one.prints for pair in one.commands())
    assert difference(demo, f"{first[1]}\n...") is None
    questions += [pair for one in blocks("docs/topics/hull.md", "console") if one.prints for pair in one.commands()]
    assert len(questions) == 3
    for command, printed in questions:
        said = run(*shlex.split(command)[1:]).output
        assert difference(said, printed, figures=False) is None, f"{command}\n{said}"


@pytest.mark.parametrize("page", ASKS)
def test_pages_ask_about_it(page, demo, folder, monkeypatch):
    monkeypatch.chdir(folder)
    campaign = the_campaign()
    desk = Desk(folder)
    (folder / "more.parquet").write_bytes(
        desk.table(structure_id=lambda ids: [f"more-{one}" for one in ids]).read_bytes()
    )
    desk.campaign()
    words = {
        "show PK": f"show {latest(DecisionsData).pk}",
        "export PK": f"export {latest(DecisionsData).pk}",
        "PK": str(campaign.pk),
        "ID": Campaign(campaign.pk).outcomes().ids[0],
        "diagnose 1234": f"diagnose {latest(EnsembleData).pk}",
        "1234": str(campaign.pk),
        "my-campaign": campaign.label,
        "newer.json": "newer.parquet",
    }
    known = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json").references
    (folder / "newer.parquet").write_bytes(to_parquet(known))
    (folder / "changes.yaml").write_text("budget: 100\n")
    assert Reader(page, folder, words=ASKS[page] | words).follow()
    for block in blocks(page, "python"):
        if page == "docs/how-to/report.md":
            exec(compile(block.body.replace("1234", str(campaign.pk)), page, "exec"), {})


def test_its_results_become_references(demo, folder, monkeypatch):
    monkeypatch.chdir(folder)
    campaign = the_campaign()
    known = campaign.inputs.references
    group = orm.Group(label="my-results").store()
    group.add_nodes(list(campaign.outputs.results.values()))
    words = {"PK --stage": f"{known.pk} --stage", "PK": str(campaign.pk), "GROUP": group.label}
    assert Reader("docs/how-to/references.md", folder, words=words, part=THIS).follow() == 2
    made = (
        orm.QueryBuilder().append(ReferencesData, tag="node").order_by({"node": {"id": "desc"}}).limit(2).all(flat=True)
    )
    assert [one.n_rows for one in made] == 2 * [
        known.n_rows + int(np.isfinite(Campaign(campaign.pk).results().energies).sum())
    ]


def test_its_phases_have_recipes(demo, folder, monkeypatch):
    monkeypatch.chdir(folder)
    words = {"1234 --with O,Cl": str(the_campaign().pk)}  # whose references hold neither
    assert Reader("docs/how-to/recipes.md", folder, words=words, part=THIS).follow() == 1


def test_one_under_way_is_paused_goes_on_and_stops(demo, folder):
    campaign = begun(orm.WorkChainNode)
    words = {"PK": str(campaign.pk)}
    assert Reader("docs/how-to/watch-and-steer.md", folder, words=words, part=THIS).follow() == 3
    said = [(one["word"], one["why"]) for one in campaign.base.extras.get("mlhull_steering")]
    assert said == [("pause", "the cluster is serviced on Monday"), ("resume", ""), ("stop", "enough")]
