"""Reading what the last run left in the data folder."""

import pandas as pd

from recsys_pipeline.contracts import USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.frames import read_frame
from recsys_pipeline.settings import Settings

_FOLDER = "assets"


def newest_asset(settings: Settings, name: str) -> pd.DataFrame | None:
    """The table called `name` of the week that was written last, or None if there is none."""
    folder = settings.data / _FOLDER / name
    if not folder.exists():
        return None
    weeks = sorted(path.name for path in folder.iterdir() if path.name.endswith(".parquet"))
    if not weeks:
        return None
    newest = max(weeks, key=lambda week: ((folder / week).stat().st_mtime, week))
    return asset_of_week(settings, name, newest.removesuffix(".parquet"))


def asset_of_week(settings: Settings, name: str, week: str) -> pd.DataFrame:
    """The table called `name` of one week. Raises FileNotFoundError if there is none."""
    with (settings.data / _FOLDER / name / f"{week}.parquet").open("rb") as file:
        return read_frame(file)


def has_user(settings: Settings, user: str) -> bool:
    """Whether the users of the week that was written last hold `user`, an id as text."""
    users = newest_asset(settings, USERS.name)
    return users is not None and bool((users[n.USER_ID].astype("str") == user.strip()).any())
