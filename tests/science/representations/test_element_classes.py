"""Kinds of crystals partition labels as pymatgen's canonical prototypes do, and classes meet their like."""

from __future__ import annotations

import pytest
from pymatgen.analysis.prototypes import get_prototype_from_protostructure

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.composition import SYMBOLS
from aiida_mlhull.science.representations.element_classes import element_classes
from aiida_mlhull.science.representations.wyckoff import protostructures
from tests.science.real_crystals import mp_crystals, pnictides


def classes(label):
    known = element_classes(label)
    return known.kind, [SYMBOLS[z - 1] for z in known.numbers]


def test_real_crystals_fall_into_the_kinds_of_pymatgen():
    labels = {*protostructures(mp_crystals()).tolist(), *protostructures(pnictides().relaxed).tolist()}
    pairs = {(element_classes(label).kind, get_prototype_from_protostructure(label)) for label in labels}
    assert len({kind for kind, _ in pairs}) == len({prototype for _, prototype in pairs}) == len(pairs) > 100


def test_the_alphabet_of_elements_does_not_matter():
    """Anatase-like: oxygen on f comes first or last in the label, never in the kind."""
    kind, elements = classes("A2B_tP6_136_f_a:O-Ti")
    other, reverse = classes("AB2_tP6_136_a_f:Mn-O")
    assert kind == other == "136 a f"
    assert (elements, reverse) == (["Ti", "O"], ["Mn", "O"])


def test_interchangeable_classes_meet_by_electronegativity():
    """Rock salt and cesium chloride can be lettered either way: the cation comes first in all of them."""
    assert classes("AB_cF8_225_a_b:N-Ti") == ("225 a b", ["Ti", "N"])
    assert classes("AB_cF8_225_a_b:Cl-Na") == ("225 a b", ["Na", "Cl"])
    assert classes("AB_cF8_225_a_b:Mg-O") == ("225 a b", ["Mg", "O"])
    assert classes("AB_cP2_221_a_b:Br-Cs") == ("221 a b", ["Cs", "Br"])


def test_distinguishable_classes_go_by_their_positions_alone():
    """Fluorite and antifluorite: fluorine and lithium share the position that eight of them take."""
    assert classes("AB2_cF12_225_a_c:Ca-F") == ("225 a c", ["Ca", "F"])
    assert classes("A2B_cF12_225_c_a:Li-O") == ("225 a c", ["O", "Li"])


def test_what_is_no_label():
    with pytest.raises(CrystalError, match="not a protostructure label"):
        element_classes("rock salt")
