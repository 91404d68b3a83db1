"""The program that commands take where none is named."""

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


@pytest.mark.usefixtures("empty_profile")
def test_several_codes_of_one_name_are_no_trouble():
    """An archive brings its own ``mlhull-job@localhost``, whose program is elsewhere."""
    from aiida import orm

    from aiida_mlhull.launching.codes import installed_program, load_program, ready_program, register_localhost

    computer, _ = register_localhost()
    for path in ("/nowhere/mlhull-job", str(installed_program()), "/elsewhere/mlhull-job"):
        orm.InstalledCode(label="mlhull-job", computer=computer, filepath_executable=path).store()
    assert str(ready_program().filepath_executable) == str(installed_program())
    assert str(load_program("mlhull-job@localhost").filepath_executable) == str(installed_program())
    assert "is there" in run("setup").output
