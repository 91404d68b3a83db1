"""Results in a folder: made once, whole, and told from those that must be there."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.cleaning.clean import CleaningSettings
from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.generators.substitution import Substitution, SubstitutionSettings
from aiida_mlhull.science.prospecting.draws import sound_labels
from aiida_mlhull.science.prospecting.stages import Stages
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import MemberWeights, References
from tests.science.real_crystals import mp_crystals


def test_what_is_there_is_not_made_again(tmp_path):
    table = References.from_rows(ids=["a", "b"], formulas=["Ti", "N"], energies=[0.1, -0.3], scheme="x")
    member = MemberWeights(arrays={"w": np.arange(3.0)}, meta={"member": 0}, scores={}, seed=1)
    begun = []
    stages = Stages(tmp_path / "new", begin=lambda: begun.append(1))
    for make in (True, False):
        told = stages.table("phases", References, (lambda: table) if make else None)
        assert told.energies.tolist() == [0.1, -0.3]
        assert stages.weights("member", (lambda: member) if make else None).arrays["w"].tolist() == [0, 1, 2]
        assert stages.facts("facts", (lambda: {"third": 1 / 3}) if make else None) == {"third": 1 / 3}
    assert len(begun) == 3
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == [
        "facts.json",
        "member.safetensors",
        "phases.parquet",
    ]


def test_a_fit_under_way_is_kept_until_it_is_done(tmp_path):
    under_way = Stages(tmp_path / "new").under_way("epochs")
    assert under_way.load() is None
    for epoch in (1, 2):
        under_way.save(MemberWeights(arrays={"w": np.full(2, epoch)}, meta={}, scores={}, seed=0))
    assert Stages(tmp_path / "new").under_way("epochs").load().arrays["w"].tolist() == [2, 2]
    under_way.forget()
    assert not list((tmp_path / "new").iterdir())


def test_a_result_that_must_be_there_and_is_not_is_named(tmp_path):
    with pytest.raises(WireError, match=r"phases\.parquet is missing"):
        Stages(tmp_path).table("phases", References, None)


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    numbers = iter((1, 2))
    assert [Stages().facts("one", lambda: next(numbers)) for _ in range(2)] == [1, 2]
    assert not list(tmp_path.iterdir())


class Interrupted(Substitution):
    """Makes small shards, and is stopped after some of them."""

    def __init__(self, settings, *, after=None):
        super().__init__(settings)
        self.after, self.made = after, 0

    def shards(self, start, **options):
        for shard in super().shards(start, size=70, **options):
            if self.made == self.after:
                raise KeyboardInterrupt
            self.made += 1
            yield shard


def test_draws_that_were_stopped_go_on_after_the_last_whole_shard(tmp_path):
    crystals = mp_crystals()
    known = Parents.from_rows(
        ids=[f"mp-{index:02d}" for index in range(len(crystals))],
        formulas=crystals.reduced_formulas(),
        crystals=crystals,
        protostructures=protostructures(crystals),
        above_hull=np.zeros(len(crystals)),
    )
    settings, start = SubstitutionSettings(draws=6), GeneratorInput(crystals=known)
    words = {"limits": CleaningSettings(), "seed": 2}
    never = Interrupted(settings)
    whole = sound_labels(never, start, **words, stages=Stages())
    assert never.made > 4
    with pytest.raises(KeyboardInterrupt):
        sound_labels(Interrupted(settings, after=2), start, **words, stages=Stages(tmp_path))
    (tmp_path / "shard_0001_left_out.json").unlink()  # as if the kill had come between two files of a shard
    second = Interrupted(settings)
    again = sound_labels(second, start, **words, stages=Stages(tmp_path))
    assert second.made == never.made - 1
    last = Interrupted(settings)
    for told in (again, sound_labels(last, start, **words, stages=Stages(tmp_path))):
        assert told[0].ids.tolist() == whole[0].ids.tolist()
        assert told[0].protostructures.tolist() == whole[0].protostructures.tolist()
        assert told[1:] == whole[1:]
    assert last.made == 0
