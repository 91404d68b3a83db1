"""Whole results become nodes; everything else ends with the one exit code that says why.

The program really runs; then its folder is harmed in the ways in which folders are harmed.
"""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType

from aiida_mlhull.calculations.exit_codes import kinds_of_failure
from aiida_mlhull.data import CandidatesData, DecisionsData, PredictionsData
from aiida_mlhull.parsers.predict import PredictParser
from aiida_mlhull.science.program.entry import run_job
from aiida_mlhull.science.types import Predictions
from aiida_mlhull.science.wire import JobFolder, decode_table, encode_table
from tests.arsenides import choice, every_sixth
from tests.science.program.conftest import fit_folder
from tests.science.program.jobs import prepared

POOL = [2, 3, 5, 7]
Files = dict[str, bytes]
NEVER_STORED = [
    b'{"rows": {"predictions.parquet": 4}, "x": %s}' % x
    for x in (b"NaN", b"1e999", b'"\\u0000"', b'"\\ud800"', b"[" * 9999)
]
"""JSON for Python's reader, or nearly; for no database."""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Files:
    """What the program leaves after it has predicted four rows."""
    folder = tmp_path_factory.mktemp("jobs")
    fit = fit_folder(folder / "fit", ensemble={"model": "trees_gp", "members": 1})
    assert run_job(fit.folder.path, "fit") == 0
    excerpt = every_sixth()
    tables = {
        "cells.parquet": excerpt.candidates,
        "pool.parquet": choice(excerpt.candidates, POOL),
        "references.parquet": excerpt.references,
    }
    job = prepared(folder / "predict", "predict", {"cells": {"cells.parquet": "Candidates"}, "rows": "kept"}, tables)
    for name in ("ensemble.json", "member_000.safetensors"):
        job.folder.write_bytes(name, fit.folder.read_bytes(name))
    assert run_job(job.folder.path, "predict") == 0
    retrieved = ("done.json", "predictions.parquet")
    return {name: job.folder.read_bytes(name) for name in retrieved} | {"mlhull-job.err": b"", "mlhull-job.out": b""}


@pytest.fixture
def parse(aiida_localhost):
    """Parse files as if a job had left them."""

    def parse(files: Files, *, scheduler: tuple[int, str] | None = None) -> tuple[dict[str, Any], orm.CalcJobNode]:
        node = orm.CalcJobNode(computer=aiida_localhost, process_type="aiida.calculations:mlhull.predict")
        node.set_option("resources", {"num_machines": 1, "num_mpiprocs_per_machine": 1})
        cells = CandidatesData.from_science(every_sixth().candidates).store()
        pool = DecisionsData.from_science(choice(every_sixth().candidates, POOL)).store()
        rows = orm.Str("kept").store()
        for name, given in {"cells": cells, "pool": pool, "pool_rows": rows}.items():
            node.base.links.add_incoming(given, link_type=LinkType.INPUT_CALC, link_label=name)
        node.store()
        if scheduler is not None:
            node.set_exit_status(scheduler[0])
            node.set_exit_message(scheduler[1])
        retrieved = orm.FolderData()
        for name, content in files.items():
            retrieved.base.repository.put_object_from_filelike(io.BytesIO(content), name)
        retrieved.base.links.add_incoming(node, link_type=LinkType.CREATE, link_label="retrieved")
        retrieved.store()
        return PredictParser.parse_from_node(node, store_provenance=False)

    return parse


def assert_exit(parsed, status: int, *words: str) -> None:
    outputs, node = parsed
    assert node.exit_status == status, node.exit_message
    assert all(word in node.exit_message for word in words), node.exit_message
    assert not outputs, "a failed job must not look like one with results"


def test_whole_results(parse, files):
    outputs, node = parse(files)
    assert node.exit_status == 0, node.exit_message
    assert isinstance(outputs["predictions"], PredictionsData)
    assert outputs["predictions"].to_science().ids.tolist() == every_sixth().candidates.ids[POOL].tolist()
    assert outputs["results"]["device"] == "cpu"
    assert "version" not in outputs["results"].get_dict()


@pytest.mark.parametrize("kind", kinds_of_failure(), ids=lambda kind: kind.code)
def test_every_refusal_has_its_exit_code(parse, files, kind, tmp_path):
    JobFolder(tmp_path).refuse(kind("Cd is missing {as always}"))
    refused = (tmp_path / "refused.json").read_bytes()
    assert_exit(parse({"refused.json": refused, "mlhull-job.err": b""}), kind.status, "Cd is missing {as always}")


