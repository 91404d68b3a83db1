"""Errors that carry a stable code word.

The code word is what people search for and what the AiiDA layer turns into an exit code: in
capitals it is the exit code's label. Statuses are grouped in bands, so that a number alone tells
whose turn it is:

====== =========================================================
band   meaning
====== =========================================================
2xx    the inputs are wrong; nothing was run
30x    files are missing, truncated or of another kind
31x    the program refused and said why
41x    curable: a handler may restart the process
5xx    everything ran, but the science fell short
====== =========================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

MAX_LISTED = 8


def listed(items: Iterable[object], limit: int = MAX_LISTED) -> str:
    """Join ``items`` for a message, shortened after ``limit`` of them."""
    words = [str(item) for item in items]
    shown = ", ".join(words[:limit])
    return shown if len(words) <= limit else f"{shown} and {len(words) - limit} more"


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """``"; did you mean 'laptop'?"`` where a known name is spelled nearly so, else nothing."""
    by_letters = {name.lower().replace("_", "-"): name for name in known}
    close = get_close_matches(str(word).lower().replace("_", "-"), by_letters, n=1, cutoff=0.7)
    return f"; did you mean {by_letters[close[0]]!r}?" if close else ""


class MlhullError(Exception):
    """Base of all errors that the package raises on purpose.

    Attributes:
        code: stable word that names the kind of failure, in snake case.
        status: the AiiDA exit status that this kind of failure ends with.
    """

    code: ClassVar[str] = "mlhull"
    status: ClassVar[int] = 310

    @classmethod
    def label(cls) -> str:
        """The exit code's label: the code word in capitals."""
        return f"ERROR_{cls.code.upper()}"


class InputError(MlhullError, ValueError):
    """The inputs can't be used as they are."""

    code = "invalid_input"
    status = 200


class UnknownNameError(InputError):
    """A model, rule, engine, potential, protocol, node, group or code of that name doesn't exist."""

    code = "unknown_name"
    status = 201


class SettingsError(InputError):
    """A campaign file or a settings dictionary is not valid."""

    code = "invalid_settings"
    status = 202


class CrystalError(InputError):
    """A crystal is broken: not finite, overlapping atoms, no volume, unknown element."""

    code = "invalid_crystal"
    status = 203


class TableError(InputError):
    """A table's columns don't fit together: lengths, order, duplicate ids, not finite."""

    code = "invalid_table"
    status = 204


class MissingEndMembersError(InputError):
    """The references lack elements that candidates need; the message lists them."""

    code = "missing_end_members"
    status = 205


class MixedSchemesError(InputError):
    """Energies of different functionals or correction schemes meet in one hull."""

    code = "mixed_schemes"
    status = 206


class TooFewLabelsError(InputError):
    """There are fewer labels than the ensemble needs to train and validate."""

    code = "too_few_labels"
    status = 207


class DeviceError(InputError):
    """A device was asked for that this machine doesn't have."""

    code = "no_such_device"
    status = 208


class FormulaError(InputError):
    """A formula can't be read, or names an unknown element."""

    code = "invalid_formula"
    status = 209


class MissingPotentialError(InputError):
    """A family of potentials lacks some that candidates need; the message lists them."""

    code = "missing_potential"
    status = 215


class NotReadyError(MlhullError):
    """AiiDA lacks something that a campaign needs: a profile, a broker, a daemon, a program. The message says how to get it."""

    code = "not_ready"
    status = 216


class WireError(MlhullError):
    """A file is missing, truncated, of another kind or of another version."""

    code = "unreadable_file"
    status = 301


class WeightsError(WireError):
    """A weights file is truncated, foreign or belongs to another model."""

    code = "wrong_weights"
    status = 302


class IncompleteJobError(WireError):
    """A job's completion marker is missing or its row count is off."""

    code = "incomplete_job"
    status = 303


class IncompleteAnswerError(WireError):
    """A database sent less than it announced."""

    code = "incomplete_answer"
    status = 304


class MissingExtraError(MlhullError, ImportError):
    """An optional dependency is needed; the message names the extra to install."""

    code = "missing_extra"
    status = 311


class DiskFullError(MlhullError):
    """The disk that a job writes to is full, or its quota is used up. Finished rows are kept."""

    code = "disk_full"
    status = 313


class StoppedError(MlhullError):
    """A job was stopped from outside before it was done: walltime, a signal. Finished rows are kept."""

    code = "stopped"
    status = 410


class OutOfMemoryError(MlhullError):
    """A job needed more memory than the node (or its graphics card) has."""

    code = "out_of_memory"
    status = 411


class EngineFailedError(MlhullError):
    """An engine ran and gave no energy where one was needed; the message names what failed and why."""

    code = "engine_failed"
    status = 512


class FitError(MlhullError):
    """Training ran but gave nothing usable (diverged, not finite)."""

    code = "fit_failed"
    status = 510


class CampaignFailedError(MlhullError):
    """A campaign or a fit ran and ended with an exit code or an exception; the message says where to look."""

    code = "campaign_failed"
    status = 513


class HullError(MlhullError):
    """A hull distance could not be certified."""

    code = "hull_not_certified"
    status = 511


class Problems:
    """Collects what is wrong with the parts of a file, so that all of it is told together.

    Parts that don't depend on one another are each checked ``with problems:``, and ``problems.refuse_any()`` follows.
    """

    def __init__(self) -> None:
        self.found: list[MlhullError] = []

    def __enter__(self) -> Problems:  # noqa: PYI034  (Self needs Python 3.11)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        if not isinstance(error, MlhullError):
            return False
        if str(error) not in map(str, self.found):
            self.found.append(error)
        return True

    def refuse_any(self) -> None:
        """Raise what was found.

        Raises:
            MlhullError: the only problem as it is.
            SettingsError: several of them, a line each.
        """
        if len(self.found) == 1:
            raise self.found[0]
        if self.found:
            lines = "".join(f"\n  {number}. {error}" for number, error in enumerate(self.found, start=1))
            raise SettingsError(f"{len(self.found)} things are wrong:{lines}")
