"""Files of jobs and nodes, spoiled on purpose: each ends as valid data or as one of the package's errors, in bounded memory.

    python -m benchmarks.wire_fuzz --seconds 600 --json [--seed 0] [--kinds labels member ...]

Real tables, weights and descriptions are spoiled: bytes are exchanged or cut off; columns get other types, lengths, names,
orders and values (NaN, nothing, foreign ids, paths that lead out of a folder); a few kilobytes claim millions of rows;
headers lie. What is read without an error has to be written and read again with the same content, and none of it may be of
another type than its noun says. Examples run in children with a limit of memory: one that dies is a fault as well. Every
example follows from the seed and its number, so that a fault can be had again by ``--seed SEED --only KIND NUMBER``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aiida_mlhull.science.errors import MlhullError
from aiida_mlhull.science.program.settings import FitJob, PredictJob
from aiida_mlhull.science.types import (
    Crystals,
    EnsembleWeights,
    MemberWeights,
    Predictions,
    Substitutions,
    Table,
    Wyckoff,
)
from aiida_mlhull.science.types.strict import validated
from aiida_mlhull.science.wire import (
    decode_ensemble,
    decode_member,
    decode_substitutions,
    decode_table,
    decode_wyckoff,
    encode_ensemble,
    encode_member,
    encode_substitutions,
    encode_table,
    encode_wyckoff,
)
from aiida_mlhull.science.wire.folder import JobFolder, check_done
from tests.arsenides import choice, simplest

MEMORY: Final = 6 << 30
"""Bytes of address space that a child may take beyond what it began with."""
SLOW: Final = 10.0
"""Seconds of the processor; an example that takes longer is a fault."""
BATCH: Final = 150
"""Examples of a child."""
KEY: Final = b"mlhull"
ODD_TEXTS: Final = (
    "",
    "../../outside",
    "/etc/passwd",
    "a\0b",
    "a" * 5000,
    "\N{GREEK SMALL LETTER SIGMA}",
    " ",
    "nan",
    "c000.cif",
)
ODD_NUMBERS: Final = (0, -1, 1, 2**31, 2**63 - 1, -(2**63), 1e308, float("nan"), float("inf"), -0.0)
DEEP: Final = "[" * 100_000
KINDS_OF_COLUMNS: Final = (
    pa.string(), pa.large_string(), pa.binary(), pa.int8(), pa.int16(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(),
    pa.bool_(), pa.null(), pa.timestamp("ns"), pa.decimal128(38, 2), pa.list_(pa.float64()), pa.list_(pa.float64(), 2),
    pa.struct([("a", pa.int64())]), pa.dictionary(pa.int32(), pa.string()),
)  # fmt: skip
MILLIONS: Final = 3_000_000


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        sound: the bytes of a sound one.
        spoil: makes a spoiled one of it.
        read: reads it, and checks what was read; raises an error of the package or what is a fault.
    """

    sound: bytes
    spoil: Callable[[random.Random, bytes], bytes]
    read: Callable[[bytes], None]


