"""A Dataset in a folder: what is known of every user, for those who answer between two runs."""

import json
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import Dataset, Events
from recsys_pipeline.data.frames import read_frame, write_frame
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import ModelError

USERS_FILE: Final = "users.parquet"
EVENTS_FILE: Final = "events.parquet"
FACTS_FILE: Final = "facts.json"

_USER, _ITEM, _TIME, _POSITIVE = "user", "item", "time", "positive"
_WEIGHT, _LABEL, _AS_OF, _COLUMNS = "weight", "label", "as_of", "columns"


def save_dataset(data: Dataset, folder: Path) -> None:
    """Write all of `data` but its movies into `folder` (made if missing), as Parquet and JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    events = data.events
    columns = {
        _USER: events.user,
        _ITEM: events.item,
        _POSITIVE: events.positive,
        _WEIGHT: events.weight,
    }
    if events.time is not None:
        columns[_TIME] = events.time
    if events.label is not None:
        columns[_LABEL] = events.label
    write_frame(data.profiles, folder / USERS_FILE)
    write_frame(pd.DataFrame(columns), folder / EVENTS_FILE)
    facts = {
        _AS_OF: None if data.as_of is None else data.as_of.isoformat(),
        _COLUMNS: list(data.columns),
    }
    (folder / FACTS_FILE).write_text(json.dumps(facts) + "\n", encoding="utf-8")


def load_dataset(folder: Path, movies: pd.DataFrame) -> Dataset:
    """What `save_dataset` wrote.

    Args:
        folder: where it lies.
        movies: row j is item j; those of the Dataset that was written.

    Raises:
        ModelError: a file is missing or cannot be read.
    """
    try:
        profiles = read_frame(folder / USERS_FILE)
        rows = read_frame(folder / EVENTS_FILE)
        facts = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        as_of = None if facts[_AS_OF] is None else pd.Timestamp(facts[_AS_OF])
        return Dataset(
            users=IdMap(pd.Index(profiles[n.USER_ID])),
            items=IdMap(pd.Index(movies[n.MOVIE_ID])),
            events=_events(rows),
            profiles=profiles,
            movies=movies,
            as_of=as_of,
            columns=tuple(facts[_COLUMNS]),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"What is known of the users in {folder} cannot be read: {error!r}.",
            "Run `recsys run` again to write a new release.",
        ) from error


def without_user(data: Dataset, user: object) -> Dataset:
    """`data` without the row and the events of one user; the others keep their order."""
    row = int(data.users.index_of([user])[0])
    if row < 0:
        return data
    events = data.events.take(data.events.user != row)
    users = events.user - (events.user > row).astype(np.int32)
    others = np.arange(data.n_users) != row
    return Dataset(
        users=IdMap(data.users.values[others]),
        items=data.items,
        events=Events(
            users.astype(np.int32),
            events.item,
            events.time,
            events.positive,
            events.weight,
            events.label,
        ),
        profiles=data.profiles[others].reset_index(drop=True),
        movies=data.movies,
        as_of=data.as_of,
        columns=data.columns,
    )


def _events(rows: pd.DataFrame) -> Events:
    return Events(
        rows[_USER].to_numpy(dtype=np.int32),
        rows[_ITEM].to_numpy(dtype=np.int32),
        rows[_TIME].to_numpy(dtype=np.int64) if _TIME in rows else None,
        rows[_POSITIVE].to_numpy(dtype=bool),
        rows[_WEIGHT].to_numpy(dtype=np.float32),
        rows[_LABEL].to_numpy(dtype=np.float32) if _LABEL in rows else None,
    )
