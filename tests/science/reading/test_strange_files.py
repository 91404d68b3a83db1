"""Files that say less than it takes, or contradict themselves: read rightly or left out with a reason, never changed.

Every input is made here; volumes, compositions and distances are worked out by hand.
"""

from __future__ import annotations

import bz2
import gzip
import json
import warnings

import numpy as np
import pytest
from pymatgen.core import Lattice, Molecule, Structure
from pymatgen.core.surface import Slab
from pymatgen.entries.computed_entries import ComputedStructureEntry

from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.reading.candidates import read_crystals
from aiida_mlhull.science.reading.warned import attempt
from aiida_mlhull.science.representations.neighbors import minimum_distances


def cif(*sites, group="P 1", cell=(4, 4, 4, 90, 90, 90), name="made", **tags):
    """A CIF block: sites are label, symbol, position, further columns by their tags' tails."""
    axes = dict(
        zip(("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma"), cell, strict=True)
    )
    lines = [f"data_{name}", *(f"_cell_{tag} {value}" for tag, value in axes.items())]
    lines += [f"_symmetry_space_group_name_H-M '{group}'"] if group else []
    lines += [f"_{tag} '{value}'" for tag, value in tags.items()]
    extra = [key for key in sites[0] if key not in {"label", "symbol", "at"}]
    columns = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", *extra)
    lines += ["loop_", *(f"_atom_site_{column}" for column in columns)]
    for site in sites:
        values = [site["label"], site["symbol"], *site["at"], *(site[key] for key in extra)]
        lines.append(" ".join(map(str, values)))
    return "\n".join([*lines, ""])


def site(symbol, *at, label=None, **more):
    return {"label": label or f"{symbol}1", "symbol": symbol, "at": at, **more}


P1 = {"symmetry_equiv_pos_as_xyz": "x, y, z"}
SALT = cif(site("Na", 0, 0, 0), site("Cl", 0.5, 0.5, 0.5), group="F m -3 m", cell=(5.6, 5.6, 5.6, 90, 90, 90))
TITANIUM_NITRIDE = "{comment}\n{scale}\n0 2 2\n2 0 2\n2 2 0\n{names}1 1\n{kind}\n0 0 0{first}\n{second}\n"


def poscar(comment="cell", scale="1.06", names="Ti N\n", kind="Direct", first="", second="0.5 0.5 0.5"):
    return TITANIUM_NITRIDE.format(comment=comment, scale=scale, names=names, kind=kind, first=first, second=second)


