"""Placeholders: what readers of POTCARs find in them, and what is not in them."""

from __future__ import annotations

from parsevasp.potcar import Potcar as ParsevaspPotcar
from pymatgen.io.vasp.sets import MPRelaxSet

from aiida_mlhull.standin.potcars import placeholder, potential_names, write_placeholders


def test_every_name_of_the_materials_project_s_sets_and_every_plain_element():
    names = potential_names()
    assert names == sorted(set(names))
    assert set(MPRelaxSet.CONFIG["POTCAR"].values()) < set(names)
    assert {"Ti", "Ti_pv", "W", "U", "Lr"} < set(names)


def test_parsevasp_reads_the_header(tmp_path):
    for path in write_placeholders(tmp_path, ["Ti_pv", "Ga_d", "O"]):
        with path.open() as handler:
            read = ParsevaspPotcar(file_handler=handler)
        assert read.symbol == path.parent.name
        assert read.element == path.parent.name.split("_")[0]
        assert read.functional_class == "GGA"
    assert read.zval == 6.0


def test_valences_follow_the_periodic_table():
    valences = {"H": 1, "He": 2, "O": 6, "Na": 1, "Ti": 4, "Zn": 12, "Ga": 3, "Xe": 8, "La": 3, "Tl": 3, "U": 6}
    for symbol, electrons in valences.items():
        assert f"ZVAL   = {electrons:8.3f}" in placeholder(symbol)


def test_placeholders_are_loud_and_short():
    for name in potential_names():
        text = placeholder(name)
        assert text.count("PLACEHOLDER") >= 3
        assert "NOT VASP" in text
        assert len(text) < 1000