def spoiled_bytes(chance: random.Random, content: bytes) -> bytes:
    """Bytes exchanged, left out, repeated or cut off."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        width = chance.choice((0, 1, 1, 4, 8, 200))
        new = chance.choice((b"", b"\0", b"\xff" * 8, chance.randbytes(chance.randint(1, 8)), content[at : at + 50]))
        content = content[:at] if chance.random() < 0.1 else content[:at] + new + content[at + width :]  # noqa: PLR2004
    return content


def spoiled_json(chance: random.Random, content: bytes) -> bytes:
    """A value somewhere in it exchanged, left out or added; sometimes bytes."""
    if chance.random() < 0.2:  # noqa: PLR2004
        return spoiled_bytes(chance, content)
    whole: Any = {"": json.loads(content)}
    for _ in range(chance.randint(1, 3)):
        here, key = whole, ""
        while isinstance(here[key], dict | list) and here[key] and chance.random() < 0.8:  # noqa: PLR2004
            here = here[key]
            key = chance.choice(sorted(here) if isinstance(here, dict) else range(len(here)))
        how = chance.random()
        if how < 0.2 and here is not whole:  # noqa: PLR2004
            del here[key]
        elif how < 0.3 and isinstance(here, dict) and here is not whole:  # noqa: PLR2004
            here[chance.choice(ODD_TEXTS)] = odd_value(chance)
        else:
            here[key] = odd_value(chance)
    return json.dumps(whole[""]).encode()[: None if chance.random() < 0.95 else 40].replace(b'"deep"', DEEP.encode())  # noqa: PLR2004


def odd_value(chance: random.Random) -> Any:
    """What JSON can hold and few expect."""
    return chance.choice(
        (None, True, [], {}, [None], {"a": []}, "deep", 10**400, chance.choice(ODD_TEXTS), chance.choice(ODD_NUMBERS))
    )


def spoiled_table(chance: random.Random, content: bytes) -> bytes:
    """Another parquet file: columns, values, header and packing changed; sometimes bytes."""
    if chance.random() < 0.25:  # noqa: PLR2004
        return spoiled_bytes(chance, content)
    table = pq.read_table(pa.BufferReader(content))
    head = table.schema.metadata[KEY]
    for _ in range(chance.randint(0, 2)):
        with suppress(pa.ArrowException, KeyError):  # two columns of one name
            table = chance.choice(CHANGES)(chance, table)
    if chance.random() < 0.3:  # noqa: PLR2004
        head = spoiled_json(chance, head)
    if len(table) and chance.random() < 0.02:  # noqa: PLR2004
        with suppress(KeyError):
            table = _millions(table)
    table = table.replace_schema_metadata({KEY: head} if chance.random() < 0.98 else None)  # noqa: PLR2004
    sink = pa.BufferOutputStream()
    try:
        packed = chance.choice(("zstd", "gzip", "brotli", "snappy", "none", "lz4"))
        pq.write_table(
            table, sink, compression=packed, row_group_size=chance.choice((1 << 20, max(7, len(table) // 9)))
        )
    except (pa.ArrowException, KeyError):  # parquet can't hold it
        return content
    return bytes(sink.getvalue())


def _millions(table: pa.Table) -> pa.Table:
    """One row repeated so often that a few kilobytes hold it; without crystals."""
    indices = pa.array(np.zeros(MILLIONS, dtype=np.int8))
    flat = {name: table.column(name)[:1].combine_chunks() for name in table.column_names}
    return pa.table(
        {
            name: pa.DictionaryArray.from_arrays(indices, value)
            for name, value in flat.items()
            if pa.types.is_string(value.type) or pa.types.is_float64(value.type)
        }
    )


def _other_type(chance: random.Random, table: pa.Table) -> pa.Table:
    place = chance.randrange(table.num_columns)
    kind = chance.choice(KINDS_OF_COLUMNS)
    try:
        column = table.column(place).cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        column = pa.nulls(len(table), kind)
    return table.set_column(place, table.column_names[place], column)


def _other_values(chance: random.Random, table: pa.Table) -> pa.Table:
    place = chance.randrange(table.num_columns)
    column = table.column(place)
    values = column.to_pylist()
    if not values:
        return table
    for _ in range(chance.choice((1, 1, len(values)))):
        row = chance.randrange(len(values))
        if isinstance(values[row], list) and values[row]:
            inner = list(values[row])
            inner[chance.randrange(len(inner))] = chance.choice((None, *ODD_NUMBERS))
            values[row] = chance.choice((inner, inner[:-1], inner * 2, [], None))
        else:
            values[row] = chance.choice((None, *ODD_TEXTS, *ODD_NUMBERS))
    try:
        made = pa.array(values, column.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return table
    return table.set_column(place, table.column_names[place], made)


def _other_columns(chance: random.Random, table: pa.Table) -> pa.Table:
    name = chance.choice(table.column_names)
    how = chance.randrange(4)
    if how == 0:
        return table.drop_columns([name])
    if how == 1:
        new = chance.choice((*ODD_TEXTS, *table.column_names))
        return table.rename_columns([new if one == name else one for one in table.column_names])
    if how == 2:  # noqa: PLR2004
        return table.append_column(chance.choice((name, "further")), table.column(name))
    return table.select(chance.sample(table.column_names, table.num_columns))


def _other_rows(chance: random.Random, table: pa.Table) -> pa.Table:
    rows = [chance.randrange(len(table)) for _ in range(chance.choice((0, 1, len(table))))] if len(table) else []
    return table.take(pa.array(rows, pa.int64()))


CHANGES: Final = (_other_type, _other_values, _other_values, _other_columns, _other_rows)


def spoiled_weights(chance: random.Random, content: bytes) -> bytes:
    """A safetensors file whose header lies about lengths, shapes, types, places or what the member is."""
    if chance.random() < 0.2:  # noqa: PLR2004
        return spoiled_bytes(chance, content)
    length = int.from_bytes(content[:8], "little")
    head, rest = content[8 : 8 + length], content[8 + length :]
    if chance.random() < 0.5:  # noqa: PLR2004
        told = json.loads(head)
        told["__metadata__"][KEY.decode()] = spoiled_json(chance, told["__metadata__"][KEY.decode()].encode()).decode(
            errors="replace"
        )
        head = json.dumps(told).encode()
    else:
        head = spoiled_json(chance, head)
    said = chance.choice((len(head), len(head), len(head), len(head) + 1, 0, 2**63, 2**32, 100_000_000))
    return said.to_bytes(8, "little") + head + rest


def read_table(noun: type[Table]) -> Callable[[bytes], None]:
    """Reads a table and checks that it is one: types of its noun, and the same again when it is written."""

    def read(content: bytes) -> None:
        table = decode_table(noun, content)
        sound = tables()[noun]
        for field in fields(noun):
            got, usual = getattr(table, field.name), getattr(sound, field.name)
            if got is None or usual is None:
                continue
            assert type(got) is type(usual), f"{field.name} is {type(got).__name__}"
            if isinstance(got, np.ndarray):
                kinds_that_fit = "fiu" if usual.dtype.kind == "f" else usual.dtype.kind
                assert got.dtype.kind in kinds_that_fit, f"{field.name} is {got.dtype}"
                assert got.ndim == usual.ndim, f"{field.name} has {got.ndim} dimensions"
            if isinstance(got, Crystals):
                assert [array.dtype for array in vars(got).values()] == [
                    array.dtype for array in vars(usual).values()
                ], f"{field.name} holds other numbers"
        again = decode_table(noun, written := encode_table(table))
        assert encode_table(again) == written

    return read


def read_member(content: bytes) -> None:
    """Reads a member, which has to be the same again when it is written."""
    member = decode_member(content)
    assert isinstance(member.meta, dict)
    assert isinstance(member.scores, dict)
    written = encode_member(member)
    assert encode_member(decode_member(written)) == written


def read_ensemble(content: bytes) -> None:
    """Reads the description of an ensemble beside sound members."""
    ensemble = decode_ensemble({**ensemble_files(), "ensemble.json": content})
    for field in fields(EnsembleWeights):
        kind = {"str": str, "tuple": tuple, "dict": dict}[str(field.type).partition("[")[0]]
        assert isinstance(getattr(ensemble, field.name), kind), field.name
    assert all(isinstance(name, str) for name in ensemble.classes)


def read_substitutions(content: bytes) -> None:
    """Reads substitutions."""
    table = decode_substitutions(content)
    assert encode_substitutions(decode_substitutions(encode_substitutions(table))) == encode_substitutions(table)
    assert np.isfinite(table.probabilities).all()


def read_wyckoff(content: bytes) -> None:
    """Reads a Wyckoff representation."""
    wyckoff = decode_wyckoff(content)
    assert decode_wyckoff(encode_wyckoff(wyckoff)) == wyckoff


def read_job(settings: Any) -> Callable[[bytes], None]:
    """Reads ``job.json`` as the program does."""

    def read(content: bytes) -> None:
        with TemporaryDirectory() as folder:
            (Path(folder) / "job.json").write_bytes(content)
            _, told = JobFolder(Path(folder)).task()
        job = validated(settings, told, what="job.json")
        for name in (*job.cells, *job.unrelaxed, *getattr(job, "labels", ())):
            assert Path(name).name == name, f"{name!r} leads out of the folder"

    return read


def read_marker(content: bytes) -> None:
    """Reads a completion marker as a parser does, down to what a node has to hold."""
    facts = check_done(content.decode(errors="replace"), {"predictions.parquet": 4})
    json.dumps(facts, allow_nan=False).encode()


@cache
def tables() -> Mapping[type[Table], Table]:
    """A sound table of every noun."""
    excerpt = simplest(12)
    cells = excerpt.candidates
    numbers = np.linspace(-0.2, 0.4, 2 * len(cells)).reshape(-1, 2)
    predictions = Predictions(
        ids=cells.ids, formulas=cells.formulas, members=numbers, member_aleatoric=np.abs(numbers), model="cgcnn"
    )
    made: list[Table] = [cells, excerpt.record, excerpt.references, predictions, choice(cells, [1, 3, 5])]
    return {type(table): table for table in made}


@cache
def ensemble_files() -> Mapping[str, bytes]:
    """Files of an ensemble of two."""
    arrays = {name: np.arange(12.0, dtype=kind).reshape(4, 3) for name, kind in (("b", "f4"), ("a", "f8"), ("c", "i8"))}
    members = tuple(MemberWeights(arrays, {"scale": 2.0}, {"validation_mse": 0.1}, seed) for seed in (0, 1))
    return encode_ensemble(
        EnsembleWeights("cgcnn", {"width": 8}, members, classes=("a", "b"), calibration={"factor": 2.0})
    )


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds of files by name."""
    found = {
        noun.__name__.lower(): Kind(encode_table(table), spoiled_table, read_table(noun))
        for noun, table in tables().items()
    }
    counts = np.asarray([[4, 1], [1, 0]])
    wyckoff = Wyckoff(225, ("N", "Ti"), ("a", "b"), (4, 4), (("a", "b"), ("b", "a")), "AB_cF8_225_a_b:N-Ti", "AB_cF8")
    files = ensemble_files()
    fit = {"cells": {"c.parquet": "Candidates"}, "labels": ["l.parquet"], "members": [0], "seed": 1, "unrelaxed": ["u"]}
    predict = {"cells": {"c.parquet": "Candidates"}, "rows": "kept", "unrelaxed": ["u.parquet"]}
    marker = {
        "version": 1,
        "rows": {"predictions.parquet": 4},
        "device": "cpu",
        "wall_seconds": 1.5,
        "versions": {"a": "1"},
    }
    described = (
        ("member", files["member_000.safetensors"], spoiled_weights, read_member),
        ("ensemble", files["ensemble.json"], spoiled_json, read_ensemble),
        (
            "substitutions",
            encode_substitutions(Substitutions(("N", "Ti"), counts, 0.5, 5, 2)),
            spoiled_json,
            read_substitutions,
        ),
        ("wyckoff", encode_wyckoff(wyckoff), spoiled_json, read_wyckoff),
        ("fit_job", JobFolder.describe("fit", fit).encode(), spoiled_json, read_job(FitJob)),
        ("predict_job", JobFolder.describe("predict", predict).encode(), spoiled_json, read_job(PredictJob)),
        ("marker", json.dumps(marker).encode(), spoiled_json, read_marker),
    )
    return found | {name: Kind(*rest) for name, *rest in described}