def read(folder, **files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / "sound.cif").write_text(SALT)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what leaks out of a reader is noise on somebody's terminal
        intake = read_crystals(folder, bad_rows="leave_out")
    used = dict(zip(intake.candidates.ids.tolist(), intake.candidates.formulas.tolist(), strict=True))
    assert used.pop("sound") == "NaCl"
    return intake, used, dict(zip(intake.left_out.ids.tolist(), intake.left_out.reasons.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        (cif(site("Ca", 0, 0, 0), site("O", 0.5, 0.5, 0.5), chemical_formula_sum="Ca H2 O2", **P1), "formula_differs", "Ca H2 O2"),
        (cif(site("Ba", 0, 0, 0), site("O", 0.5, 0.5, 0), group="", chemical_formula_sum="Ba Ti O3"), "formula_differs", "Ba Ti O3"),
        (
            cif(
                site("K", 0, 0, 0, attached_hydrogens=0),
                site("O", 0.5, 0.5, 0.5, attached_hydrogens=1),
                **P1,
            ),
            "implicit_atoms",
            "attached_hydrogens",
        ),
        (cif(site("Li", 0, 0, 0), site("O", 0.5, 0.5, 0.5, label="OW1"), **P1), "implicit_atoms", "OW1"),
        (cif(site("Na", 0, 0, 0), site("Cl", 0.5, 0.5, 0.5), group=""), "no_symmetry", "P1"),
        (cif(site("Na", 0, 0, 0), site("Cl", 0.5, 0.5, 0.5), group="Q 4 2"), "no_symmetry", ""),
        (
            cif(site("Na", 0, 0, 0), site("Cl", 0.5, 0.5, 0.5), chemical_formula_sum="Na Cl", cell_formula_units_Z=4, **P1),
            "count_differs",
            "stated 8",
        ),
        (cif(site("Fe", 0, 0, 0), site("O", 0.5, 0.5, 0.5), chemical_formula_sum="Fe-O-x", **P1), "unreadable_formula", "Fe-O-x"),
        (cif(site("Fe", 0, 0, 0, occupancy=0.9), site("O", 0.5, 0.5, 0.5, occupancy=1), **P1), "disordered", "Fe"),
        (cif(site("Fe", 0, 0, 0, occupancy=1.3), site("O", 0.5, 0.5, 0.5, occupancy=1), **P1), "disordered", "1.3"),
        (cif(site("C", 0, 0, 0), group="F d -3 m", cell=(3.57, 3.57, 3.57, 90, 90, 90)), "no_symmetry", "possible"),
        # water in the formula of the moiety alone; atoms at "." and "?"; a dummy atom; a group whose operations are missing
        (
            cif(site("Al", 0, 0, 0), site("O", 0.5, 0.5, 0.5), chemical_formula_moiety="Al O (O H)", **P1),
            "formula_differs", "O H",
        ),
        (cif(site("Li", 0, 0, 0), site("O", 0.5, 0.5, 0.5), site("H", ".", ".", "."), **P1), "implicit_atoms", "H1"),
        (cif(site("Li", 0, 0, 0), site("H", "?", "?", "?"), **P1), "implicit_atoms", "H1"),
        (cif(site("Li", 0, 0, 0), site("H", 0.5, 0.5, 0.5), site("X", 0.1, 0.2, 0.3), **P1), "unknown_element", "X"),
        (cif(site("Na", 0, 0, 0), site("Cl", 0.5, 0.5, 0.5), group="F m -3 m", **P1), "no_symmetry", "identity"),
        (
            cif(site("Na", 0, 0, 0), site("Cl", 0.5, 0.5, 0.5), group="F m -3 m", chemical_formula_sum="Cl Na", **P1),
            "no_symmetry", "identity",
        ),
        (cif(site("Na", 0, 0, 0), **P1).replace("fract", "Cartn"), "unreadable", "fractional"),
        ("data_x\n_cell_length_a oops\n", "unreadable", "no data block"),
        ("no CIF at all", "unreadable", "no data block"),
    ],
)  # fmt: skip
def test_a_cif_that_contradicts_itself_is_left_out(tmp_path, text, reason, said):
    intake, used, left_out = read(tmp_path, **{"bad.cif": text})
    assert (used, left_out) == ({}, {"bad": reason})
    assert said in intake.left_out.details[0]


RHOMBOHEDRAL = (5.3, 5.3, 5.3, 53.3, 53.3, 53.3)


