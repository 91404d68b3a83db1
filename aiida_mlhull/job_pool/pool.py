"""Many jobs, a few at a time, each tried again before it counts as failed."""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime, timezone
from functools import cached_property
from typing import Any, Final

from aiida import orm
from aiida.engine import ExitCode, ToContext, if_, while_

from aiida_mlhull.calculations.ports import plain_input
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.job_pool.settings import JobSettings, fell_short, has_refused, why_failed
from aiida_mlhull.job_pool.steering import Steered

QUIET_SECONDS: Final = 60
"""A pool that takes longer than this reports how far it is after every wave."""


class JobPool(Steered):
    """Base of WorkChains that run one job for each of a list of keys.

    A subclass puts ``cls.waves()`` into its outline, after a step that calls :meth:`wait_for`, and
    ``cls.require_all`` behind it if it can't do with part of the jobs.

    Names in the context:
        waiting: keys whose jobs are still to be done.
        tries: failed tries by key.
        asked: number of all keys.
        ended: the job that has ended last, by key.
    """

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the sizes and limits."""
        super().define(spec)
        job_settings_input(spec)
        spec.exit_code(530, "ERROR_STOPPED", "The campaign was told to stop before all jobs were done.")

    @classmethod
    def waves(cls) -> Any:
        """The part of the outline that runs all jobs; a campaign that is told to stop ends it early."""
        return while_(cls.keys_left)(cls.heed, if_(cls.may_go_on)(cls.submit_wave, cls.inspect_wave))

    @abstractmethod
    def job(self, key: str) -> tuple[Any, dict[str, Any]]:
        """The process class and the inputs of the job that belongs to ``key``."""

    @abstractmethod
    def accept(self, key: str, node: orm.ProcessNode) -> None:
        """Take over what a job gave."""

    @abstractmethod
    def give_up(self, failed: dict[str, str]) -> ExitCode | None:
        """Deal with jobs that failed for good, by key and reason; None goes on without them."""

    @cached_property
    def jobs(self) -> JobSettings:
        """Sizes and limits, checked once per loaded process."""
        return settings_of(self.inputs.jobs, JobSettings)

    @property
    def options(self) -> dict[str, Any]:
        """Scheduler options that every job gets."""
        return {**self.jobs.scheduler_options(), "device": self.jobs.device}

    def wait_for(self, keys: list[str]) -> None:
        """Name the jobs that have to be done."""
        self.ctx.waiting = keys
        self.ctx.tries = {}
        self.ctx.asked = len(keys)

    def was_tried(self, key: str) -> bool:
        """Whether a job for ``key`` has ended before."""
        return key in self.ctx.get("ended", {})

    def ended(self, key: str) -> orm.ProcessNode:
        """The job for ``key`` that has ended last."""
        node: orm.ProcessNode = self.ctx.ended[key]
        return node

    def keys_left(self) -> bool:
        """Whether a job is still to be done."""
        return bool(self.ctx.waiting) and self.may_go_on()

    def require_all(self) -> ExitCode | None:
        """End here if jobs are missing."""
        code: ExitCode = self.exit_codes.ERROR_STOPPED
        return code if self.ctx.waiting else None

    def submit_wave(self) -> Any:
        """Submit as many jobs as may run at once."""
        running = {}
        for key in self.ctx.waiting[: self.jobs.max_in_flight]:
            process, inputs = self.job(key)
            running[f"ended.{key}"] = self.submit(process, inputs)
        return ToContext(**running)

    def inspect_wave(self) -> ExitCode | None:
        """Take over results; what was stopped or lost is tried again, what failed for good is given up."""
        size = self.jobs.max_in_flight
        wave, rest = self.ctx.waiting[:size], self.ctx.waiting[size:]
        again: list[str] = []
        lost: dict[str, str] = {}
        for key in wave:
            node = self.ended(key)
            if node.is_finished_ok:
                self.accept(key, node)
                continue
            tries = self.ctx.tries.get(key, 0) + 1
            self.ctx.tries[key] = tries
            self.report(f"{key}, try {tries} of {self.jobs.max_attempts}: {why_failed(node)}")
            if tries < self.jobs.max_attempts and not has_refused(node) and not fell_short(node):
                again.append(key)
            else:
                lost[key] = why_failed(node)
        self.ctx.waiting = [*again, *rest]
        if self.ctx.waiting and _seconds_since(self.node.ctime) > QUIET_SECONDS:
            self.report(f"{self.ctx.asked - len(self.ctx.waiting)} of {self.ctx.asked} jobs are done")
        return self.give_up(lost) if lost else None


def _seconds_since(moment: datetime) -> float:
    return (datetime.now(tz=timezone.utc) - moment).total_seconds()


def job_settings_input(spec: Any) -> None:
    """Declare the input ``jobs`` of a WorkChain: sizes and limits, checked."""
    plain_input(spec, "jobs", orm.Dict, validator=_check_jobs, default=_default_jobs, help="JobSettings.")


def _default_jobs() -> orm.Dict:
    return orm.Dict(JobSettings().model_dump())


def _check_jobs(jobs: orm.Dict, _: Any) -> str | None:
    try:
        JobSettings.model_validate(jobs.get_dict())
    except ValueError as error:
        return str(error)
    return None
