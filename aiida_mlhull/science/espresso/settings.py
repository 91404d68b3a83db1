"""What a stage with the engine ``quantumespresso`` may say, and the protocols that it starts from.

A protocol holds thresholds, k-point density and smearing, step by step; the stage's settings name a protocol and a
step of it, and say what differs. Merged, they are an :class:`EspressoStep`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from aiida_mlhull.science.dft.limits import Limits
from aiida_mlhull.science.dft.protocols import Protocols
from aiida_mlhull.science.types.strict import Strict

PwFreedom = Literal["static", "cell", "positions", "normal", "full"]
"""What may change, by the names that all engines use. ``cell`` is as near as pw.x comes to the volume alone: the cell, at
fixed fractional positions; for cubic crystals that is the volume. (pw.x has ``cell_dofree = 'volume'`` for simple cubic
lattices only, and stops at all others.) ``normal`` is the height along z over a plane that is turned into x and y."""

Spin = Literal["none", "collinear"]

Namelist = Literal["CONTROL", "SYSTEM", "ELECTRONS", "IONS", "CELL"]
Parameters = dict[Namelist, dict[str, Any]]

PROTOCOLS: Final = Protocols("aiida_mlhull.science.espresso", "Quantum ESPRESSO")

OWN_KEYS: Final = frozenset(
    {
        *("calculation", "nstep", "max_seconds", "restart_mode", "etot_conv_thr", "disk_io", "verbosity"),
        *("ecutwfc", "ecutrho", "nspin", "starting_magnetization", "input_dft"),
        *("lda_plus_u", "hubbard_u", "u_projection_type"),
        *("conv_thr", "startingpot", "startingwfc"),
        "cell_dofree",
    }
)
"""Input variables of pw.x that have a place of their own in the settings, or belong to restarts."""


class EspressoElement(Strict):
    """What differs for one element.

    Attributes:
        magmom: initial moment of its sites in a collinear calculation, Bohr magnetons.
        u: Hubbard U, eV (Dudarev).
        manifold: shell that U acts on: ``3d``, ``4f``, ``2p``.
    """

    magmom: float | None = None
    u: float | None = Field(default=None, gt=0)
    manifold: str | None = Field(default=None, pattern=r"^[1-7][spdf]$")

    @model_validator(mode="after")
    def _shell(self) -> EspressoElement:
        if (self.u is None) != (self.manifold is None):
            raise ValueError("u and manifold (the shell that it acts on, e.g. 3d) go together")
        return self


class EspressoStep(Strict):
    """One calculation of a chain, everything decided.

    Attributes:
        protocol: name of the protocol that it comes from.
        freedom: what may move.
        kpoints_distance: Å⁻¹, largest distance between k-points along a reciprocal axis, with the factor 2π in it, as
            aiida-quantumespresso counts; centered at Γ.
        conv_thr_per_atom: Ry, of the self-consistent field.
        etot_conv_thr_per_atom: Ry, between ionic steps.
        max_steps: ionic steps.
        ecutwfc: Ry; None takes what the family of pseudopotentials recommends.
        ecutrho: Ry, likewise; with ``ecutwfc`` given alone it keeps the family's ratio.
        stringency: which of the family's recommendations; None takes its default.
        functional: pw.x's ``input_dft``; None takes what the pseudopotentials were made for.
        spin: whether moments are calculated.
        elements: what differs for single elements.
        parameters: further input variables of pw.x by namelist, in lower case; None takes one out.
        pools: k-points at once, ``-npool``; without influence on the result.
        must_converge: whether stopping short is a failure; a cheap stage hands on what it has.
        restarts: how often aiida-quantumespresso's handlers may take up a calculation that stopped.
        limits: when a candidate is stopped.
        options: the scheduler's, for this stage: ``max_wallclock_seconds``, ``resources``, ``queue_name``, ...
        look_every: seconds between two looks at a running calculation; each costs a connection to the computer.
        keep_steps: whether every ionic step is kept as a row that models may learn from.
        keep_charge_density: whether the charge density stays on the computer, so that the next stage starts from it
            where code, pseudopotentials and spin are the same; that stage then removes it.
        keep_files: whether the calculations' folders are left on the computer.
    """

    protocol: str
    freedom: PwFreedom
    kpoints_distance: float = Field(gt=0)
    conv_thr_per_atom: float = Field(gt=0)
    etot_conv_thr_per_atom: float = Field(gt=0)
    max_steps: int = Field(default=50, ge=1)
    ecutwfc: float | None = Field(default=None, gt=0)
    ecutrho: float | None = Field(default=None, gt=0)
    stringency: str | None = None
    functional: str | None = Field(default=None, min_length=1)
    spin: Spin = "none"
    elements: dict[str, EspressoElement] = Field(default_factory=dict)
    parameters: Parameters = Field(default_factory=dict)
    pools: int | None = Field(default=None, ge=1)
    must_converge: bool = True
    restarts: int = Field(default=4, ge=0)
    limits: Limits = Limits()
    options: dict[str, Any] = Field(default_factory=dict)
    look_every: int = Field(default=60, ge=1)
    keep_steps: bool = False
    keep_charge_density: bool = False
    keep_files: bool = False


class EspressoSettings(Strict):
    """The settings of a stage with the engine ``quantumespresso``: a step of a protocol, and what differs from it.

    Attributes:
        protocol: name of a protocol: ``fast``, ``balanced``, ``stringent``.
        step: which of its steps; None takes the one that is called like the campaign's stage.
        freedom, kpoints_distance, conv_thr_per_atom, etot_conv_thr_per_atom, max_steps, ecutwfc, ecutrho, stringency,
            functional, spin, elements, parameters, pools, must_converge, restarts, limits, options, look_every,
            keep_steps, keep_charge_density, keep_files: see :class:`EspressoStep`; the rest is the protocol's.
    """

    protocol: str
    step: str | None = None
    freedom: PwFreedom | None = None
    kpoints_distance: float | None = Field(default=None, gt=0)
    conv_thr_per_atom: float | None = Field(default=None, gt=0)
    etot_conv_thr_per_atom: float | None = Field(default=None, gt=0)
    max_steps: int | None = Field(default=None, ge=1)
    ecutwfc: float | None = Field(default=None, gt=0)
    ecutrho: float | None = Field(default=None, gt=0)
    stringency: str | None = None
    functional: str | None = Field(default=None, min_length=1)
    spin: Spin | None = None
    elements: dict[str, EspressoElement] = Field(default_factory=dict)
    parameters: Parameters = Field(default_factory=dict)
    pools: int | None = Field(default=None, ge=1)
    must_converge: bool | None = None
    restarts: int | None = Field(default=None, ge=0)
    limits: Limits | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    look_every: int | None = Field(default=None, ge=1)
    keep_steps: bool | None = None
    keep_charge_density: bool | None = None
    keep_files: bool | None = None

    @model_validator(mode="after")
    def _keys(self) -> EspressoSettings:
        keys = {key for namelist in self.parameters.values() for key in namelist}
        wrong = sorted(key for key in keys if key != key.lower())
        if wrong:
            raise ValueError(f"input variables of pw.x are written in lower case: {', '.join(wrong)}")
        placed = sorted(OWN_KEYS & keys)
        if placed:
            raise ValueError(
                f"not in parameters: {', '.join(placed)}; use freedom, max_steps, ecutwfc, ecutrho, spin, elements "
                f"(magmom, u), functional, conv_thr_per_atom, etot_conv_thr_per_atom; restarts and time limits are "
                f"aiida-quantumespresso's business"
            )
        return self


def read_step(settings: EspressoSettings, *, stage: str) -> EspressoStep:
    """The calculation that a stage's settings amount to.

    Args:
        settings: of the stage.
        stage: its name, which names the protocol's step where the settings don't.

    Raises:
        UnknownNameError: if there is no such protocol, or it has no such step.
    """
    protocol = PROTOCOLS.load(settings.protocol)
    step = PROTOCOLS.step(settings.protocol, settings.step or stage)
    own = settings.model_dump(exclude={"step", "parameters"}, exclude_none=True, exclude_defaults=True)
    return EspressoStep(
        **{
            **{key: value for key, value in protocol["all_steps"].items() if key != "parameters"},
            **{key: value for key, value in step.items() if key != "parameters"},
            **own,
            "parameters": _merged(
                protocol["all_steps"].get("parameters", {}), step.get("parameters", {}), settings.parameters
            ),
        }
    )


def _merged(*layers: Mapping[Any, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Namelists, later layers over earlier ones; None takes a variable out."""
    whole: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for namelist, variables in layer.items():
            whole.setdefault(namelist, {}).update(variables)
    return {
        namelist: {key: value for key, value in variables.items() if value is not None}
        for namelist, variables in whole.items()
    }