@pytest.mark.parametrize(
    ("text", "formula", "sites"),
    [
        # Bi2Te3's structure in its primitive cell: rhombohedral axes, which the name alone doesn't tell
        (
            cif(site("Sb", 0.4, 0.4, 0.4), site("Se", 0, 0, 0, label="Se1"), site("Se", 0.21, 0.21, 0.21, label="Se2"),
                group="R -3 m", cell=(10.5, 10.5, 10.5, 24.2, 24.2, 24.2), chemical_formula_sum="Sb2 Se3"),
            "Sb2Se3", 5,
        ),
        (
            cif(site("Al", 0.35, 0.35, 0.35), site("O", 0.55, 0.95, 0.25), group="R -3 c :R", cell=(5.13, 5.13, 5.13, 55.3, 55.3, 55.3),
                chemical_formula_sum="Al2 O3", cell_formula_units_Z=2),
            "Al2O3", 10,
        ),
        # and in hexagonal ones
        (
            cif(site("Al", 0, 0, 0.352), site("O", 0.306, 0, 0.25), group="R -3 c", cell=(4.76, 4.76, 12.99, 90, 90, 120),
                chemical_formula_sum="Al2 O3", cell_formula_units_Z=6),
            "Al2O3", 30,
        ),
        # diamond's structure for both origins of Fd-3m: told by the suffix, or by Z
        (cif(site("Si", 0, 0, 0), group="F d -3 m S", cell=(5.43, 5.43, 5.43, 90, 90, 90)), "Si", 8),
        (cif(site("Si", 0.125, 0.125, 0.125), group="F d -3 m :2", cell=(5.43, 5.43, 5.43, 90, 90, 90)), "Si", 8),
        (
            cif(site("Ge", 0.125, 0.125, 0.125), group="F d -3 m", cell=(5.66, 5.66, 5.66, 90, 90, 90),
                chemical_formula_sum="Ge", cell_formula_units_Z=8),
            "Ge", 8,
        ),
        # no symmetry at all, but formula and Z vouch for the sites
        (
            cif(site("Cs", 0, 0, 0), site("Br", 0.5, 0.5, 0.5), group="", chemical_formula_sum="Br Cs", cell_formula_units_Z=1),
            "CsBr", 2,
        ),
        # rounded thirds on a special position; labels alone; deuterium; capital tags; tags of newer dictionaries
        (
            cif(site("Mg", 0.3333, 0.6667, 0.25), group="P 63/m m c", cell=(3.2, 3.2, 5.2, 90, 90, 120), chemical_formula_sum="Mg",
                cell_formula_units_Z=2),
            "Mg", 2,
        ),
        (cif(site("Li", 0, 0, 0), site("D", 0.5, 0.5, 0.5), chemical_formula_sum="D Li", **P1), "LiH", 2),
        (
            cif(site("K", 0, 0, 0), site("I", 0.5, 0.5, 0.5), **P1).replace("_cell_length", "_CELL_LENGTH").replace("fract", "FRACT"),
            "KI", 2,
        ),
        (cif(site("K", 0, 0, 0), site("I", 0.5, 0.5, 0.5), **P1).replace("_cell_", "_cell.").replace("_site_", "_site."), "KI", 2),
        # a group whose operations are missing, but formula and Z vouch for the sites; sites in the text of another block
        (
            cif(site("Rb", 0, 0, 0), site("Br", 0.5, 0.5, 0.5), group="P m -3 m", chemical_formula_sum="Br Rb",
                cell_formula_units_Z=1, **P1),
            "RbBr", 2,
        ),
        ("data_all\n_note\n;\n_atom_site_fract_x\n;\n" + cif(site("Rb", 0, 0, 0), site("I", 0.5, 0.5, 0.5), **P1), "RbI", 2),
        (cif(site("Rb", 0, 0, 0), site("I", 0.5, 0.5, 0.5), **P1) + "_publ_details\n;\ndata_collected by us\ndata_\n;\n", "RbI", 2),
    ],
)  # fmt: skip
def test_a_cif_that_says_enough_is_read(tmp_path, text, formula, sites):
    intake, used, left_out = read(tmp_path, **{"good.cif": text})
    assert (used, left_out) == ({"good": formula}, {})
    assert intake.candidates.crystals.n_sites[intake.candidates.ids == "good"] == [sites]


POTCAR = "".join(
    f"  PAW_PBE {title} 01Jan2001\n   TITEL  = PAW_PBE {title} 01Jan2001\nEnd of Dataset\n" for title in ("Ti_pv", "N")
)


