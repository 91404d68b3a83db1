"""What holds a daemon's worker; and by ``python -m benchmarks.scale_watch history ID`` how long a command takes after the start."""

# ruff: noqa: PLC0415  (AiiDA reads AIIDA_PATH when it is imported)

from __future__ import annotations

import asyncio
import io
import json
import sys
import time
from collections import defaultdict
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

from typing_extensions import Self

TICK: Final = 0.05
SHOWN: Final = 8


def peak_mib() -> int:
    """Most memory that this program has had, MiB; ``getrusage`` would count that of the process that has started it."""
    told = Path("/proc/self/status").read_text()
    return int(told.split("VmHWM:")[1].split()[0]) // 1024


class Slices:
    """Seconds of the processor that every task of an event loop has had: while one waits in a call, others go on."""

    def __init__(self) -> None:
        self.spent: dict[object, float] = defaultdict(float)
        self.begun = time.process_time()
        self._run = asyncio.Handle._run  # noqa: SLF001  (nothing else sees every step of every task)

    def __enter__(self) -> Self:
        slices = self

        def run(handle: asyncio.Handle) -> None:
            slices.begun = time.process_time()
            slices._run(handle)
            task = getattr(handle._callback, "__self__", None)  # noqa: SLF001
            slices.spent[task] += time.process_time() - slices.begun

        asyncio.Handle._run = run  # type: ignore[method-assign]  # noqa: SLF001
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.Handle._run = self._run  # type: ignore[method-assign]  # noqa: SLF001

    def own(self) -> float:
        """Of the task at hand, so far."""
        return self.spent[asyncio.current_task()] + time.process_time() - self.begun


class Watch:
    """Cost of every calcfunction, and how long nothing else could happen.

    Seconds of the processor are those of the task that has called; wall seconds also those of others that went on meanwhile.

    Args:
        path: of a file that gets a line a call, for runs that don't come to their end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.costs: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.gaps: list[tuple[float, float, str]] = []
        self.slices = Slices()
        self.last, self.now = (time.process_time(), time.perf_counter()), "between"

    def __enter__(self) -> Self:
        from aiida.manage import get_manager

        from aiida_mlhull.calculations import functions
        from aiida_mlhull.engines import recorded
        from aiida_mlhull.workflows import screen

        for module, names in (
            (
                functions,
                [name for name in vars(functions) if getattr(getattr(functions, name), "is_process_function", False)],
            ),
            (recorded, ["look_up"]),
            (screen, ["make_cells"]),
        ):
            for name in names:
                if hasattr(module, name):
                    setattr(module, name, self._watched(name, getattr(module, name)))
        self.slices.__enter__()
        self.loop = get_manager().get_runner().loop
        self.loop.call_later(TICK, self._tick)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop = None
        self.slices.__exit__()

    def _tick(self) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        self.gaps.append((cpu - self.last[0], wall - self.last[1], self.now))
        self.last, self.now = (cpu, wall), "between"
        if self.loop is not None:
            self.loop.call_later(TICK, self._tick)

    def _watched(self, name: str, function: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            wall, cpu = time.perf_counter(), self.slices.own()
            try:
                return function(*arguments, **named)
            finally:
                cost = time.perf_counter() - wall, self.slices.own() - cpu
                self.costs[name].append(cost)
                with self.path.open("a") as lines:
                    lines.write(json.dumps([name, *cost, peak_mib()]) + "\n")
                self.now = name

        return call

    def steps(self) -> dict[str, dict[str, float]]:
        """By calcfunction: calls, seconds, and the longest call."""
        return {
            name: {
                "calls": len(costs),
                "wall_s": round(sum(wall for wall, _ in costs), 2),
                "cpu_s": round(sum(cpu for _, cpu in costs), 2),
                "longest_cpu_s": round(max(cpu for _, cpu in costs), 2),
            }
            for name, costs in sorted(self.costs.items(), key=lambda item: -sum(cpu for _, cpu in item[1]))
        }

    def longest(self) -> list[list[Any]]:
        """Longest times that nothing else could happen in the worker: CPU and wall seconds, and which calcfunction ended last."""
        return [[round(cpu, 2), round(wall, 2), name] for cpu, wall, name in sorted(self.gaps, reverse=True)[:SHOWN]]


def command(words: list[str]) -> dict[str, float]:
    """Seconds of a command in this process."""
    import aiida
    from aiida import orm

    aiida.load_profile()
    orm.QueryBuilder().append(orm.User).count()
    import aiida.cmdline.commands.cmd_verdi  # verdi's own start

    wall, cpu = time.perf_counter(), time.process_time()
    with redirect_stdout(io.StringIO()) as said:
        if words[0] == "verdi":
            aiida.cmdline.commands.cmd_verdi.verdi(words[1:], standalone_mode=False)
        else:
            from aiida_mlhull.cli import main

            sys.argv = ["aiida-mlhull", *words]
            try:
                main()
            except SystemExit as status:
                if status.code:
                    raise
    return {
        "wall_s": round(time.perf_counter() - wall, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_mib": peak_mib(),
        "lines": said.getvalue().count("\n"),
    }


if __name__ == "__main__":
    print(json.dumps(command(sys.argv[1:])))
