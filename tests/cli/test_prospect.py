"""``aiida-mlhull prospect`` on crystals that the project ships: the funnel, the folder, the campaign that takes it."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
import yaml
from pymatgen.core import Composition

from aiida_mlhull.launching.setting_out.prospect import prospect, settings_from
from aiida_mlhull.science.reading.references import read_shipped
from aiida_mlhull.science.wire.weights import read_ensemble
from tests.cli.conftest import run

EXCERPT = Path(__file__).parents[2] / "benchmarks" / "data" / "mp20_excerpt.parquet"
SETTINGS = {
    "substitution": {"draws": 2},
    "ensemble": {"model": "magpie_forest", "members": 2, "model_settings": {"trees": 10}},
    "rule": "top_n",
    "rule_settings": {"n": 25},
}


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """Crystals that are known, and those that are found later."""
    folder = tmp_path_factory.mktemp("prospect")
    whole = pd.read_parquet(EXCERPT).iloc[::3]
    for place, name in enumerate(("known", "later")):
        whole.iloc[place::2].to_parquet(folder / f"{name}.parquet")
    (folder / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))
    return folder


@pytest.fixture(scope="module")
def prospected(halves):
    said = run(
        "prospect", halves / "known.parquet", "-r", "mp-elements", "--settings", halves / "settings.yaml",
        "--later", halves / "later.parquet", "--seed", 7, "-o", halves / "found",
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    return said.output


def rows_of(funnel):
    """Filter to looked at, dropped, left, as they are printed."""
    lines = re.findall(r"^  (\w[\w ]*?) +([\d,]+) +([\d,]+) +([\d,]+)$", funnel, re.MULTILINE)
    return {name: tuple(int(number.replace(",", "")) for number in numbers) for name, *numbers in lines}


def test_the_funnel_leads_from_the_draws_to_what_is_written(halves, prospected):
    funnel = rows_of(prospected)
    parents = int(re.search(r"parents +(\d+)", prospected)[1])
    steps = list(funnel.values())
    assert steps[0][0] == 2 * parents
    for entered, dropped, left in steps:
        assert entered - dropped == left
    for (_, _, left), (entered, _, _) in pairwise(steps):
        assert left == entered
    assert list(funnel)[-1] == "rule top_n"
    assert steps[-1][2] == 25 == len(pd.read_parquet(halves / "found" / "candidates.parquet"))
    assert len(pd.read_parquet(halves / "found" / "decisions.parquet")) == steps[-1][0]


def test_the_folder_holds_labels_decisions_hull_table_and_figures(halves, prospected):
    folder = halves / "found"
    kept = pd.read_parquet(folder / "candidates.parquet")
    assert {"protostructure", "origin", "mean_ev_per_atom", "sigma", "score"} <= set(kept)
    assert "lattice" not in kept
    decided = pd.read_parquet(folder / "decisions.parquet").set_index("id")
    assert set(kept["id"]) == set(decided.index[decided["keep"]])
    assert kept["score"].min() >= decided.loc[~decided["keep"], "score"].max()
    known = pd.read_parquet(folder / "known.parquet")
    crystals = pd.read_parquet(halves / "known.parquet")
    assert set(crystals["material_id"]) <= set(known["id"])
    assert len(known) == 89 + len(crystals)
    facts = json.loads((folder / "prospect.json").read_text())
    assert (facts["kept"], facts["asked"], facts["settings"]["seed"]) == (25, len(decided), 7)
    assert facts["found_later"]["rediscovery"]["candidates"] == len(decided)
    assert len(read_ensemble(folder / "ensemble").members) == 2
    assert yaml.safe_load((folder / "campaign.yaml").read_text())["protocol"] == "goodall-2021-prospect"


def test_all_that_were_asked_about_in_matbench_discoverys_columns(halves, prospected):
    table = pd.read_csv(halves / "found" / "matbench.csv", index_col="material_id", keep_default_na=False)
    kept = pd.read_parquet(halves / "found" / "candidates.parquet").set_index("id")
    assert set(table.index[table["kept"] == 1]) == set(kept.index)
    elements = read_shipped("mp-elements").references
    lowest: dict[str, float] = {}
    for formula, energy in zip(elements.formulas.tolist(), elements.energies.tolist(), strict=True):
        symbol = Composition(formula).elements[0].symbol
        lowest[symbol] = min(energy, lowest.get(symbol, 0.0))
    for name, row in kept.iterrows():
        parts = Composition(row["formula"]).fractional_composition
        mixture = sum(parts[symbol] * lowest[symbol.symbol] for symbol in parts)
        assert table.loc[name, "e_form_per_atom_magpie_forest"] == pytest.approx(row["mean_ev_per_atom"] - mixture)
        assert table.loc[name, "e_form_per_atom_magpie_forest_std"] == pytest.approx(row["sigma"])
        assert table.loc[name, "protostructure_initial"] == row["protostructure"]


def test_what_was_found_later_is_told_in_both_conventions(prospected):
    assert re.search(r"found later +thesis +matbench-discovery", prospected)
    assert re.search(r"enrichment +[\d.-]+ +[\d.-]+$", prospected, re.MULTILINE)
    assert re.search(r"area under the curve +[\d.-]+; by ΔE alone [\d.-]+$", prospected, re.MULTILINE)
    assert re.search(
        r"the two orders cross over +(never|\d+ times, after [\d, .]+ candidates)$", prospected, re.MULTILINE
    )


def test_the_campaign_takes_labels_and_makes_their_cells(halves, prospected, registered, nothing_stored):
    said = run("launch", halves / "found" / "campaign.yaml", "--dry-run")
    assert said.exit_code == 0, said.output
    assert "candidates.parquet: 25 rows read, 25 used" in said.output
    assert re.search(r"final +potential +top_n, 60 rounds", said.output)


def test_a_finished_folder_says_so_and_stays_as_it_is(halves, prospected):
    before = {file: file.stat().st_mtime_ns for file in (halves / "found").rglob("*")}
    said = run(
        "prospect", halves / "known.parquet", "-r", "mp-elements", "--settings", halves / "settings.yaml",
        "--later", halves / "later.parquet", "--seed", 7, "-o", halves / "found",
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "found is finished: 25 kept; nothing was done again" in said.output
    assert {file: file.stat().st_mtime_ns for file in (halves / "found").rglob("*")} == before


def test_a_folder_of_another_prospect_is_refused_with_what_differs(halves, prospected):
    said = run(
        "prospect", halves / "later.parquet", "-r", "mp-elements", "--settings", halves / "settings.yaml",
        "--later", halves / "later.parquet", "--seed", 8, "--draws", 3, "-o", halves / "found",
    )  # fmt: skip
    assert said.exit_code == 1
    assert "of another prospect (content of the crystals, settings.seed: 7 there, 8 now, " in said.output
    assert "settings.substitution.draws: 2 there, 3 now)" in said.output
    said = run("prospect", halves / "settings.yaml", "-r", "mp-elements", "-o", halves)
    assert said.exit_code == 1
    assert "is there already, and no prospect of this version" in said.output


def test_what_was_stopped_goes_on_where_it_was_and_ends_as_if_nothing_had_been(halves, prospected):
    folder, told = halves / "elsewhere" / "found", []

    def call(last):
        """Stopped when a line with ``last`` is said; lines with "trees" come from within a fit."""
        lines = []

        def report(line):
            lines.append(line)
            if last in line:
                raise KeyboardInterrupt

        told.append(lines)
        settings = settings_from(halves / "settings.yaml", seed=7)
        return prospect(
            halves / "known.parquet", folder, references="mp-elements", later=halves / "later.parquet",
            settings=settings, report=report,
        )  # fmt: skip

    for last in ("trees", "asked about"):
        with pytest.raises(KeyboardInterrupt):
            call(last)
    assert not (folder / "campaign.yaml").exists()
    assert call("nothing like that").kept == 25
    assert not [line for line in told[0] if "goes on" in line]
    assert "crystals read, shards of draws: 1, members fitted: 0 of 2, tables of predictions: 0" in told[1][0]
    assert "shards of draws: 1, members fitted: 2 of 2, tables of predictions: 1" in told[2][0]
    assert [sum("trees" in line for line in lines) for lines in told] == [1, 2, 0]
    there, here = halves / "found", folder
    names = {str(file.relative_to(there)) for file in there.rglob("*") if file.is_file()}
    assert {str(file.relative_to(here)) for file in here.rglob("*") if file.is_file()} == names
    for name in names - {name for name in names if name.startswith("ensemble/member")}:  # these tell seconds
        assert (here / name).read_bytes() == (there / name).read_bytes(), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "cgcnn"], "cgcnn looks at cells"),
        (["--rule", "nothing"], "unknown keep-rule 'nothing'"),
        (["--exclude", "Unobtainium"], "neither elements nor groups of elements: Unobtainium"),
        (["--protocol", "goodall"], "unknown protocol 'goodall'"),
        (["--ensemble", "987654"], "987654"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_no_folder(halves, options, message, aiida_profile):
    said = run("prospect", halves / "known.parquet", "-r", "mp-elements", "-o", halves / "none", *options)
    assert said.exit_code == 1
    assert message in said.output
    assert not (halves / "none").exists()


def test_nothing_kept_is_told_with_the_funnel(halves):
    wish = SETTINGS | {"rule_settings": {"n": 1}}
    (halves / "one.yaml").write_text(yaml.safe_dump(wish))
    said = run(
        "prospect", halves / "known.parquet", "-r", "mp-elements", "--settings", halves / "one.yaml", "--draws", 1,
        "-o", halves / "few",
    )  # fmt: skip
    assert said.exit_code == 1
    assert "1 kept: a campaign needs 2 candidates" in said.output
    assert "rule top_n" in said.output
    assert len(read_ensemble(halves / "few" / "ensemble").members) == 2
    assert not (halves / "few" / "campaign.yaml").exists()


def test_too_few_for_the_protocols_models_is_said(halves):
    wish = SETTINGS | {"rule_settings": {"n": 5}, "substitution": {"draws": 1}}
    (halves / "five.yaml").write_text(yaml.safe_dump(wish))
    words = ("prospect", halves / "known.parquet", "-r", "mp-elements", "--settings", halves / "five.yaml")
    assert "need 16 results before they order the rest, and 5" in run(*words, "-o", halves / "five").output
    assert "need 16" not in run(*words, "-o", halves / "all", "--protocol", "potential").output


def test_nothing_is_launched_unless_it_is_wanted(halves, registered, nothing_stored, monkeypatch):
    from click.testing import CliRunner

    from aiida_mlhull.cli import main

    words = ["prospect", halves / "known.parquet", "-r", "mp-elements", "--settings", halves / "settings.yaml"]
    words += ["-o", halves / "asked", "--launch"]
    said = CliRunner().invoke(main, [str(word) for word in words], input="n\n")
    assert said.exit_code == 0, said.output
    assert "Make cells for 25 candidates" in said.output
    assert "Nothing was stored. Later: aiida-mlhull launch" in said.output