@pytest.mark.parametrize(
    ("files", "used", "left_out"),
    [
        ({"run/POSCAR": poscar(names=""), "run/POTCAR": POTCAR}, {"run": "TiN"}, {}),
        ({"run/POSCAR": poscar(names=""), "run/POTCAR": POTCAR.replace("Ti_pv", "Zr_sv_GW")}, {"run": "ZrN"}, {}),
        ({"POSCAR": poscar(comment="Zr C", names="")}, {"POSCAR": "ZrC"}, {}),
        ({"POSCAR": poscar(names="", first=" Hf", second="0.5 0.5 0.5 N")}, {"POSCAR": "HfN"}, {}),
        ({"POSCAR": poscar(comment="ZrC", names="")}, {}, {"POSCAR": "no_elements"}),
        ({"POSCAR": poscar(comment="Zr C N", names="")}, {}, {"POSCAR": "no_elements"}),
        ({"POSCAR": poscar(comment="", names="")}, {}, {"POSCAR": "no_elements"}),
        ({"a.vasp": poscar(names="A B\n")}, {}, {"a": "no_elements"}),
        ({"a.vasp": poscar(names="Ti_pv/8f2a N/9b\n")}, {"a": "TiN"}, {}),
        ({"run/POSCAR": poscar(), "run/POTCAR": POTCAR.replace("Ti_pv", "Zr_sv")}, {}, {"run": "formula_differs"}),
        # two that say which elements there are, and don't agree
        ({"run/POSCAR": poscar(comment="Zr N", names=""), "run/POTCAR": POTCAR}, {}, {"run": "formula_differs"}),
        ({"run/POSCAR": poscar(comment="Ti N", names=""), "run/POTCAR": POTCAR[:60]}, {}, {"run": "formula_differs"}),
        ({"a.vasp": poscar(first=" N", second="0.5 0.5 0.5 Ti")}, {}, {"a": "formula_differs"}),
        ({"a.vasp": poscar() + "0.25 0.25 0.25\n"}, {}, {"a": "count_differs"}),
        ({"a.vasp": poscar() + "\n0 0 0\n0 0 0\n"}, {"a": "TiN"}, {}),
        ({"a.vasp": poscar().replace("1 1\n", "900000000 1\n")}, {}, {"a": "unreadable"}),
        ({"a.vasp": poscar(scale="0")}, {}, {"a": "unreadable"}),
        ({"a.vasp": ""}, {}, {"a": "unreadable"}),
    ],
)  # fmt: skip
def test_elements_of_a_poscar_are_found_or_it_is_left_out(tmp_path, files, used, left_out):
    assert read(tmp_path, **files)[1:] == (used, left_out)


@pytest.mark.parametrize(
    ("text", "volume", "distance"),
    [
        (poscar(scale="-38.0", kind="Cartesian", second="2 0 0"), 38.0, np.cbrt(38.0 / 16) * 2),
        (poscar(scale="-20.0", kind="cart", second="2 0 0"), 20.0, np.cbrt(20.0 / 16) * 2),
        (poscar(scale="-19.0"), 19.0, np.cbrt(19.0 / 16) * 2),
        (poscar(scale="1.1", kind="Kartesisch", second="2 0 0"), 16 * 1.1**3, 2.2),
        (poscar(scale="1.0 1.1 1.2", kind="Cartesian", second="2 0 0"), 16 * 1.32, 2.0),
        (poscar(scale="1.0 1.1 1.2"), 16 * 1.32, 2.0),
        (poscar(kind="Selective dynamics\nCartesian", scale="-38", first=" T T F", second="2 0 0 T F T"), 38.0, np.cbrt(38.0 / 16) * 2),
    ],
)  # fmt: skip
def test_positions_are_scaled_with_the_cell(tmp_path, text, volume, distance):
    intake, used, _ = read(tmp_path, **{"one.vasp": text})
    crystals = intake.candidates.crystals.take(intake.candidates.ids == "one")
    assert used == {"one": "TiN"}
    assert crystals.volumes == pytest.approx([volume])
    assert minimum_distances(crystals) == pytest.approx([distance], abs=2e-4)


def test_what_a_folder_holds_is_read_or_counted(tmp_path):
    other = SALT.replace("Na", "K").replace("5.6", "6.3")
    intake, used, left_out = read(
        tmp_path,
        **{
            "A.CIF": other,
            "b.cif.gz": gzip.compress(other.encode()),
            "c.mcif.bz2": bz2.compress(other.encode()),
            "d.POSCAR": poscar(),
            "same.vasp": poscar(),
            "same.cif": other,
            "run1/POSCAR": poscar(),
            "run1/CONTCAR": poscar(scale="1.1"),
            "run2/POSCAR": poscar(),
            "run2/CONTCAR": "",
            "run2/OUTCAR": "no structure",
            ".ipynb_checkpoints/A-checkpoint.cif": other,
            "._A.cif": b"\x00\x05\x16\x07",
            "__MACOSX/x.cif": other,
            "POSCAR.bak": poscar(),
            "notes.txt": "no structure",
            "torn.cif.gz": gzip.compress(other.encode())[:60],
            "latin.cif": other.encode() + "# Å".encode("latin-1"),
        },
    )
    assert set(used) == {"A", "b", "c", "d", "same.cif", "same.vasp", "run1", "run2", "latin"}
    assert left_out == {"torn": "unreadable"}
    volumes = dict(zip(intake.candidates.ids.tolist(), intake.candidates.crystals.volumes.tolist(), strict=True))
    assert volumes["run1"] == pytest.approx(16 * 1.1**3)
    assert "of POSCAR and CONTCAR in one folder CONTCAR was read (1: run1)" in intake.summary()
    assert "of POSCAR and CONTCAR in one folder POSCAR, CONTCAR being empty, was read (1: run2)" in intake.summary()
    assert "2 files that are neither CIF nor POSCAR were not looked at: 1 .txt, 1 OUTCAR" in intake.summary()
    assert "4 hidden or backup files were not looked at" in intake.summary()


