"""Why a row went on, was dropped, failed or was left out: every reason that a table may state, in one list.

A reason is a code, which a detail may follow: ``within_threshold``, ``same_as 3f2a`` (an id) or
``failed: out_of_time``, ``unphysical_cell: atoms 0.31 Å apart`` (words). Tables hold plain strings; those of
candidates, results and readers refuse a code that is not listed here. A new reason is one line in
:class:`Reason`, in the part of the list that names who states it; ``make docs`` writes
``docs/reference/reasons.md`` from the list.

Rules and engines of other packages state reasons of their own with a code that begins with ``x_``
(``x_too_toxic``): such tables stay readable where the package isn't installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import Final

from aiida_mlhull.science.errors import TableError, listed

FOREIGN: Final = re.compile(r"x_[a-z0-9_]+")
"""Codes of other packages."""


class Stated(Enum):
    """Who states a reason: the parts of the list."""

    CAMPAIGN = "by a campaign, of candidates that may enter a stage"
    RULE = "by keep-rules, of predicted candidates"
    MERGING = "by merging, of crystals that a stage has relaxed"
    OUTCOME = "at the end of a campaign, of every candidate"
    RELAXATION = "by engines, of relaxations that gave no energy"
    FILTER = "by the filters of candidates"
    READER = "by readers and sources, of rows that can't be used"
    GENERATOR = "by generators, of draws that came to nothing"
    TRAINING = "by fits, of results that can't be learned from"


class Reason(str, Enum):
    """One code. A member is a string: it is compared, formatted and stored as its code.

    Attributes:
        by: who states it.
        meaning: one line.
    """

    by: Stated
    meaning: str

    def __new__(cls, code: str, by: Stated, meaning: str) -> Reason:  # noqa: PYI034  (Self needs Python 3.11)
        """Make a string that knows its meaning."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.by = by
        member.meaning = meaning
        return member

    OPEN = "open", Stated.CAMPAIGN, "may enter the stage"
    START_SET = "start_set", Stated.CAMPAIGN, "drawn for the first training set"
    NOT_IN_START_SET = "not_in_start_set", Stated.CAMPAIGN, "not drawn for the first training set; waits for a rule"
    CELL_NOT_MADE = "cell_not_made", Stated.CAMPAIGN, "chosen as a label; no cell with that label could be made"
    BATCH_FULL = "batch_full", Stated.CAMPAIGN, "kept by the rule, but the round's batch is full; waits"

    WITHIN_THRESHOLD = "within_threshold", Stated.RULE, "the value is within the threshold: kept"
    ABOVE_THRESHOLD = "above_threshold", Stated.RULE, "the value is above the threshold: dropped"
    LIKELY_ENOUGH = "likely_enough", Stated.RULE, "the probability reaches the threshold: kept"
    TOO_UNLIKELY = "too_unlikely", Stated.RULE, "the probability is below the threshold: dropped"
    RANK_WITHIN_N = "rank_within_n", Stated.RULE, "among the n best: kept"
    RANK_ABOVE_N = "rank_above_n", Stated.RULE, "not among the n best: dropped"
    WITHIN_BUDGET = "within_budget", Stated.RULE, "the core-minutes suffice: kept"
    OVER_BUDGET = "over_budget", Stated.RULE, "the core-minutes are spent on better candidates: dropped"
    REQUIREMENT_MET = "requirement_met", Stated.RULE, "a predicted property is as the gate requires: kept"
    REQUIREMENT_UNMET = "requirement_unmet", Stated.RULE, "a predicted property is not as the gate requires: dropped"
    TRULY_WITHIN = "truly_within", Stated.RULE, "the recorded energy is within the threshold (oracle): kept"
    TRULY_ABOVE = "truly_above", Stated.RULE, "the recorded energy is above the threshold (oracle): dropped"

    SAME_AS = "same_as", Stated.MERGING, "the same crystal as the one whose id follows, which goes on in its place"
    AUDIT_OF = "audit_of", Stated.MERGING, "the same crystal as the one whose id follows; goes on to check the merging"
    REPRESENTATIVE = "representative", Stated.MERGING, "goes on for others that are the same crystal"
    UNIQUE = "unique", Stated.MERGING, "no other crystal is the same"

    ON_HULL = "on_hull", Stated.OUTCOME, "relaxed, and on the final hull"
    ABOVE_HULL = "above_hull", Stated.OUTCOME, "relaxed, and above the final hull"
    FAILED = "failed", Stated.OUTCOME, "its relaxation gave no energy; the reason of the failure follows"
    NOT_ASKED = "not_asked", Stated.OUTCOME, "still open when the campaign stopped: no model was asked about it"

    NOT_CONVERGED_ELECTRONICALLY = (
        "not_converged_electronically",
        Stated.RELAXATION,
        "the electronic steps ran out before the energy had settled",
    )
    NOT_CONVERGED_IONICALLY = (
        "not_converged_ionically",
        Stated.RELAXATION,
        "the ionic steps ran out, or the minimizer got stuck, before the forces were small",
    )
    OUT_OF_TIME = "out_of_time", Stated.RELAXATION, "the scheduler's wall time ran out"
    OUT_OF_MEMORY = "out_of_memory", Stated.RELAXATION, "the memory ran out"
    UNPHYSICAL_CELL = "unphysical_cell", Stated.RELAXATION, "the cell ran away, or atoms fell into each other"
    HOPELESS_ENERGY = "hopeless_energy", Stated.RELAXATION, "too far above the references' hull to go on"
    MISSING_POTENTIAL = "missing_potential", Stated.RELAXATION, "no pseudopotential for one of its elements"
    SYMMETRY_LOST = "symmetry_lost", Stated.RELAXATION, "the cell lost the symmetry that the calculation relied on"
    ENGINE_ERROR = "engine_error", Stated.RELAXATION, "anything else that kept the engine from an energy; words follow"

    NO_REPRESENTATION = "no_representation", Stated.FILTER, "its symmetry can't be determined"
    TOO_MANY_POSITIONS = "too_many_positions", Stated.FILTER, "too many occupied Wyckoff positions"
    TOO_MANY_SITES = "too_many_sites", Stated.FILTER, "too many sites in the primitive cell"
    TOO_SPARSE = "too_sparse", Stated.FILTER, "too much volume per site"
    ATOMS_TOO_CLOSE = "atoms_too_close", Stated.FILTER, "two atoms are too close"
    KNOWN_CRYSTAL = "known_crystal", Stated.FILTER, "a known crystal has the same protostructure label"
    SAME_LABEL_AS = "same_label_as", Stated.FILTER, "the candidate whose id follows has the same protostructure label"
    SAME_CRYSTAL_AS = "same_crystal_as", Stated.FILTER, "the same crystal as the candidate whose id follows"
    CLEAN = "clean", Stated.FILTER, "passed all filters"
    CHARGES_BALANCE = "charges_balance", Stated.FILTER, "passed all filters; charges can be balanced"
    CHARGES_DO_NOT_BALANCE = "charges_do_not_balance", Stated.FILTER, "passed all filters; charges can't be balanced"

    UNREADABLE = "unreadable", Stated.READER, "a file, frame or entry that can't be read as what it says it is"
    LIBRARY_WARNED = "library_warned", Stated.READER, "the library that read it warned, and nothing in the file vouches"
    NO_ELEMENTS = "no_elements", Stated.READER, "the file doesn't say which elements its atoms are"
    NO_SYMMETRY = "no_symmetry", Stated.READER, "no symmetry operations, and none or several that may be meant"
    COUNT_DIFFERS = "count_differs", Stated.READER, "the number of atoms is not the one that is stated"
    NOT_A_NUMBER = "not_a_number", Stated.READER, "text where a number should be"
    NO_ENERGY = "no_energy", Stated.READER, "no energy, or one that is NaN or infinite"
    NO_TARGET = "no_target", Stated.READER, "the column to learn is missing, NaN or infinite there"
    NOT_FINITE = "not_finite", Stated.READER, "a number in the cell is NaN or infinite"
    NO_VOLUME = "no_volume", Stated.READER, "zero or negative volume"
    OVERLAPPING_ATOMS = "overlapping_atoms", Stated.READER, "two atoms share one place"
    UNKNOWN_ELEMENT = "unknown_element", Stated.READER, "a symbol that is not an element's"
    DISORDERED = "disordered", Stated.READER, "disordered or partially occupied sites"
    NOT_PERIODIC = "not_periodic", Stated.READER, "not periodic in three directions"
    IMPLICIT_ATOMS = "implicit_atoms", Stated.READER, "some atoms have no position"
    ATTACHED_ATOMS = "attached_atoms", Stated.READER, "atoms hang on sites without positions of their own"
    BROKEN_ENTRY = "broken_entry", Stated.READER, "the database's entry can't be understood"
    NOT_SENT = "not_sent", Stated.READER, "the database lists it, but doesn't send it"
    NO_CELL = "no_cell", Stated.READER, "there is no cell, or none can be built"
    BROKEN_LISTS = "broken_lists", Stated.READER, "lists that don't make a cell: not 9 numbers, or not 3 for every site"
    COMPOSITION_DIFFERS = "composition_differs", Stated.READER, "unrelaxed and relaxed cell differ in composition"
    FORMULA_DIFFERS = "formula_differs", Stated.READER, "the formula is not the cell's"
    UNREADABLE_FORMULA = "unreadable_formula", Stated.READER, "the formula can't be read"
    MARKED_UNCLEAN = "marked_unclean", Stated.READER, "the table itself marks the row as unclean"
    REFUSED_BY_MP2020 = "refused_by_mp2020", Stated.READER, "pymatgen can't apply the MP2020 corrections"
    GUESSED_ANIONS = (
        "guessed_anions",
        Stated.READER,
        "its correction depends on what only a structure could tell: an oxide or a peroxide, a sulfide or a sulfate",
    )
    OTHER_FUNCTIONAL = "other_functional", Stated.READER, "of another functional than the one that was asked for"
    RUN_NOT_CONVERGED = "run_not_converged", Stated.READER, "the calculation's steps ran out before it was converged"
    MISSING_END_MEMBERS = "missing_end_members", Stated.READER, "the references lack one of its elements"
    REPEATED = "repeated", Stated.READER, "the database has sent a row of this id before"

    UNCHANGED = "unchanged", Stated.GENERATOR, "the draw leaves the parent as it is"
    TWO_CLASSES_ONE_ELEMENT = "two_classes_one_element", Stated.GENERATOR, "two elements become the same one"
    DRAWN_BEFORE = "drawn_before", Stated.GENERATOR, "drawn before for the same parent"
    KNOWN_COMPOSITION = "known_composition", Stated.GENERATOR, "a known crystal has this composition"
    SAME_CRYSTAL = "same_crystal", Stated.GENERATOR, "comes to the same crystal as an earlier draw"
    NO_OXIDATION_STATES = "no_oxidation_states", Stated.GENERATOR, "the parent has no integer oxidation states"
    MIXED_VALENCE = "mixed_valence", Stated.GENERATOR, "an element of the parent has several oxidation states"
    ION_NOT_IN_TABLE = "ion_not_in_table", Stated.GENERATOR, "the table of substitutions lacks an ion of the parent"
    NOT_NEUTRAL = "not_neutral", Stated.GENERATOR, "the drawn ions don't add up to zero charge"

    WITHOUT_CELL = "without_cell", Stated.TRAINING, "the result's cell is not among those that models see"
    WITHOUT_BASELINE = "without_baseline", Stated.TRAINING, "the stage before, whose energy is the baseline, failed"

    __str__ = str.__str__
    __repr__ = str.__repr__
    __format__ = str.__format__  # type: ignore[assignment]  # the code, with and without a mixed-in format


