"""What the doctor finds in a profile."""

from __future__ import annotations

from aiida import orm
from aiida.tools import delete_nodes

from aiida_mlhull.launching.doctor.checks import never_begun


def test_a_process_whose_task_was_lost_is_found_with_its_cure(aiida_profile):
    node = orm.WorkChainNode()
    node.set_process_state("created")
    node.store()
    try:
        assert not list(never_begun(seconds=600))
        (found,) = never_begun(seconds=0)
        assert str(node.pk) in found.says
        assert found.advice == "verdi daemon stop; verdi process repair; verdi daemon start"
        node.set_process_state("running")
        assert not list(never_begun(seconds=0))
    finally:
        delete_nodes([node.pk], dry_run=False)  # the profile is that of all tests
