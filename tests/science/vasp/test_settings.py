"""Settings of a stage: protocols, what differs from them, and what is refused."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.errors import SettingsError, UnknownNameError
from aiida_mlhull.science.schemes import KNOWN, same_scheme
from aiida_mlhull.science.types.strict import validated
from aiida_mlhull.science.vasp import PROTOCOLS, VaspSettings, read_step

STEPS = [(protocol, step) for protocol in PROTOCOLS.names() for step in PROTOCOLS.load(protocol)["steps"]]


def settings(**said):
    return validated(VaspSettings, {"protocol": "mp-compatible", **said}, what="stage final, engine vasp")


def test_the_protocols_that_are_promised_are_there() -> None:
    assert PROTOCOLS.names() == ["ekstrom-2022", "goodall-2021", "mp-compatible", "r2scan"]


@pytest.mark.parametrize(("protocol", "step"), STEPS)
def test_every_step_is_complete_and_names_its_functional(protocol, step) -> None:
    found = read_step(VaspSettings(protocol=protocol), stage=step)
    assert found.incar.get("gga") in {"PE", "PS"} or found.incar.get("metagga") == "R2SCAN"
    assert found.full_scheme.endswith("not corrected")


def test_ekstrom_relaxes_the_volume_then_coarsely_then_accurately() -> None:
    steps = [
        read_step(VaspSettings(protocol="ekstrom-2022"), stage=name) for name in ("preprerelax", "prerelax", "final")
    ]
    assert [(step.incar["isif"], step.incar["prec"]) for step in steps] == [
        (7, "Normal"),
        (3, "Normal"),
        (3, "Accurate"),
    ]
    assert [step.must_converge for step in steps] == [False, False, True]
    assert {step.incar["encut"] for step in steps} == {600}


def test_the_stages_name_is_the_step_unless_one_is_named() -> None:
    assert read_step(settings(), stage="relax").must_converge is False
    assert read_step(settings(step="final"), stage="relax").must_converge is True
    with pytest.raises(UnknownNameError, match="no step 'third'.*relax, final, static"):
        read_step(settings(), stage="third")


def test_an_unknown_protocol_lists_those_that_are_known() -> None:
    with pytest.raises(UnknownNameError, match="unknown protocol of VASP 'mp'; known: ekstrom-2022, goodall"):
        read_step(settings(protocol="mp"), stage="final")


def test_a_stage_lays_its_own_over_the_protocols() -> None:
    step = read_step(
        settings(
            incar={"nelm": 200, "lcharg": True},
            kpoints={"reciprocal_density": 100},
            parallel={"kpar": 4, "ncore": 8},
            must_converge=False,
            limits={"hopeless_above": 1.5},
            options={"max_wallclock_seconds": 3600},
            elements={"Fe": {"u": 4.0}},
        ),
        stage="final",
    )
    assert (step.incar["gga"], step.incar["nelm"], step.incar["lcharg"]) == ("PE", 200, True)
    assert (step.parallel.kpar, step.parallel.ncore) == (4, 8)
    assert step.limits.hopeless_above == 1.5
    assert step.limits.volume_ratio == read_step(settings(), stage="final").limits.volume_ratio
    assert not step.must_converge


def test_corrections_are_for_the_settings_that_they_were_fitted_to() -> None:
    assert read_step(settings(corrections="mp2020"), stage="final").full_scheme.endswith("MP2020-corrected")
    with pytest.raises(SettingsError, match="'mp2020' were not fitted to r²SCAN"):
        read_step(VaspSettings(protocol="r2scan", corrections="mp2020"), stage="final")


def test_the_schemes_are_those_of_the_potential_that_learned_them() -> None:
    from aiida_mlhull.science.relaxation.conventions import MP2020_RAW

    assert read_step(settings(corrections="mp2020"), stage="final").full_scheme == KNOWN["mp-pbe-2020"].text
    assert read_step(settings(), stage="final").full_scheme == MP2020_RAW


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"incar": {"enct": 500, "ISMAER": 0}}, r"no INCAR tags: enct \(did you mean encut\?\), ismaer \(did you mean"),
        ({"incar": {"ENCUT": 500, "encut": 520}}, "said twice, in different cases: encut"),
        ({"incar": {"magmom": [1]}}, "not in incar: magmom; use elements"),
        ({"incar": {"kspacing": 0.2}}, "not in incar: kspacing"),
        ({"kpoints": {}}, "either reciprocal_density or spacing"),
        ({"kpoints": {"reciprocal_density": 64, "spacing": 0.2}}, "either reciprocal_density or spacing"),
        ({"limits": {"hopeless_above": 0.05}}, "greater than or equal to 0.3"),
        ({"elements": {"Fe": {"u": -1}}}, "greater than or equal to 0"),
        ({"nonsense": 1}, "nonsense: unknown key"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(said, words) -> None:
    with pytest.raises(SettingsError, match=words):
        settings(**said)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"incar": {"gga": "PS"}}, "gga PS"),
        ({"incar": {"metagga": "R2SCAN"}}, "metagga R2SCAN"),
        ({"incar": {"ivdw": 12}}, "ivdw 12"),
        ({"incar": {"encut": 700}}, "encut 700"),
        ({"elements": {"Fe": {"u": 4.0}}}, "U of Fe 4 eV"),
        ({"elements": {"W": {"potential": "W_sv"}}}, "potential W_sv"),
    ],
)
def test_what_changes_the_energies_changes_the_scheme(changes, words) -> None:
    found = read_step(settings(corrections="mp2020", **changes), stage="final")
    assert words in found.full_scheme
    assert not same_scheme(found.full_scheme, "mp-pbe-2020")


@pytest.mark.parametrize(
    "changes",
    [
        {"incar": {"nelm": 200, "algo": "All"}},
        {"incar": {"gga": "PE", "encut": 520}},
        {"elements": {"Fe": {"potential": "Fe_pv", "magmom": 3}}},
    ],
)
def test_what_does_not_leaves_it(changes) -> None:
    assert read_step(settings(corrections="mp2020", **changes), stage="final").full_scheme == KNOWN["mp-pbe-2020"].text


def test_tags_may_be_written_in_any_case_and_newer_ones_be_named():
    said = settings(incar={"ENCUT": 500, "Algo": "Normal", "newest_tag": 1}, unlisted_tags=["NEWEST_TAG"])
    assert said.incar == {"encut": 500, "algo": "Normal", "newest_tag": 1}
    assert read_step(said, stage="final").incar["newest_tag"] == 1


def test_every_tag_that_a_protocol_or_an_input_set_says_is_known():
    from pymatgen.io.vasp import sets

    from aiida_mlhull.science.vasp.settings import PROTOCOLS
    from aiida_mlhull.science.vasp.tags import check_tags

    for name in PROTOCOLS.names():
        protocol = PROTOCOLS.load(name)
        tags = [protocol.get("incar", {}), *(step.get("incar", {}) for step in protocol["steps"].values())]
        check_tags({tag for part in tags for tag in part})
        check_tags({tag.lower() for tag in getattr(sets, protocol["input_set"]).CONFIG["INCAR"]})
