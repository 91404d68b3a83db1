"""Phases of a file or of a campaign, placed on the hull of what is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiida_mlhull.launching import profile
from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
from aiida_mlhull.science.reading.phases.shipped import SHIPPED
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.science.hull.placement import PlacedPhases
    from aiida_mlhull.science.types import References

SHOWN: Final = 20


def place_source(
    source: str,
    *,
    references: str = "",
    elements: Path | None = None,
    scheme: str = "",
    energy: str = "",
    formation: bool = False,
    quantile: float | None = None,
    profile_name: str | None = None,
) -> tuple[PlacedPhases, list[str]]:
    """Place phases on the hull that they span with what is known.

    Args:
        source: a file or folder of phases; else pk, UUID or label of a campaign, whose results are meant. A folder
            with a campaign file, as ``explore`` writes it, means the campaign of its name.
        references: a file; the name of phases that the package ships; pk, UUID or label of a stored snapshot. Empty:
            those of the campaign, or none for a file that holds the elements itself.
        elements: elemental references that stand apart from a file of references.
        scheme: of the phases in a file, and of references in a file that says nothing else.
        energy: column of a table with the energies.
        formation: the energies of the file are formation energies: the elements are at 0.
        quantile: take the limits of what is called underexplored from the known phases: the share of stable ones that
            lie lower. None takes those of the Materials Project.
        profile_name: AiiDA's profile, where one is needed.

    Returns:
        The phases, and lines for people: what was read, left out and why.

    Raises:
        MlhullError: if anything can't be read, doesn't exist or doesn't fit together.
    """
    from aiida_mlhull.science.hull.placement import UNDEREXPLORED, place, quantiles
    from aiida_mlhull.science.reading.lone_phases import elements_at_zero, read_phases

    remarks: list[str] = []
    path = Path(source)
    if not path.exists() or (path / "campaign.yaml").is_file():
        phases, known = _campaign(path.name if path.exists() else source, profile_name)
    else:
        intake = read_phases(path, scheme=scheme or AS_PUBLISHED, energy=energy, formation=formation)
        phases, known = intake.references, None
        remarks.append(intake.summary())
        known = elements_at_zero(phases) if formation and not references else None
    if references:
        known = known_phases(references, elements, scheme, profile_name, remarks)
    limits = UNDEREXPLORED if quantile is None else quantiles(place(known or phases), quantile=quantile)
    return place(phases, known, underexplored=limits), remarks


def _campaign(name: str, profile_name: str | None) -> tuple[References, References]:
    """Results of a campaign as phases, and the references that it started from."""
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns, placed

    return placed.phases_and_known(campaigns.find(name))


def known_phases(
    name: str, elements: Path | None, scheme: str, profile_name: str | None, remarks: list[str]
) -> References:
    """Known phases as people name them: what the package ships, a file, or a stored snapshot.

    Args:
        name: of one of the three.
        elements: elemental references that stand apart from a file.
        scheme: of energies in a file that doesn't say it.
        profile_name: AiiDA's profile, where one is needed.
        remarks: gets a line about what was read.

    Raises:
        MlhullError: if they can't be read, or don't exist.
    """
    from aiida_mlhull.launching import stored
    from aiida_mlhull.science.reading.references import read_references, read_shipped

    if name in SHIPPED:
        shipped = read_shipped(name)
        remarks.append(shipped.summary())
        return shipped.references
    if not Path(name).exists():
        profile.load(profile_name)
        return stored.references(name).to_science()
    raw = Path(name).suffix == ".json" or Path(name).suffix == ".gz" or Path(name).is_dir()
    intake = read_references(
        Path(name),
        elements=elements,
        bad_rows="leave_out",
        scheme=scheme or AS_PUBLISHED,
        corrections="auto" if raw else None,
    )
    remarks.append(intake.summary())
    return intake.references


def in_words(placed: PlacedPhases, rows: list[int], *, details: bool) -> str:
    """Counts, then the phases: one by one where they were asked for."""
    from aiida_mlhull.science.campaign.phase_table import phase_facts

    facts = [
        ("phases", len(placed)),
        ("on the hull", int(placed.stable.sum())),
        ("underexplored", int(placed.underexplored.sum())),
        ("scheme", placed.scheme or None),
        ("exact to", f"{placed.gaps.max(initial=0.0):.0e} eV/atom"),
    ]
    shown = rows[:SHOWN]
    more = f"\n... and {len(rows) - SHOWN:,} more: --output writes all" if len(rows) > SHOWN else ""
    if details:
        blocks = [f"{placed.ids[row]}, {placed.formulas[row]}\n{text.pairs(phase_facts(placed, row))}" for row in shown]
        return "\n\n".join([text.pairs(facts, indent=""), *blocks]) + more
    headers = ("phase", "formula", "E_form", "above hull", "signed", "separation", "underexplored")
    cells = [
        (
            placed.ids[row],
            placed.formulas[row],
            *(f"{column[row]:.4f}" for column in (placed.formation, placed.e_above_hull, placed.signed)),
            f"{placed.phase_separation[row]:.4f}",
            bool(placed.underexplored[row]),
        )
        for row in shown
    ]
    return f"{text.pairs(facts, indent='')}\n\n{text.table(headers, cells)}{more}\nEnergies in eV/atom, lowest distance first"
