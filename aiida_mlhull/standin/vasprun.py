"""vasprun.xml, piece by piece: what comes before the first ionic step, each step, and the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.not_vasp import NOT_VASP, VERSION
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.standin.descent import IonicStep
from aiida_mlhull.standin.task import KILOBAR, Task

VECTORS: Final = frozenset({"MAGMOM", "LDAUL", "LDAUU", "LDAUJ", "SAXIS", "DIPOL", "RWIGS", "ROPT", "FERWE", "FERDO"})
"""Tags that are lists even with one entry."""

CLOSING: Final = "</modeling>\n"


def head(task: Task, *, potential: str, now: datetime, n_electrons: float) -> str:
    """Everything before the first ionic step."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<modeling>\n'
        + _generator(potential, now)
        + "<incar>\n"
        + "".join(_tag(name, value) for name, value in task.incar.items())
        + "</incar>\n"
        + _kpoints(task)
        + _parameters(task, n_electrons)
        + _atominfo(task)
        + _structure(task.poscar.lattice, task.poscar.frac_coords, name="initialpos")
    )


def calculation(step: IonicStep, cycle: Sequence[float]) -> str:
    """One ionic step: its electronic steps' energies, cell, forces and stress."""
    energies = [_energies(energy) for energy in cycle]
    return (
        "<calculation>\n"
        + "".join(f"<scstep>\n{energy}</scstep>\n" for energy in energies)
        + _structure(step.lattice, step.frac_coords)
        + _varray("forces", step.forces)
        + _varray("stress", step.stress)
        + energies[-1]
        + f'<time name="totalsc"> {step.core_seconds:10.4f} {step.core_seconds:10.4f}</time>\n</calculation>\n'
    )


def tail(last: IonicStep) -> str:
    """The last cell and the end of the file."""
    return _structure(last.lattice, last.frac_coords, name="finalpos") + CLOSING


def _generator(potential: str, now: datetime) -> str:
    entries = {
        "program": "vasp",  # parsers look for it
        "version": VERSION,
        "subversion": f"{NOT_VASP}: energies of {potential}",
        "platform": NOT_VASP,
        "date": f"{now:%Y %m %d}",
        "time": f"{now:%H:%M:%S}",
    }
    return "<generator>\n" + "".join(_item(name, value) for name, value in entries.items()) + "</generator>\n"


def _kpoints(task: Task) -> str:
    mesh = task.kpoints
    divisions, shift = " ".join(map(str, mesh.divisions)), " ".join(f"{x:.8f}" for x in mesh.shift)
    generation = (
        f'<generation param="{mesh.style}">\n<v type="int" name="divisions"> {divisions} </v>\n'
        f'<v name="usershift"> {shift} </v>\n</generation>\n'
    )
    return (
        "<kpoints>\n"
        + (generation if mesh.style != "Listgenerated" else "")
        + _varray("kpointlist", np.zeros((1, 3)))
        + _varray("weights", np.ones((1, 1)))
        + "</kpoints>\n"
    )


def _parameters(task: Task, n_electrons: float) -> str:
    """What is in force, defaults and all, grouped as VASP groups it."""
    tags = task.incar
    groups: dict[str, dict[str, Any]] = {
        "general": {"SYSTEM": f"{NOT_VASP} {tags.get('SYSTEM', task.poscar.comment)}"},
        "electronic": {
            "PREC": tags.word("PREC", "normal"),
            "ENMAX": tags.real("ENCUT", 0.0),
            "EDIFF": task.ediff,
            "NELECT": n_electrons,
            "NELM": task.nelm,
            "NBANDS": 1,
            "ISMEAR": tags.integer("ISMEAR", 1),
            "SIGMA": tags.real("SIGMA", 0.2),
            "ISPIN": 1 if task.signs is None else 2,
            "LORBIT": task.orbitals,
        },
        "ionic": {
            "NSW": task.nsw,
            "IBRION": task.ibrion,
            "ISIF": task.isif,
            "PSTRESS": task.pressure * KILOBAR,
            "EDIFFG": task.ediffg,
        },
        "electronic exchange-correlation": {
            "GGA": tags.word("GGA", "PE"),
            "METAGGA": tags.word("METAGGA", "--"),
            "LHFCALC": False,
            "AEXX": 0.0,
            "HFSCREEN": 0.0,
            "LUSE_VDW": False,
            "LDAU": tags.flag("LDAU", default=False),
        },
    }
    return "<parameters>\n" + "".join(_separator(name, group) for name, group in groups.items()) + "</parameters>\n"