def example(name: str, seed: int, number: int) -> bytes:
    """The spoiled file of that number."""
    kind = kinds()[name]
    return kind.spoil(random.Random(f"{name} {seed} {number}"), kind.sound)


def outcome(name: str, content: bytes) -> str:
    """What came of it: ``data``, or the error's code; anything else is raised."""
    try:
        kinds()[name].read(content)
    except MlhullError as error:
        return error.code
    return "data"


def batch(name: str, seed: int, numbers: range, told: Path) -> None:
    """In a child: examples one after the other, a line each before and after it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with told.open("w", encoding="utf-8") as file:
        for number in numbers:
            content = example(name, seed, number)
            file.write(json.dumps({"number": number}) + "\n")
            file.flush()
            started = time.process_time()
            try:
                came = {"outcome": outcome(name, content)}
            except BaseException as error:  # noqa: BLE001  (what is none of ours is what is looked for)
                place = traceback.extract_tb(error.__traceback__)[-1]
                what = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}: {str(error)[:150]}"
                came = {"fault": what}
            took = time.process_time() - started
            if took > SLOW:
                came = {"fault": f"{took:.0f} s of the processor"}
            file.write(json.dumps({"number": number, "bytes": len(content), **came}) + "\n")


def examined(name: str, seed: int, numbers: range, told: Path) -> tuple[Counter[str], dict[str, int], int]:
    """Outcomes of a batch, first example of every fault, and the largest memory of the child in MiB."""
    words = [sys.executable, "-m", __spec__.name, "--child", name, str(numbers.start), str(numbers.stop), str(told)]
    told.unlink(missing_ok=True)
    child = subprocess.Popen([*words, "--seed", str(seed)])  # noqa: S603
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = status
    lines = [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []
    ended = [line for line in lines if len(line) > 1]
    faults: dict[str, int] = {}
    for line in ended:
        if "fault" in line:
            faults.setdefault(line["fault"], line["number"])
    if len(ended) < len(numbers):
        faults[f"died with {status}"] = lines[-1]["number"] if lines else numbers[0]
    counts = Counter(line.get("outcome", "fault") for line in ended)
    return counts, faults, used.ru_maxrss >> 10


def measure(names: list[str], *, seed: int, seconds: float) -> dict[str, Any]:
    """Batches of all kinds in turn until the time is over."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    faults: dict[str, dict[str, int]] = {name: {} for name in names}
    largest, end = dict.fromkeys(names, 0), time.monotonic() + seconds
    for name in names:
        kinds()[name].read(kinds()[name].sound)
    with TemporaryDirectory() as folder:
        for turn in count():
            if turn and time.monotonic() > end:
                break
            for name in names:
                numbers = range(turn * BATCH, (turn + 1) * BATCH)
                came, wrong, memory = examined(name, seed, numbers, Path(folder) / "told")
                counts[name] += came
                faults[name] = wrong | faults[name]
                largest[name] = max(largest[name], memory)
    return {
        name: {"outcomes": dict(counts[name].most_common()), "faults": faults[name], "largest_mib": largest[name]}
        for name in names
    }


def main() -> int:
    """Print one JSON object; 1 if there are faults."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="print JSON (there is nothing else to print)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kinds", nargs="*", default=None)
    parser.add_argument("--only", nargs=2, metavar=("KIND", "NUMBER"), help="one example, with its traceback")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        name, first, last, told = asked.child
        batch(name, asked.seed, range(int(first), int(last)), Path(told))
        return 0
    if asked.only:
        name, number = asked.only
        content = example(name, asked.seed, int(number))
        print(len(content), content[:300])
        print(outcome(name, content))
        return 0
    found = measure(asked.kinds or list(kinds()), seed=asked.seed, seconds=asked.seconds)
    print(json.dumps({"benchmark": "wire_fuzz", "seed": asked.seed, "kinds": found}))
    return int(any(one["faults"] for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
