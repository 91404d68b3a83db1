"""CalcJob ``mlhull.fit``, run for real."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.manage.caching import enable_caching

from aiida_mlhull.calculations.fit import FitCalculation
from aiida_mlhull.calculations.functions import gather_ensemble
from aiida_mlhull.data import EnsembleData
from aiida_mlhull.science.wire import encode_ensemble


def test_one_member(fit_inputs):
    outputs, node = run_get_node(FitCalculation, **fit_inputs)
    assert node.is_finished_ok, node.exit_message
    fitted = outputs["ensemble"]
    assert isinstance(fitted, EnsembleData)
    assert fitted.base.attributes.get("n_members") == 1
    assert fitted.base.attributes.get("versions")["device"] == "cpu"
    results = outputs["results"].get_dict()
    assert results["n_training"] == 59
    assert results["device"] == "cpu"
    assert results["members"]["0"]["validation_mae"] == pytest.approx(fitted.base.attributes.get("validation_mae")[0])
    assert {"python", "aiida-mlhull", "scikit-learn"} <= results["versions"].keys()


def test_parts_gathered_are_the_whole(fit_inputs):
    """The same ensemble, whether its members were fitted by one job or by one job each."""
    parts = {
        f"member_{number}": run_get_node(FitCalculation, **(fit_inputs | {"members": orm.List([number])}))[0][
            "ensemble"
        ]
        for number in (1, 0)
    }
    outputs, node = run_get_node(
        FitCalculation,
        **fit_inputs | {"members": orm.List([0, 1]), "metadata": {"options": {"resources": two_cores()}}},
    )
    assert node.is_finished_ok, node.exit_message
    apart = gather_ensemble(fit_inputs["settings"], **parts)
    together = gather_ensemble(fit_inputs["settings"], all=outputs["ensemble"])
    assert encode_ensemble(apart.to_science()) == encode_ensemble(together.to_science())
    assert len(set(apart.base.attributes.get("seeds"))) == 2
    assert apart.creator.inputs["member_1"].creator.inputs.members.get_list() == [1]
    # Weights are stored once: job, part and ensemble share the bytes that the job has written.
    fitted = [parts[f"member_{number}"] for number in (0, 1)]
    assert [_object(apart, f"member_{place:03d}.safetensors") for place in range(2)] == [
        _object(part, "member_000.safetensors") for part in fitted
    ]
    assert [_object(part, "member_000.safetensors") for part in fitted] == [
        _object(part.creator.outputs.retrieved, "member_000.safetensors") for part in fitted
    ]


def _object(node: orm.Data, name: str) -> str:
    """Key of a file in AiiDA's object store, which keeps equal contents once."""
    return str(node.base.repository.metadata["o"][name]["k"])


def two_cores() -> dict[str, int]:
    return {"num_machines": 1, "num_mpiprocs_per_machine": 1, "num_cores_per_mpiproc": 2}


def test_cache_knows_the_seed(fit_inputs):
    """The same fit is not done twice; with another seed it is another fit."""
    run_get_node(FitCalculation, **fit_inputs)
    with enable_caching(identifier="aiida.calculations:mlhull.fit"):
        outputs, again = run_get_node(FitCalculation, **(fit_inputs | {"seed": orm.Int(7)}))
        others, other = run_get_node(FitCalculation, **(fit_inputs | {"seed": orm.Int(8)}))
    assert again.base.caching.is_created_from_cache
    assert not other.base.caching.is_created_from_cache
    mine, theirs = (found["ensemble"].to_science().members[0].arrays for found in (outputs, others))
    assert any(not np.array_equal(mine[name], theirs.get(name)) for name in mine)


def test_failed_fit_is_not_served_from_the_cache(fit_inputs):
    """Nobody has nine thousand graphics cards, but tomorrow's node may have one."""
    options = {"metadata": {"options": {"device": "cuda:9000"}}}
    _, first = run_get_node(FitCalculation, **(fit_inputs | options))
    assert first.exit_status == 208
    assert first.get_option("device") == "cuda:9000"
    with enable_caching(identifier="aiida.calculations:mlhull.fit"):
        _, again = run_get_node(FitCalculation, **(fit_inputs | options))
    assert not again.base.caching.is_created_from_cache
    assert "cuda:9000" in again.exit_message


@pytest.mark.slow
def test_time_is_over_before_the_scheduler_says_so(fit_inputs):
    """Far more trees than fit into the time; the exit code is one that a handler may cure."""
    forest = orm.Dict({"model": "trees_gp", "members": 2, "model_settings": {"trees": 100_000}})
    options = {"metadata": {"options": {"max_wallclock_seconds": 10}}}
    outputs, node = run_get_node(FitCalculation, **(fit_inputs | options | {"settings": forest}))
    assert node.exit_status == 410
    assert "shortly before its time was over" in node.exit_message
    assert "ensemble" not in outputs
