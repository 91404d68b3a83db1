"""The program that commands take where nobody names one."""

from __future__ import annotations

import pytest

from tests.cli.conftest import run


@pytest.mark.usefixtures("empty_profile")
def test_a_program_that_was_registered_by_hand_is_taken_while_it_is_there(tmp_path):
    from aiida_mlhull.launching.codes import installed_program, ready_program

    program = tmp_path / "mlhull-job"
    program.symlink_to(installed_program())
    assert run("setup", "--executable", program).exit_code == 0
    own = ready_program()
    assert str(own.filepath_executable) == str(program)
    assert ready_program().pk == own.pk
    program.unlink()
    assert str(ready_program().filepath_executable) == str(installed_program())
