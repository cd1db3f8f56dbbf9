"""Reading the tables that runs left in the data folder."""

import pandas as pd

from recsys_pipeline.contracts import TOP_N, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.frames import read_frame
from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage import FileReleaseStore

_FOLDER = "assets"


def released_asset(settings: Settings, name: str) -> pd.DataFrame | None:
    """The table called `name` of the week that the release in service was made in.

    A later run that failed, or one of an earlier week, leaves tables too: they say nothing of the
    release.

    Returns:
        None if there is no release, or its week or that table is gone.

    Raises:
        ReleaseError: the table is there and cannot be read.
    """
    release = FileReleaseStore(settings.data / "releases").current()
    week = None if release is None else week_of(settings, release.release)
    if week is None or not (settings.data / _FOLDER / name / f"{week}.parquet").exists():
        return None
    try:
        return asset_of_week(settings, name, week)
    except (OSError, ValueError) as error:
        path = settings.data / _FOLDER / name / f"{week}.parquet"
        raise ReleaseError(
            f"{path} cannot be read: {error}.",
            "Restore it from a copy, or make a new release with `recsys run`.",
        ) from error


def week_of(settings: Settings, release: str) -> str | None:
    """The week whose lists belong to `release`, or None.

    Files there that are no lists, or are damaged, belong to no release.
    """
    folder = settings.data / _FOLDER / TOP_N.name
    if not folder.exists():
        return None
    weeks = [path.stem for path in folder.iterdir() if path.suffix == ".parquet"]
    for week in sorted(weeks, reverse=True):
        try:
            with (folder / f"{week}.parquet").open("rb") as file:
                made = pd.read_parquet(file, columns=[n.RELEASE])[n.RELEASE]
        except (OSError, ValueError):
            continue
        if (made == release).any():
            return week
    return None


def asset_of_week(settings: Settings, name: str, week: str) -> pd.DataFrame:
    """The table called `name` of one week. Raises OSError or ValueError if it cannot be read."""
    with (settings.data / _FOLDER / name / f"{week}.parquet").open("rb") as file:
        return read_frame(file)


def has_user(settings: Settings, user: str) -> bool:
    """Whether the users that the release in service was made from hold `user`, an id as text."""
    users = released_asset(settings, USERS.name)
    return users is not None and bool((users[n.USER_ID].astype("str") == user.strip()).any())