def test_refusal_counts_more_than_results(parse, files, tmp_path):
    """A folder that was used twice: what was said last is true."""
    JobFolder(tmp_path).refuse(kinds_of_failure()[0]("no"))
    assert_exit(parse(files | {"refused.json": (tmp_path / "refused.json").read_bytes()}), 200, "no")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"label": "ERROR_OF_TOMORROW", "message": "x"}', b'"x"'])
def test_broken_refusal(parse, content):
    assert_exit(parse({"refused.json": content}), 301, "refused.json")


def test_no_marker_and_a_traceback(parse, files):
    harmed = files | {"mlhull-job.err": b"Traceback (most recent call last):\n  ...\nKeyError: 'x'\n"}
    del harmed["done.json"]
    assert_exit(parse(harmed), 303, "not said that it is done", "KeyError: 'x'")


def test_no_marker_and_no_word(parse):
    assert_exit(parse({}), 303, "has not said why")


def test_no_marker_but_the_shell_said_something(parse):
    assert_exit(parse({"_scheduler-stderr.txt": b"mlhull-job: command not found\n"}), 303, "command not found")


@pytest.mark.parametrize(("status", "expected"), [(120, 410), (110, 411)])
def test_scheduler_ended_it(parse, files, status, expected):
    harmed = {name: content for name, content in files.items() if name != "done.json"}
    assert_exit(parse(harmed, scheduler=(status, "over")), expected, "the scheduler says: over")


def test_done_is_done_whatever_the_scheduler_says(parse, files):
    """The limit was reached after the last row was written."""
    outputs, _ = parse(files, scheduler=(120, "over"))
    assert "predictions" in outputs


@pytest.mark.parametrize(
    "marker", [b"", b"{", b'{"wall_seconds": 1}', b"[]", b'{"rows": 4}', b"\xff\x00", *NEVER_STORED]
)
def test_broken_marker(parse, files, marker):
    assert_exit(parse(files | {"done.json": marker}), 303, "done.json")


def test_missing_table(parse, files):
    del (harmed := dict(files))["predictions.parquet"]
    assert_exit(parse(harmed), 301, "predictions.parquet is missing")


def test_truncated_table(parse, files):
    harmed = files | {"predictions.parquet": files["predictions.parquet"][:200]}
    assert_exit(parse(harmed), 301, "predictions.parquet", "truncated")


def test_table_of_another_noun(parse, files):
    assert_exit(parse(files | {"predictions.parquet": encode_table(every_sixth().record)}), 301, "holds Labels")


def with_rows(files: Files, rows: Any) -> bytes:
    whole = decode_table(Predictions, files["predictions.parquet"])
    return encode_table(whole.take(np.array(rows)))


def test_fewer_rows_than_the_marker_says(parse, files):
    assert_exit(parse(files | {"predictions.parquet": with_rows(files, [0, 1])}), 303, "2 of 4")


def test_fewer_rows_than_were_asked_for(parse, files):
    marker = json.loads(files["done.json"]) | {"rows": {"predictions.parquet": 2}}
    harmed = files | {"predictions.parquet": with_rows(files, [0, 1]), "done.json": json.dumps(marker).encode()}
    assert_exit(parse(harmed), 303, "4 rows were asked for, 2 came back")


def test_rows_of_others(parse, files):
    """As many as were asked for, about another candidate."""
    whole = decode_table(Predictions, files["predictions.parquet"])
    foreign = replace(whole, ids=np.asarray([*whole.ids[:-1], "zz/../../outside"]))
    harmed = files | {"predictions.parquet": encode_table(foreign)}
    assert_exit(parse(harmed), 303, "1 rows were not asked for: zz/../../outside")


def test_statuses_and_labels_are_unique_and_in_their_bands():
    kinds = kinds_of_failure()
    assert len({kind.status for kind in kinds}) == len({kind.label() for kind in kinds}) == len(kinds)
    assert all(kind.status // 100 in {2, 3, 4, 5} for kind in kinds)


def test_every_job_knows_every_failure():
    from aiida.plugins import CalculationFactory

    for name in ("fit", "predict", "relax", "fit_products", "predict_products"):
        codes = CalculationFactory(f"mlhull.{name}").exit_codes
        for kind in kinds_of_failure():
            assert codes[kind.label()].status == kind.status
            assert codes[kind.label()].invalidates_cache