def _separator(name: str, group: dict[str, Any]) -> str:
    return f"<separator name={quoteattr(name)} >\n{''.join(_item(tag, v) for tag, v in group.items())}</separator>\n"


def _item(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f'<i type="logical" name={quoteattr(name)}> {"T" if value else "F"}  </i>\n'
    if isinstance(value, int):
        return f'<i type="int" name={quoteattr(name)}> {value:6d}</i>\n'
    if isinstance(value, float):
        return f"<i name={quoteattr(name)}> {value:16.8f}</i>\n"
    return f'<i type="string" name={quoteattr(name)}>{escape(value)}</i>\n'


def _tag(name: str, value: str) -> str:
    """A tag of the INCAR, of the type that its value looks like."""
    words = [word for item in value.split() for word in _repeated(item)]
    if words and (name in VECTORS or (len(words) > 1 and all(_is_number(word) for word in words))):
        whole = ' type="int"' if name == "LDAUL" else ""
        return f"<v{whole} name={quoteattr(name)}> {' '.join(words)}</v>\n"
    if re.fullmatch(r"\.?(t|true|f|false)\.?", value, flags=re.IGNORECASE):
        return _item(name, value.lstrip(".")[:1] in "tT")
    if re.fullmatch(r"[+-]?\d+", value):
        return _item(name, int(value))
    if _is_number(value):
        return f"<i name={quoteattr(name)}> {float(value):.8G}</i>\n"
    return _item(name, value)


def _repeated(word: str) -> list[str]:
    times, star, value = word.partition("*")
    return [value] * int(times) if star and times.isdigit() else [word]


def _is_number(word: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?", word) is not None


def _atominfo(task: Task) -> str:
    blocks, potentials = task.poscar.blocks, task.potentials
    atoms = [f"<rc><c>{symbol:<2}</c><c>{k:4d}</c></rc>\n" * n for k, (symbol, n) in enumerate(blocks, start=1)]
    types = [
        f"<rc><c>{n:4d}</c><c>{symbol:<2}</c><c>{p.mass:16.8f}</c><c>{p.valence:16.8f}</c><c>{escape(p.title):<40}</c></rc>\n"
        for (symbol, n), p in zip(blocks, potentials, strict=True)
    ]
    fields = {"atomspertype": "int", "element": "string", "mass": "", "valence": "", "pseudopotential": "string"}
    return (
        f"<atominfo>\n<atoms> {len(task.poscar.frac_coords):7d} </atoms>\n<types> {len(blocks):7d} </types>\n"
        + _array("atoms", "ion", {"element": "string", "atomtype": "int"}, atoms)
        + _array("atomtypes", "type", fields, types)
        + "</atominfo>\n"
    )


def _array(name: str, dimension: str, fields: dict[str, str], rows: Iterable[str]) -> str:
    typed = "".join(f'<field type="{t}">{f}</field>\n' if t else f"<field>{f}</field>\n" for f, t in fields.items())
    return (
        f'<array name="{name}" >\n<dimension dim="1">{dimension}</dimension>\n{typed}<set>\n'
        f"{''.join(rows)}</set>\n</array>\n"
    )


def _structure(lattice: Floats, frac_coords: Floats, *, name: str = "") -> str:
    return (
        (f'<structure name="{name}" >\n' if name else "<structure>\n")
        + "<crystal>\n"
        + _varray("basis", lattice)
        + f'<i name="volume"> {np.linalg.det(lattice):16.8f} </i>\n'
        + _varray("rec_basis", np.linalg.inv(lattice).T)
        + "</crystal>\n"
        + _varray("positions", frac_coords)
        + "</structure>\n"
    )


def _energies(energy: float) -> str:
    names = ("e_fr_energy", "e_wo_entrp", "e_0_energy")
    return "<energy>\n" + "".join(f'<i name="{name}"> {energy:16.8f} </i>\n' for name in names) + "</energy>\n"


def _varray(name: str, rows: NDArray[np.floating]) -> str:
    lines = "".join(f"<v> {' '.join(f'{x:16.10f}' for x in row)} </v>\n" for row in rows)
    return f'<varray name="{name}" >\n{lines}</varray>\n'
