"""Schemes: what is read of their texts, and which of them may meet."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.relaxation import POTENTIALS
from aiida_mlhull.science.schemes import (
    KNOWN,
    Scheme,
    canonical,
    described,
    difference,
    functional_named,
    parse_scheme,
    same_scheme,
)
from aiida_mlhull.science.vasp.settings import PROTOCOLS, VaspSettings, read_step


@pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
def test_ids_texts_and_other_names_are_one_scheme(known):
    for name in (known.name, known.text, known.text.upper(), *known.aliases):
        assert canonical(name) == known.text
        assert same_scheme(name, known.text)
    assert described(known.name).startswith(known.name)


def test_known_schemes_never_meet_each_other():
    for one, other in combinations(KNOWN, 2):
        assert not same_scheme(one, other)
        assert difference(one, other)


@pytest.mark.parametrize(
    "text",
    [
        "PBE(+U) at Materials Project settings, MP2020-corrected",
        "PBE, MP2020 corrections (MaterialsProject2020Compatibility, pymatgen 2026.10.24)",
        "MP2020 corrections (MaterialsProject2020Compatibility, pymatgen 2024.1.1)",
        "GGA_GGA+U",
    ],
)
def test_what_earlier_versions_stored_is_known_again(text):
    assert same_scheme(text, "mp-pbe-2020")
    assert not same_scheme(text, "mp-pbe-raw")


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        ("PBE", "PBEsol", "functional: PBE / PBEsol"),
        ("PBE, not corrected", "PBE, MP2020-corrected", "corrections: none / MP2020"),
        ("PBE", "PBE+U", "U: none / not stated"),
        ("PBE, 600 eV", "PBE, 520 eV", "settings: 600 eV / 520 eV"),
        ("as published", "mp-pbe-raw", "functional: not stated / PBE"),
    ],
)
def test_what_differs_is_named(one, other, differs):
    assert not same_scheme(one, other)
    assert difference(one, other).startswith(differs)


def test_wording_and_versions_do_not_matter_but_unknown_words_do():
    assert same_scheme("PBE, 600 eV, uncorrected", "GGA, 600  EV, not corrected")
    assert same_scheme("r²SCAN, mine", "R2SCAN, mine")
    assert same_scheme("PBE, MP2020-corrected, pymatgen 2026.1", "PBE, MP2020-corrected, pymatgen 2024.1")
    assert same_scheme("as published", "as published")
    assert not same_scheme("as published", "by hand")
    assert not same_scheme("", "as published")


@pytest.mark.parametrize(
    ("run_type", "expected"),
    [
        ("GGA", ("PBE", False)),
        ("GGA+U", ("PBE", True)),
        ("PBE (+U)", ("PBE", None)),
        ("R2SCAN", ("r2SCAN", False)),
        ("r²SCAN", ("r2SCAN", False)),
        ("PBE_54", ("PBE", False)),
        ("PS", ("PBEsol", False)),
        ("SCAN+U", ("SCAN", True)),
        ("GGA+D3", None),
        ("", None),
        ("something", None),
    ],
)
def test_run_types(run_type, expected):
    assert functional_named(run_type) == expected


@given(
    st.builds(
        Scheme,
        functional=st.sampled_from(["", "PBE", "PBEsol", "r2SCAN", "LDA"]),
        hubbard=st.just("none"),
        settings=st.sampled_from(["", "600 eV", "600 eV, as mine", "dense k-points"]),
        corrections=st.sampled_from(["", "none", "MP2020"]),
        version=st.sampled_from(["", "2026.10.24"]),
    )
)
def test_the_text_says_everything(scheme):
    read = parse_scheme(scheme.text)
    expected = scheme if scheme.functional else Scheme(**{**vars(scheme), "hubbard": ""})
    assert read == expected


@pytest.mark.parametrize("hubbard", ["Fe 5.3", "Fe 5.3 Mn 3.9", "Materials Project"])
def test_u_values_are_part_of_the_text(hubbard):
    settings = "Materials Project settings" if hubbard == "Materials Project" else ""
    scheme = Scheme(functional="PBE", hubbard=hubbard, settings=settings, corrections="none")
    assert parse_scheme(scheme.text) == scheme


@given(st.text(), st.text())
def test_any_text_is_a_scheme_and_the_same_as_itself(one, other):
    assert same_scheme(one, one)
    assert same_scheme(one, other) == same_scheme(other, one)
    assert same_scheme(one, other) or difference(one, other)
    assert same_scheme(canonical(one), one)


def test_every_engine_declares_a_scheme_whose_parts_are_known():
    texts = [POTENTIALS[name].scheme for name in POTENTIALS]
    for name in PROTOCOLS.names():
        protocol = PROTOCOLS.load(name)
        steps = [
            read_step(VaspSettings(protocol=name, corrections=corrections), stage=step)
            for step in protocol["steps"]
            for corrections in protocol["corrections"]
        ]
        texts += [text for step in steps for text in (step.full_scheme, step.raw_scheme)]
    for text in texts:
        assert parse_scheme(text).functional
        assert parse_scheme(text).corrections