def code_of(reason: str) -> str:
    """The code of a reason: ``same_as`` of ``same_as 3f2a``, ``failed`` of ``failed: out_of_time``."""
    return reason.split(maxsplit=1)[0].removesuffix(":") if reason.strip() else ""


def detail_of(reason: str) -> str:
    """What follows the code: the id of ``same_as 3f2a``, ``out_of_time`` of ``failed: out_of_time``; may be empty."""
    return reason.partition(" ")[2].strip()


def with_detail(code: str, detail: str) -> str:
    """A code with words behind it: ``engine_error: killed``; the code alone if there are none."""
    return f"{code}: {' '.join(detail.split())}" if detail else str(code)


def naming(code: str, identifier: str) -> str:
    """A code with the id of another row behind it: ``same_as 3f2a``."""
    return f"{code} {identifier}"


def is_stated(reason: str, *by: Stated) -> bool:
    """Whether the code of a reason is in these parts of the list, or another package's; of failed ones the failure's.

    Args:
        reason: with or without a detail.
        by: parts; all if empty.
    """
    code = code_of(reason)
    if FOREIGN.fullmatch(code):
        return True
    member = _MEMBERS.get(code)
    if member is None or (by and member.by not in by):
        return False
    return member is not Reason.FAILED or is_stated(detail_of(reason), Stated.RELAXATION)


def check_reasons(reasons: Iterable[str], *by: Stated, what: str) -> None:
    """Refuse codes that are not in the list.

    Args:
        reasons: with or without details; empty ones pass.
        by: the parts of the list that may occur.
        what: has the reasons, for the message.

    Raises:
        TableError: naming them.
    """
    unknown = sorted(reason for reason in set(reasons) - {""} if not is_stated(reason, *by))
    if unknown:
        raise TableError(
            f"{what} with reasons that are not listed: {listed(unknown)}; see docs/reference/reasons.md, "
            f"and begin codes of your own with x_"
        )


_MEMBERS: Final = {member.value: member for member in Reason}
