"""What a shell offers behind the tabulator."""

from __future__ import annotations

from click.shell_completion import ShellComplete

from aiida_mlhull import names
from aiida_mlhull.cli import main
from aiida_mlhull.science.campaign import protocol_names
from aiida_mlhull.science.models import MODELS


def offered(*words):
    *before, begun = words
    complete = ShellComplete(main, {}, "aiida-mlhull", "_AIIDA_MLHULL_COMPLETE")
    return {item.value: item.help for item in complete.get_completions(list(before), begun)}


def test_models_rules_and_protocols():
    assert set(offered("fit", "--model", "t")) == {name for name in MODELS if name.startswith("t")}
    assert "two_sigma" in offered("extend", "--rule", "")
    assert set(offered("protocols", "show", "")) == set(protocol_names())


def test_campaigns_with_their_labels(empty_profile):
    from aiida import orm

    campaign = orm.WorkChainNode(process_type=names.SCREEN.process_type, label="nitrides").store()
    for words in (["status"], ["report"], ["extend"], ["pause"], ["history", "--campaign"]):
        assert "nitrides" in offered(*words, "")[str(campaign.pk)]
    assert not offered("status", "nothing begins so")