def test_links_of_a_folder_are_followed_inside_or_counted(tmp_path):
    folder = tmp_path / "mine"
    (folder / "run").mkdir(parents=True)
    (folder / "a.vasp").write_text(poscar())
    (folder / "b.vasp").symlink_to("a.vasp")
    (folder / "run" / "gone.cif").symlink_to(tmp_path / "nowhere.cif")
    (folder / "run" / "circle").symlink_to(folder)
    intake = read_crystals(folder, bad_rows="leave_out")
    assert intake.candidates.ids.tolist() == ["a", "b"]
    assert intake.remarks == ("1 links lead nowhere: run/gone.cif",)


@pytest.mark.parametrize("name", ["a.cif", "a.CIF.gz", "a.vasp", "POSCAR"])
def test_a_single_file_is_read(tmp_path, name):
    folder = tmp_path / "mine"
    folder.mkdir()
    content = (SALT if "cif" in name.lower() else poscar()).encode()
    (folder / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    intake = read_crystals(folder / name)
    assert intake.candidates.ids.tolist() == ["mine" if name == "POSCAR" else "a"]


def entries(*structures, **more):
    return [{"structure": structure.as_dict(), **more} for structure in structures]


NITRIDE = Structure(Lattice.cubic(4.2), ["Ti", "N"], [[0, 0, 0], [0.5] * 3])
LARGER = Structure(Lattice.cubic(4.4), ["Zr", "N"], [[0, 0, 0], [0.5] * 3])


@pytest.mark.parametrize(
    ("content", "used", "left_out"),
    [
        ([{"structure": NITRIDE.as_dict(), "entry_id": None}, {"structure": LARGER.as_dict(), "entry_id": None}], ["f_1", "f_2"], {}),
        ([dict(e, material_id={"@class": "MPID", "string": f"mp-{n}"}) for n, e in enumerate(entries(NITRIDE, LARGER))], ["mp-0", "mp-1"], {}),
        ([dict(e, id={"$oid": f"5f{n}"}) for n, e in enumerate(entries(NITRIDE, LARGER))], ["5f0", "5f1"], {}),
        ([dict(e, id=n) for n, e in enumerate(entries(NITRIDE, LARGER))], ["0", "1"], {}),
        ([NITRIDE.as_dict(), LARGER.as_dict(), 3, "x", None, {"lattice": 1}], ["f_1", "f_2"], dict.fromkeys(("f_3", "f_4", "f_5", "f_6"), "unreadable")),
        ({"a": NITRIDE.as_dict(), "b": Molecule(["H", "H"], [[0, 0, 0], [0, 0, 0.7]]).as_dict()}, ["a"], {"b": "not_periodic"}),
        ({"a": NITRIDE.as_dict(), "b": Structure(Lattice(np.eye(3) * 4, pbc=(True, True, False)), ["Ti"], [[0, 0, 0]]).as_dict()}, ["a"], {"b": "not_periodic"}),
        ({"a": NITRIDE.as_dict(), "b": Slab(Lattice.cubic(9), ["Fe"], [[0, 0, 0]], (1, 0, 0), NITRIDE, 0, np.eye(3)).as_dict()}, ["a"], {"b": "not_periodic"}),
        ([*entries(NITRIDE, id="a"), *entries(LARGER, id="b", formula_pretty="Zr3N4")], ["a"], {"b": "formula_differs"}),
        ([*entries(NITRIDE, id="a"), *entries(LARGER, id="b", composition={"Zr": 1, "N": 1.1})], ["a"], {"b": "formula_differs"}),
        ([*entries(NITRIDE, id="a"), *entries(LARGER, id="b", nsites=4)], ["a"], {"b": "count_differs"}),
        ([*entries(NITRIDE, id="a"), *entries(LARGER, id="b", formula="Zr?")], ["a"], {"b": "unreadable_formula"}),
        ([ComputedStructureEntry(s, -1.0).as_dict() for s in (NITRIDE, LARGER)], ["f_1", "f_2"], {}),
    ],
)  # fmt: skip
def test_entries_are_rows_whatever_is_beside_them(tmp_path, content, used, left_out):
    path = tmp_path / "f.json"
    path.write_text(json.dumps(content))
    intake = read_crystals(path, bad_rows="leave_out")
    assert intake.candidates.ids.tolist() == used
    assert dict(zip(intake.left_out.ids, intake.left_out.reasons, strict=True)) == left_out


FRAME = 'Lattice="4 0 0 0 4 0 0 0 4" Properties={properties}{more}\n{lines}\n'


def frame(*lines, properties="species:S:1:pos:R:3", more=""):
    return f"{len(lines)}\n" + FRAME.format(properties=properties, more=more, lines="\n".join(lines))


CESIUM = frame("Cs 0 0 0", "Cl 2 2 2")


@pytest.mark.parametrize(
    ("text", "formulas", "reasons"),
    [
        (CESIUM + frame("Li 0 0 0", "D 2 2 2"), ["CsCl", "LiH"], []),
        (CESIUM + frame("0 0 0 T", "2 2 2 K", properties="pos:R:3:species:S:1"), ["CsCl", "KH"], []),
        (CESIUM + frame("Na 0 0 0", more=' pbc="T T F"'), ["CsCl"], ["not_periodic"]),
        (CESIUM + "2\nwater, not a crystal\nH 0 0 0\nH 0 0 0.7\n", ["CsCl"], ["not_periodic"]),
        (CESIUM + frame("Qq 0 0 0"), ["CsCl"], ["unreadable"]),
        (CESIUM + frame("X 0 0 0"), ["CsCl"], ["unknown_element"]),
        (CESIUM + frame("Na 0 0 oops") + CESIUM, ["CsCl", "CsCl"], ["unreadable"]),
        (CESIUM + "5\n" + CESIUM, ["CsCl"], ["unreadable"]),
        (CESIUM + "12345678901234567890\n", ["CsCl"], ["unreadable"]),
        (CESIUM + "\n\n" + CESIUM, ["CsCl", "CsCl"], []),
        (CESIUM + frame("Ti 0 0 0", "N 2 2 2", more=" formula=TiO2"), ["CsCl"], ["formula_differs"]),
        # ase makes room for as many columns as are announced, before it reads one
        (CESIUM + frame("Ti 0 0 0", properties="species:S:1:pos:R:9999999"), ["CsCl"], ["unreadable"]),
        (CESIUM + frame("Ti 0 0 0", properties="{species:S:9_999_999:pos:R:3}"), ["CsCl"], ["unreadable"]),
        (CESIUM + frame("Ti 0 0 0", "N 2 2 2", more=" nsites=3"), ["CsCl"], ["count_differs"]),
    ],
)
def test_a_frame_that_cannot_be_used_is_one_row(tmp_path, text, formulas, reasons):
    path = tmp_path / "f.xyz"
    path.write_text(text)
    intake = read_crystals(path, bad_rows="leave_out")
    assert intake.candidates.formulas.tolist() == formulas
    assert intake.left_out.reasons.tolist() == reasons


def test_warnings_are_kept_unless_they_are_listed_as_harmless(recwarn):
    def reader():
        for text in ("coordinates look odd", "2 fractional coordinates rounded to ideal values to avoid issues"):
            warnings.warn(text, stacklevel=1)
        warnings.warn("call me otherwise", DeprecationWarning, stacklevel=1)
        return 3

    assert attempt(reader).warned == ("coordinates look odd",)
    assert attempt(lambda: {}["x"]).fault == "'x'"
    assert not recwarn.list


def test_a_campaign_that_refuses_bad_rows_names_them_all(tmp_path):
    (tmp_path / "a.vasp").write_text(poscar(names=""))
    (tmp_path / "b.cif").write_text(SALT)
    (tmp_path / "c.cif").write_text(SALT)
    with pytest.raises(Exception, match="1 of 3 rows: name no elements: a .*write them into line 6"):
        read_candidates(tmp_path)
