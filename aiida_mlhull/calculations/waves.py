"""Many jobs, a few at a time, each tried again before it counts as failed."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ToContext, WorkChain

from aiida_mlhull.calculations.jobs import JobSettings, why_failed


class Waves(WorkChain):
    """Base of WorkChains that run one job for each of a list of keys.

    A subclass puts ``while_(cls.keys_left)(cls.submit_wave, cls.inspect_wave)`` into its outline, after
    a step that calls :meth:`wait_for`.
    """

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the sizes and limits."""
        super().define(spec)
        job_settings_input(spec)

    @abstractmethod
    def job(self, key: str) -> tuple[Any, dict[str, Any]]:
        """The process class and the inputs of the job that belongs to ``key``."""

    @abstractmethod
    def accept(self, key: str, node: orm.ProcessNode) -> None:
        """Take over what a job gave."""

    @abstractmethod
    def give_up(self, failed: dict[str, str]) -> ExitCode | None:
        """Deal with jobs that failed for good, by key and reason; None goes on without them."""

    @property
    def jobs(self) -> JobSettings:
        """Sizes and limits."""
        return JobSettings.model_validate(self.inputs.jobs.get_dict())

    @property
    def options(self) -> dict[str, Any]:
        """Scheduler options that every job gets."""
        jobs = self.jobs
        resources = {"num_machines": 1, "num_mpiprocs_per_machine": 1, "num_cores_per_mpiproc": jobs.processes}
        return {
            "max_wallclock_seconds": jobs.max_wallclock_seconds,
            "resources": resources,
            "device": jobs.device,
        }

    def wait_for(self, keys: list[str]) -> None:
        """Name the jobs that have to be done."""
        self.ctx.waiting = keys
        self.ctx.attempt = 1

    def keys_left(self) -> bool:
        """Whether a job is still to be done."""
        return bool(self.ctx.waiting)

    def submit_wave(self) -> Any:
        """Submit as many jobs as may run at once."""
        running = {}
        for key in self.ctx.waiting[: self.jobs.max_in_flight]:
            process, inputs = self.job(key)
            running[key] = self.submit(process, inputs)
        return ToContext(**running)

    def inspect_wave(self) -> ExitCode | None:
        """Take over results; try failures once more, or give up on them."""
        size = self.jobs.max_in_flight
        wave, rest = self.ctx.waiting[:size], self.ctx.waiting[size:]
        failed = {key: why_failed(self.ctx[key]) for key in wave if not self.ctx[key].is_finished_ok}
        for key in wave:
            if key not in failed:
                self.accept(key, self.ctx[key])
        if not failed:
            self.ctx.waiting, self.ctx.attempt = rest, 1
            return None
        self.report(f"attempt {self.ctx.attempt}: " + "; ".join(f"{key}: {why}" for key, why in failed.items()))
        if self.ctx.attempt < self.jobs.max_attempts:
            self.ctx.waiting, self.ctx.attempt = [*failed, *rest], self.ctx.attempt + 1
            return None
        self.ctx.waiting, self.ctx.attempt = rest, 1
        return self.give_up(failed)


def job_settings_input(spec: Any) -> None:
    """Declare the input ``jobs`` of a WorkChain: sizes and limits, checked."""
    spec.input("jobs", valid_type=orm.Dict, validator=_check_jobs, default=_default_jobs, help="JobSettings.")


def _default_jobs() -> orm.Dict:
    return orm.Dict(JobSettings().model_dump())


def _check_jobs(jobs: orm.Dict, _: Any) -> str | None:
    try:
        JobSettings.model_validate(jobs.get_dict())
    except ValueError as error:
        return str(error)
    return None
