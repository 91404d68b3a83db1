"""How far every stage is, as a table, as one line with a bar, and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.science.campaign.progress import CampaignProgress, Pace, StageProgress

WIDTH: Final = 24
GO_ON: Final = {"pause": "\n  -> to go on: aiida-mlhull resume {pk}"}
STAGES: Final = (
    "stage",
    "engine",
    "sent",
    "done",
    "failed",
    "running",
    "queued",
    "waiting",
    "at most",
    "per hour",
    "core-min",
    "left",
)


def describe(progress: CampaignProgress) -> str:
    """All stages, what is under way, what was spent, what failed last, and an alarm where nothing moves."""
    parts = [f"Stages\n{text.table(STAGES, map(_row, progress.stages), indent='  ')}", text.pairs(_facts(progress))]
    if progress.last_failures:
        rows = [(one.id, one.stage, one.reason, f"{_ago(one.when)} ago", str(one.pk)) for one in progress.last_failures]
        parts.append("Last failures\n" + text.table(("id", "stage", "reason", "when", "table"), rows, indent="  "))
    if progress.told:
        because = f": {progress.why}" if progress.why else ""
        parts.append(f"Told to {progress.told}{because}{GO_ON.get(progress.told, '').format(pk=progress.pk)}")
    if progress.alarm:
        parts.append(f"ALARM: {progress.alarm}")
    return "\n\n".join(parts)


def _row(stage: StageProgress) -> tuple[object, ...]:
    return (
        stage.name,
        stage.engine,
        stage.sent,
        stage.done + stage.taken_over,
        stage.failed,
        stage.running,
        stage.queued,
        stage.waiting,
        stage.at_most,
        None if stage.pace is None else f"{stage.pace.per_hour:,.0f}",
        text.core_minutes(stage.core_minutes),
        left(stage.pace) if stage.pace is not None and stage.ended < stage.sent else None,
    )


def left(pace: Pace) -> str:
    """``19 min (15 min to 1.2 h)``."""
    return f"{text.about(pace.seconds_left)} ({text.about(pace.shortest)} to {text.about(pace.longest)})"


def _facts(progress: CampaignProgress) -> list[tuple[str, object]]:
    models = progress.models
    jobs = f"{text.count(models.done, 'job')} done" + (f", {models.running} under way" if models.running else "")
    budget = f" of {progress.budget:,} ({progress.relaxed / progress.budget:.0%})" if progress.budget else ""
    return [
        *([("now", progress.activity)] if progress.activity else []),
        ("relaxed to the end", f"{progress.relaxed:,}{budget}"),
        *([("models", jobs)] if models.done or models.running else []),
        ("core-minutes", text.core_minutes(progress.core_minutes)),
    ]


def _ago(moment: datetime) -> str:
    return text.about((datetime.now(tz=timezone.utc) - moment).total_seconds())


def bar(progress: CampaignProgress) -> str:
    """One line: the stage that is at work, a bar, counts, and the time that it may still take."""
    at_work = [one for one in progress.stages if one.ended < one.sent]
    if not at_work:
        return f"{text.duration(progress.seconds):>8}  {progress.activity}"
    stage = at_work[-1]
    full = WIDTH * stage.ended // stage.sent
    failed = f", {stage.failed} failed" if stage.failed else ""
    rest = "" if stage.pace is None else f", {left(stage.pace)} left"
    counts = f"{stage.ended:,} of {stage.sent:,}{failed}, {stage.running} running{rest}"
    return f"{text.duration(progress.seconds):>8}  {stage.name} [{'#' * full}{'.' * (WIDTH - full)}] {counts}"


def as_json(progress: CampaignProgress) -> dict[str, Any]:
    """The same figures for programs: times in ISO 8601."""
    plain: dict[str, Any] = _plain(asdict(progress))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, datetime) else value
