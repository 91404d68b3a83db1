"""What a stage with the engine ``vasp`` may say, and the protocols that it starts from.

A protocol names one of pymatgen's input sets and what differs from it, step by step; the stage's settings
name a protocol and a step of it, and say what differs again. Merged, they are a :class:`VaspStep`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from aiida_mlhull.science.dft.limits import Limits
from aiida_mlhull.science.dft.protocols import Protocols
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.relaxation.base import Freedom
from aiida_mlhull.science.types.strict import Strict
from aiida_mlhull.science.vasp.tags import check_tags, lower_case

VaspCorrections = Literal["none", "mp2020"]
"""What is added to the energies: nothing, or the Materials Project's corrections of 2020."""

InputSet = Literal["MPRelaxSet", "MPStaticSet", "MPScanRelaxSet"]
"""pymatgen's classes that a protocol may start from."""

PROTOCOLS: Final = Protocols("aiida_mlhull.science.vasp", "VASP")

OWN_TAGS: Final = frozenset(
    {"magmom", "ldauu", "ldaul", "ldauj", "kspacing", "kpar", "ncore", "npar", "icharg", "istart"}
)
"""INCAR tags that have a place of their own in the settings, or belong to aiida-vasp's restarts."""

DECISIVE_TAGS: Final = frozenset(
    {"gga", "metagga", "lhfcalc", "aexx", "hfscreen", "ivdw", "luse_vdw", "ldau", "ldautype", "encut"}
)
"""INCAR tags that make other energies: functional, dispersion, U, cutoff."""


class Kpoints(Strict):
    """A mesh by its density; one of the two.

    Attributes:
        reciprocal_density: k-points per Å⁻³ of reciprocal space, as pymatgen's input sets count.
        spacing: Å⁻¹ between points with the factor 2π in it, as VASP's ``KSPACING`` counts; centered at Γ.
    """

    reciprocal_density: int | None = Field(default=None, gt=0)
    spacing: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_of_two(self) -> Kpoints:
        if (self.reciprocal_density is None) == (self.spacing is None):
            raise ValueError("say either reciprocal_density or spacing")
        return self


class VaspElement(Strict):
    """What differs for one element.

    Attributes:
        potential: name of its POTCAR in the family: ``Fe_pv``.
        magmom: initial moment of its sites, Bohr magnetons.
        u: Hubbard U - J, eV (Dudarev); 0 switches the input set's off.
        orbital: shell that U acts on.
    """

    potential: str | None = Field(default=None, min_length=1)
    magmom: float | None = None
    u: float | None = Field(default=None, ge=0)
    orbital: Literal["p", "d", "f"] = "d"


class Parallel(Strict):
    """How VASP shares the work out; without influence on the result.

    Attributes:
        kpar: k-points at once.
        ncore: cores that work on one orbital.
    """

    kpar: int | None = Field(default=None, ge=1)
    ncore: int | None = Field(default=None, ge=1)


FREEDOM_TAGS: Final[Mapping[Freedom, Mapping[str, Any]]] = {
    "static": {"nsw": 0, "ibrion": -1, "isif": 2},
    "volume": {"isif": 7},
    "positions": {"isif": 2},
    "normal": {"isif": 3, "lattice_constraints": [False, False, True]},
    "full": {"isif": 3},
}
"""INCAR tags of what may change. ``normal`` needs VASP 6.4 or later, where LATTICE_CONSTRAINTS holds in relaxations; it
frees the height along z alone, so the cell is turned to have its first two vectors in the plane of x and y."""


class VaspStep(Strict):
    """One calculation of a chain, everything decided.

    Attributes:
        input_set: pymatgen's class that INCAR, KPOINTS and the names of POTCARs come from.
        scheme: functional and settings of its energies, without corrections.
        freedom: what may change; None leaves it to the tags.
        incar: tags (lower case) that differ; None takes one out.
        kpoints: the mesh; None leaves it to the input set.
        elements: what differs for single elements.
        parallel: shares of the work.
        must_converge: whether stopping short is a failure; a cheap stage hands on what it has.
        restarts: how often a calculation that stopped short is taken up again.
        corrections: what is added to the energies.
        limits: when a candidate is stopped.
        options: the scheduler's, for this stage: ``max_wallclock_seconds``, ``resources``, ``queue_name``, ...
        look_every: seconds between two looks at a running calculation (at its screen output, and whether its cell
            has run away); each costs a connection to the computer.
        keep_steps: whether every ionic step is kept as a row that models may learn from.
        keep_wavefunctions: whether WAVECAR is written and left on the computer, so that the next stage starts from
            it where it can; that stage then removes it.
        keep_files: whether the calculations' folders are left on the computer.
    """

    input_set: InputSet
    scheme: str
    freedom: Freedom | None = None
    incar: dict[str, Any] = Field(default_factory=dict)
    kpoints: Kpoints | None = None
    elements: dict[str, VaspElement] = Field(default_factory=dict)
    parallel: Parallel = Parallel()
    must_converge: bool = True
    restarts: int = Field(default=4, ge=0)
    corrections: VaspCorrections = "none"
    limits: Limits = Limits()
    options: dict[str, Any] = Field(default_factory=dict)
    look_every: int = Field(default=600, ge=1)
    keep_steps: bool = False
    keep_wavefunctions: bool = False
    keep_files: bool = False

    @property
    def full_scheme(self) -> str:
        """Functional, settings and corrections of the energies."""
        return f"{self.scheme}, MP2020-corrected" if self.corrections == "mp2020" else self.raw_scheme

    @property
    def raw_scheme(self) -> str:
        """Functional and settings of the energies as VASP writes them."""
        return f"{self.scheme}, not corrected"


