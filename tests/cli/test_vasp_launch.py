"""Campaign files whose stages are VASP's: what engines need is said under ``engines``, and checked before it is stored."""

from __future__ import annotations

from typing import Any

import pytest

from aiida_mlhull.launching.services.daemon import slots_needed
from tests.cli.conftest import Desk, run
from tests.vasp_codes import placeholders

SCHEME = "PBE(+U) at Materials Project settings, not corrected"
STAGES = [
    {"name": "relax", "engine": "vasp", "settings": {"protocol": "mp-compatible"}},
    {"name": "final", "engine": "vasp", "settings": {"protocol": "mp-compatible"}},
]


@pytest.fixture(scope="module")
def family(registered, tmp_path_factory) -> str:
    """A family that has every potential but one which rubidium's compounds want."""
    from pymatgen.io.vasp.sets import MPRelaxSet

    names = set(MPRelaxSet.CONFIG["POTCAR"].values()) - {"Rb_sv"}
    return placeholders(tmp_path_factory.mktemp("potentials"), *sorted(names))


def campaign(desk: Desk, family: str, **changes: Any) -> Any:
    written = desk.campaign()
    import yaml

    content = yaml.safe_load(written.read_text())
    content["references"]["scheme"] = SCHEME
    content["overrides"] = {"stages": STAGES}
    content["engines"] = {"vasp": {"code": "mlhull-job@localhost", "potential_family": family}}
    written.write_text(yaml.safe_dump(content | changes))
    return written


def test_a_family_that_lacks_potentials_is_refused_before_anything_is_stored(desk, family, nothing_stored) -> None:
    result = run("launch", campaign(desk, family), "--dry-run")
    assert result.exit_code != 0
    assert "lacks Rb_sv" in result.output


def test_stages_may_name_other_potentials(desk, family, nothing_stored) -> None:
    stages = [
        {**stage, "settings": {**stage["settings"], "elements": {"Rb": {"potential": "K_sv"}}}} for stage in STAGES
    ]
    other = campaign(desk, family, overrides={"stages": stages})
    refused = run("launch", other, "--dry-run")
    assert refused.exit_code != 0
    assert "but with potential K_sv" in refused.output  # other potentials give other energies
    scheme = "PBE(+U) at Materials Project settings but with potential K_sv, not corrected"
    other.write_text(other.read_text().replace(SCHEME, scheme))
    result = run("launch", other, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "vasp" in result.output
    assert "nothing was stored" in result.output


@pytest.mark.parametrize(
    ("engines", "words"),
    [
        ({}, "engines.vasp: code is missing; potential_family is missing"),
        ({"vasp": {"code": "vasp@nowhere", "potential_family": "PBE"}}, "no code 'vasp@nowhere'"),
        ({"potential": {}, "vasp": {}}, "engines that no stage names: potential"),
    ],
)
def test_what_is_said_of_engines_is_checked(desk, family, nothing_stored, engines, words) -> None:
    result = run("launch", campaign(desk, family, engines=engines), "--dry-run")
    assert result.exit_code != 0
    assert words in result.output


@pytest.mark.parametrize(
    ("shards", "in_flight", "per_job", "least", "all_going"),
    [
        (1, 2, 1, 4, 5),
        (1, 2, 3, 7, 8),  # campaign, engine, two lanes and two WorkChains wait; one job moves
        (2, 10, 3, 44, 63),
        (3, 2, 0, 5, 5),
    ],
)
def test_slots_for_jobs_that_others_wait_for(shards, in_flight, per_job, least, all_going) -> None:
    assert slots_needed(shards=shards, max_in_flight=in_flight, slots_per_job=per_job) == (least, all_going)
