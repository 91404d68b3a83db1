"""Pseudopotentials: headers of real files, cutoffs that serve all elements, names of functionals."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.errors import InputError, MissingPotentialError, SettingsError
from aiida_mlhull.science.espresso import read_pseudo
from aiida_mlhull.science.espresso.pseudos import functional_name
from tests.science.espresso.families import PSEUDOS, family


@pytest.mark.parametrize(("element", "valence"), [("H", 1), ("Mg", 2), ("Si", 4)])
def test_a_real_header(element, valence):
    pseudo = read_pseudo((PSEUDOS / f"{element}.upf").read_text(), md5="x")
    assert (pseudo.functional, pseudo.valence, pseudo.spin_orbit) == ("PBE", valence, False)


def test_files_that_say_too_little_are_refused():
    with pytest.raises(InputError, match="PP_HEADER"):
        read_pseudo("<UPF version='2.0.1'>", md5="x")
    with pytest.raises(InputError, match="lacks functional"):
        read_pseudo('<PP_HEADER element="Mg" z_valence="2.0"/>', md5="x")


@pytest.mark.parametrize(
    ("words", "name"),
    [(" SLA  PW   PBX  PBC", "PBE"), ("SLA-PW-PBX-PBC", "PBE"), ("PBESOL", "PBEsol"), ("PZ", "LDA"), ("TPSS", "TPSS")],
)
def test_one_name_for_a_functional(words, name):
    assert functional_name(words) == name


def test_cutoffs_serve_the_most_demanding_element():
    assert family().cutoffs(["Mg", "Si"]) == (28, 112)
    assert family().cutoffs(["Mg", "Fe"]) == (45, 450)
    assert family().cutoffs(["Mg", "Si"], stringency="high") == (36, 144)


def test_what_a_family_lacks_is_named():
    assert family().missing(["O", "Mg", "Tc"]) == ["O", "Tc"]
    with pytest.raises(MissingPotentialError, match="no pseudopotential for O"):
        family().cutoffs(["O", "Mg"])
    with pytest.raises(SettingsError, match="'low' for Mg.*recommended: high, normal.*ecutwfc"):
        family().cutoffs(["Mg"], stringency="low")
    bare = family().model_copy(update={"stringency": None})
    with pytest.raises(SettingsError, match="recommends no cutoffs"):
        bare.cutoffs(["Mg"])


def test_the_digest_changes_with_any_file_and_with_nothing_else():
    pseudos = family().pseudos
    same = family().model_copy(update={"label": "other", "pseudos": dict(reversed(pseudos.items()))})
    other = family().model_copy(update={"pseudos": {**pseudos, "Mg": pseudos["Mg"].model_copy(update={"md5": "z"})}})
    assert same.digest == family().digest != other.digest
