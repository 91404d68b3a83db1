"""Folders: which files are crystals, what they are called, and how many others there were."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from aiida_mlhull.science.errors import WireError, listed
from aiida_mlhull.science.reading.rows import StructureRow, refused
from aiida_mlhull.science.reading.structures.cif import read_cif
from aiida_mlhull.science.reading.structures.poscar import elements_of_potcar, read_poscar
from aiida_mlhull.science.reading.warned import OPENERS, attempt, text_of
from aiida_mlhull.science.types.reasons import Reason

FileKind = Literal["cif", "poscar", "other", "hidden"]

CIF_SUFFIXES: Final = (".cif", ".mcif")
POSCAR_SUFFIXES: Final = (".vasp", ".poscar", ".contcar")
POSCAR_NAMES: Final = ("poscar", "contcar")
_BACKUPS: Final = ("~", ".bak", ".swp", ".orig", ".tmp")
_OTHER_PROGRAMS: Final = ("__macosx", "__pycache__")


@dataclass(frozen=True)
class Listing:
    """What is in a folder.

    Attributes:
        crystals: files to read.
        remarks: how many were not looked at, and which of two was taken.
    """

    crystals: tuple[Path, ...]
    remarks: tuple[str, ...]


def kind_of(path: Path) -> FileKind:
    """What a file is by its name; packed ones by the name before ``.gz``, ``.bz2`` or ``.xz``."""
    name = path.name.lower()
    if name.startswith((".", "#")) or name.endswith(_BACKUPS):
        return "hidden"
    plain = _unpacked_name(path).lower()
    if plain.endswith(CIF_SUFFIXES):
        return "cif"
    return "poscar" if plain.endswith(POSCAR_SUFFIXES) or plain.startswith(POSCAR_NAMES) else "other"


def _unpacked_name(path: Path) -> str:
    return path.stem if path.suffix.lower() in OPENERS else path.name


def list_folder(folder: Path) -> Listing:
    """Files of a folder and the folders in it; of POSCAR and CONTCAR of one run the second one is read."""
    kinds: dict[FileKind, list[Path]] = defaultdict(list)
    everything = sorted(folder.rglob("*"))
    dangling = [path for path in everything if path.is_symlink() and not path.exists()]
    for path in (path for path in everything if path.is_file()):
        above = [part.lower() for part in path.relative_to(folder).parts[:-1]]
        stored = any(part.startswith(".") or part in _OTHER_PROGRAMS for part in above)
        kinds["hidden" if stored else kind_of(path)].append(path)
    crystals, remarks = [*kinds["cif"], *kinds["poscar"]], []
    runs = _runs(crystals)
    crystals = [path for path in crystals if path not in set(runs.values())]
    for taken, why in (("contcar", ""), ("poscar", ", CONTCAR being empty,")):
        names = sorted(_name(run.parent, folder) for run in runs if _unpacked_name(run).lower() == taken)
        if names:
            words = f"of POSCAR and CONTCAR in one folder {taken.upper()}{why} was read"
            remarks.append(f"{words} ({len(names)}: {listed(names)})")
    if kinds["other"]:
        suffixes = Counter(path.suffix.lower() or path.name for path in kinds["other"])
        words = listed((f"{count} {suffix}" for suffix, count in suffixes.most_common()), 6)
        remarks.append(f"{len(kinds['other'])} files that are neither CIF nor POSCAR were not looked at: {words}")
    if kinds["hidden"]:
        remarks.append(f"{len(kinds['hidden'])} hidden or backup files were not looked at")
    if dangling:
        remarks.append(f"{len(dangling)} links lead nowhere: {listed(_name(path, folder) for path in dangling)}")
    return Listing(tuple(sorted(crystals)), tuple(remarks))


def _runs(crystals: Iterable[Path]) -> dict[Path, Path]:
    """Which of POSCAR and CONTCAR of a folder is read, and the other one; a run that has just begun has an empty CONTCAR."""
    plain = {(path.parent, _unpacked_name(path).lower()): path for path in crystals}
    both = [
        (path, plain[folder, "poscar"])
        for (folder, name), path in plain.items()
        if name == "contcar" and (folder, "poscar") in plain
    ]
    return dict((contcar, poscar) if contcar.stat().st_size else (poscar, contcar) for contcar, poscar in both)


def _name(path: Path, folder: Path) -> str:
    text = path.relative_to(folder).as_posix()
    return (folder.name if text == "." else text).encode("utf-8", "replace").decode()


def names_of(crystals: Iterable[Path], folder: Path) -> dict[Path, str]:
    """Ids: the path in the folder without suffix; a POSCAR alone goes by its folder; where two meet, whole names."""
    short = {path: _short(path, folder) for path in crystals}
    counts = Counter(short.values())
    return {path: name if counts[name] == 1 else _name(path, folder) for path, name in short.items()}


def _short(path: Path, folder: Path) -> str:
    plain = path.with_name(_unpacked_name(path))
    if plain.name.lower() in POSCAR_NAMES and plain.parent != folder:
        return _name(plain.parent, folder)
    known = plain.suffix.lower() in (*CIF_SUFFIXES, *POSCAR_SUFFIXES)
    return _name(plain.with_suffix("") if known else plain, folder)


def read_folder(folder: Path) -> tuple[list[StructureRow], tuple[str, ...]]:
    """Rows of all crystals of a folder, and what is to be said of the rest.

    Raises:
        WireError: if it holds none.
    """
    listing = list_folder(folder)
    if not listing.crystals:
        said = "; ".join(listing.remarks)
        raise WireError(f"{folder.name}: no structures{f' ({said})' if said else ''}")
    names, inside = names_of(listing.crystals, folder), folder.resolve()
    rows: list[StructureRow] = []
    for path in listing.crystals:
        place = f"{folder.name} {_name(path, folder)}"
        if path.resolve().is_relative_to(inside):
            rows += read_file(path, name=names[path], place=place)
        else:
            rows.append(refused(names[path], place, Reason.UNREADABLE, "a link out of the folder"))
    return rows, listing.remarks


def read_file(path: Path, *, name: str, place: str) -> list[StructureRow]:
    """Rows of one CIF or POSCAR, packed or not."""
    opened = attempt(lambda: text_of(path))
    if opened.value is None:
        return [refused(name, place, Reason.UNREADABLE, opened.fault)]
    reader = _READERS[kind_of(path)]
    return reader(opened.value, path, name, place)


def _from_cif(text: str, path: Path, name: str, place: str) -> list[StructureRow]:  # noqa: ARG001
    return read_cif(text, name=name, place=place)


def _from_poscar(text: str, path: Path, name: str, place: str) -> list[StructureRow]:
    potcar: tuple[str, ...] = ()
    if _unpacked_name(path).lower() in POSCAR_NAMES:
        beside = [path.with_name(f"POTCAR{suffix}") for suffix in ("", *OPENERS)]
        potcars = [one for one in beside if one.is_file()]
        potcar = elements_of_potcar(attempt(lambda: text_of(potcars[0])).value or "") if potcars else ()
    found = read_poscar(text, potcar=potcar)
    named = f" (elements of the {found.named_by})" if found.named_by else ""
    return [StructureRow(name, place + named, found.structure, found.reason, found.detail)]


_READERS: Final[dict[FileKind, Callable[[str, Path, str, str], list[StructureRow]]]] = {
    "cif": _from_cif,
    "poscar": _from_poscar,
}
