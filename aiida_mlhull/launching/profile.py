"""Which AiiDA profile a command works in, found without leaving a trace where there is none.

Importing AiiDA makes a configuration folder in the home directory if there is none yet. So the commands
that can do with a profile of their own look first, and point AiiDA at their own folder before the import.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Final

from aiida_mlhull.science.errors import NotReadyError

PATH_VARIABLE: Final = "AIIDA_PATH"
FOLDER: Final = ".aiida"
OWN_PROFILE: Final = "mlhull"


def configuration_folder() -> Path:
    """Where AiiDA will look for its configuration; the folder may not exist."""
    folder = Path.home() / FOLDER
    for place in filter(None, os.environ.get(PATH_VARIABLE, "").split(os.pathsep)):
        path = Path(place).expanduser()
        folder = path if path.name == FOLDER else path / FOLDER
        if folder.is_dir():
            break
    return folder


def profile_names() -> list[str]:
    """Names of the profiles in AiiDA's configuration; empty where there is none.

    Raises:
        NotReadyError: if the configuration can't be read.
    """
    path = configuration_folder() / "config.json"
    try:
        return sorted(json.loads(path.read_text()).get("profiles", {}))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise NotReadyError(f"AiiDA's configuration {path} can't be read: {error}") from error


def load(name: str | None) -> None:
    """Load the profile ``name``, the default one if None.

    Raises:
        NotReadyError: if it can't be loaded.
    """
    names = profile_names()
    if not names:
        raise NotReadyError(
            f"there is no AiiDA profile in {configuration_folder()}; make one with "
            f"'verdi presto --use-zeromq', then run 'aiida-mlhull setup'"
        )
    if name is not None and name not in names:
        raise NotReadyError(f"there is no AiiDA profile {name!r}; known: {', '.join(names)}")
    import aiida
    from aiida.common.exceptions import AiidaException, ConfigurationError
    from aiida.manage.configuration import get_profile

    loaded = get_profile()
    if loaded is not None and name in (None, loaded.name):
        return
    try:
        aiida.load_profile(name, allow_switch=True)
        _open_storage()
    except (AiidaException, ConfigurationError) as error:
        raise NotReadyError(f"the AiiDA profile can't be loaded: {error}") from error


def require_loaded() -> None:
    """Check that a profile is loaded, in a program or notebook that has to do so itself.

    Raises:
        NotReadyError: if none is loaded.
    """
    from aiida.manage.configuration import get_profile

    if get_profile() is None:
        raise NotReadyError("no AiiDA profile is loaded: call aiida.load_profile() first")


def choose(name: str | None, *, folder: Path | None) -> Path | None:
    """Point AiiDA at the user's profile, or at a place for one of our own; to be called before its import.

    Args:
        name: of the profile; the default one if None.
        folder: the place if the user has no profile and ``AIIDA_PATH`` names no other one; a temporary one if None.

    Returns:
        The place for a profile of our own; None if the user has one.
    """
    if name is not None or profile_names():
        return None
    if os.environ.get(PATH_VARIABLE):
        return point_to(configuration_folder())
    return point_to(folder or Path(tempfile.mkdtemp(prefix="mlhull-")))


def point_to(folder: Path) -> Path:
    """Point AiiDA at a place in ``folder``, whatever else there is; to be called before its import."""
    place = folder if folder.name == FOLDER else folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    os.environ[PATH_VARIABLE] = str(place.resolve())
    return place.resolve()


def load_or_make(name: str | None, place: Path | None) -> None:
    """Load the user's profile, or the one of our own in the place that :func:`choose` has found.

    Raises:
        NotReadyError: if the profile can't be loaded, or none of that name exists.
    """
    if place is None:
        load(name)
    else:
        make(place)


def make(folder: Path) -> None:
    """Load the package's own profile in ``folder``, made if need be: SQLite, no broker, no service."""
    import aiida
    from aiida.manage.configuration import create_profile, get_config, reset_config
    from aiida.manage.configuration.settings import AiiDAConfigDir

    # AiiDA may have been imported before, with another folder.
    AiiDAConfigDir.set(folder)
    reset_config()
    config = get_config(create=True)
    if OWN_PROFILE not in config.profile_names:
        create_profile(
            config,
            name=OWN_PROFILE,
            email="aiida@localhost",
            storage_backend="core.sqlite_dos",
            storage_config={},
        )
        config.set_default_profile(OWN_PROFILE, overwrite=True)
        config.store()
    aiida.load_profile(OWN_PROFILE, allow_switch=True)


def _open_storage() -> None:
    """Connect now, so that a storage that is down or too old is told here and not in the midst of a command."""
    from aiida.manage import get_manager

    get_manager().get_profile_storage()