class VaspSettings(Strict):
    """The settings of a stage with the engine ``vasp``: a step of a protocol, and what differs from it.

    Attributes:
        protocol: name of a protocol.
        step: which of its steps; None takes the one that is called like the campaign's stage.
        corrections: what is added to the energies; only what the protocol's settings were fitted for.
        unlisted_tags: INCAR tags that are meant though pymatgen's list doesn't have them.
        freedom, incar, kpoints, elements, parallel, must_converge, restarts, limits, options, look_every, keep_steps,
            keep_wavefunctions, keep_files: see :class:`VaspStep`; what isn't said is the protocol's.
    """

    protocol: str
    step: str | None = None
    corrections: VaspCorrections = "none"
    freedom: Freedom | None = None
    incar: dict[str, Any] = Field(default_factory=dict)
    unlisted_tags: tuple[str, ...] = ()
    kpoints: Kpoints | None = None
    elements: dict[str, VaspElement] = Field(default_factory=dict)
    parallel: Parallel | None = None
    must_converge: bool | None = None
    restarts: int | None = Field(default=None, ge=0)
    limits: Limits | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    look_every: int | None = Field(default=None, ge=1)
    keep_steps: bool | None = None
    keep_wavefunctions: bool | None = None
    keep_files: bool | None = None

    @field_validator("incar", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return lower_case(value) if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _tags(self) -> VaspSettings:
        check_tags(self.incar, unlisted=self.unlisted_tags)
        if self.freedom is not None and (twice := sorted(FREEDOM_TAGS[self.freedom].keys() & self.incar.keys())):
            raise ValueError(f"not in incar: {', '.join(twice)}; freedom {self.freedom!r} says what they are")
        placed = sorted(OWN_TAGS & self.incar.keys())
        if placed:
            raise ValueError(
                f"not in incar: {', '.join(placed)}; use elements (magmom, u), kpoints, parallel; restarts are "
                f"aiida-vasp's business"
            )
        return self


def read_step(settings: VaspSettings, *, stage: str) -> VaspStep:
    """The calculation that a stage's settings amount to.

    Args:
        settings: of the stage.
        stage: its name, which names the protocol's step where the settings don't.

    Raises:
        UnknownNameError: if there is no such protocol, or it has no such step.
        SettingsError: if the corrections don't belong to the protocol's settings.
    """
    protocol = PROTOCOLS.load(settings.protocol)
    step = PROTOCOLS.step(settings.protocol, settings.step or stage)
    if settings.corrections not in protocol["corrections"]:
        raise SettingsError(
            f"corrections {settings.corrections!r} were not fitted to {protocol['scheme']}; possible with protocol "
            f"{settings.protocol}: {', '.join(protocol['corrections'])}"
        )
    said = settings.model_dump(
        exclude={"protocol", "step", "incar", "unlisted_tags"}, exclude_none=True, exclude_defaults=True
    )
    incar = {**protocol.get("incar", {}), **step.get("incar", {})}
    first = {"input_set": protocol["input_set"], **step}
    return VaspStep(
        **{
            "input_set": protocol["input_set"],
            "scheme": step.get("scheme", protocol["scheme"]) + _differences(settings, first, incar=incar),
            "corrections": settings.corrections,
            **{key: value for key, value in step.items() if key not in {"incar", "scheme"}},
            **said,
            "incar": {**incar, **settings.incar},
        }
    )


def _differences(settings: VaspSettings, step: Mapping[str, Any], *, incar: Mapping[str, Any]) -> str:
    """What a stage changes of functional, U, cutoff and potentials, in words: such energies meet no others.

    Args:
        settings: of the stage.
        step: the protocol's.
        incar: the tags of protocol and step.
    """
    tags = {tag: value for tag, value in settings.incar.items() if tag in DECISIVE_TAGS and incar.get(tag) != value}
    chosen = {symbol: one for symbol, one in settings.elements.items() if one.u is not None or one.potential}
    if not tags and not chosen:
        return ""
    from pymatgen.io.vasp import sets  # noqa: PLC0415  (slow import)

    config = getattr(sets, step["input_set"]).CONFIG
    defaults = {tag.lower(): value for tag, value in config["INCAR"].items()} | dict(incar)
    words = [f"{tag} {value}" for tag, value in sorted(tags.items()) if defaults.get(tag) != value]
    for symbol, one in sorted(chosen.items()):
        usual = {table.get(symbol, 0.0) for table in defaults.get("ldauu", {}).values()} or {0.0}
        if one.u is not None and {one.u} != usual:
            words.append(f"U of {symbol} {one.u:g} eV")
        if one.potential is not None and one.potential != config["POTCAR"].get(symbol):
            words.append(f"potential {one.potential}")
    return f" but with {' and '.join(words)}" if words else ""
