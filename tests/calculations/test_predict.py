"""CalcJob ``mlhull.predict``, run for real."""

from __future__ import annotations

from aiida import orm
from aiida.engine import run_get_node
from aiida.manage.caching import enable_caching

from aiida_mlhull.calculations.predict import PredictCalculation
from aiida_mlhull.data import DecisionsData
from tests.arsenides import choice, every_sixth


def test_shard_and_pool(code, arsenides, ensemble):
    inputs = {
        "code": code,
        "ensemble": ensemble,
        "cells": arsenides.candidates,
        "references": arsenides.references,
        "baseline": orm.Str("references"),
    }
    outputs, node = run_get_node(PredictCalculation, **inputs)
    assert node.is_finished_ok, node.exit_message
    everything = outputs["predictions"]
    assert everything.n_rows == arsenides.candidates.n_rows
    assert everything.base.attributes.get("n_members") == 2
    assert outputs["results"]["device"] == "cpu"

    pool = DecisionsData.from_science(choice(every_sixth().candidates, [5, 8, 13]))
    outputs, node = run_get_node(PredictCalculation, **inputs, pool=pool)
    assert node.is_finished_ok, node.exit_message
    assert outputs["predictions"].to_science().ids.tolist() == every_sixth().candidates.ids[[5, 8, 13]].tolist()

    # Tables travel as the bytes of their nodes: equal bytes are the same node to the cache.
    with enable_caching(identifier="aiida.calculations:mlhull.predict"):
        same = DecisionsData.from_science(choice(every_sixth().candidates, [13, 5, 8]))
        _, again = run_get_node(PredictCalculation, **inputs, pool=same)
    assert again.base.caching.is_created_from_cache
