"""A release without one of its users: which files change, and what is in them then."""

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from recsys_pipeline.contracts import INTERACTIONS, TOP_N, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.frames import read_frame
from recsys_pipeline.data.people import People
from recsys_pipeline.data.stored import USERS_FILE, load_dataset, save_dataset, without_user
from recsys_pipeline.pipeline.protocols import LISTS, MODEL, PEOPLE
from recsys_pipeline.storage.blocked import without_blocked
from recsys_pipeline.storage.rows_of_user import plain_rows, rows_of, without_rows

_JSON = ".json"


@dataclass(frozen=True)
class Rewritten:
    """What of a release changes.

    Attributes:
        files: new content by name; none where the release holds nothing of the user.
        rows: how many rows go, by table.
    """

    files: Mapping[str, bytes]
    rows: Mapping[str, int]


def rewritten(folder: Path, names: Iterable[str], user_id: str) -> Rewritten:
    """The files of a release in which a user is, without them; the others' rows stay as they are.

    Args:
        folder: where the files of the release lie.
        names: of them.
        user_id: the id as text.

    Raises:
        OSError, ValueError: a file cannot be read.
        ModelError: what is known of the users cannot be read.
    """
    names = list(names)
    files: dict[str, bytes] = {}
    rows: dict[str, int] = {}
    table = pq.read_table(BytesIO((folder / LISTS).read_bytes()))
    theirs = rows_of(table, user_id)
    if theirs.any():
        rows[TOP_N.name] = int(theirs.sum())
        files[LISTS] = without_rows(table, theirs)
    if any(name.startswith(f"{PEOPLE}/") for name in names):
        people, events = _people(folder / PEOPLE, user_id)
        if people:
            rows |= {USERS.name: 1, INTERACTIONS.name: events}
            files |= people
    for name in names:
        if name.endswith(_JSON) and name not in files:
            content = without_blocked((folder / name).read_bytes(), user_id)
            if content is not None:
                files[name] = content
    return Rewritten(files, rows)


def held(folder: Path, names: Iterable[str], user_id: str) -> dict[str, Any]:
    """What a release holds about a user, as values of JSON; empty for nothing.

    Raises:
        OSError, ValueError: a file cannot be read.
        ModelError: what is known of the users cannot be read.
    """
    found: dict[str, Any] = {}
    table = pq.read_table(BytesIO((folder / LISTS).read_bytes()))
    theirs = rows_of(table, user_id)
    if theirs.any():
        found["list"] = plain_rows(table.filter(theirs))
    if any(name.startswith(f"{PEOPLE}/") for name in names):
        users = pq.read_table(BytesIO((folder / PEOPLE / USERS_FILE).read_bytes()))
        theirs = rows_of(users, user_id)
        if theirs.any():
            found["profile"] = plain_rows(users.filter(theirs))
            found["events"] = _events(folder, user_id)
    return found


def _people(folder: Path, user_id: str) -> tuple[dict[str, bytes], int]:
    """The changed files of the people of a release, and how many events go."""
    data = load_dataset(folder, pd.DataFrame({n.MOVIE_ID: []}))
    row = People.of(data, LikesConfig()).row_of(user_id)
    if row < 0:
        return {}, 0
    left = without_user(data, data.users.values[row])
    with tempfile.TemporaryDirectory() as made:
        save_dataset(left, Path(made))
        files = {
            f"{PEOPLE}/{path.name}": path.read_bytes()
            for path in sorted(Path(made).iterdir())
            if path.read_bytes() != (folder / path.name).read_bytes()
        }
    return files, len(data.events) - len(left.events)


def _events(folder: Path, user_id: str) -> list[dict[str, Any]]:
    """What the user did, as the model knows it: movie, weight, and when."""
    movies = folder / MODEL / "movies.parquet"
    catalogue = read_frame(movies) if movies.exists() else pd.DataFrame({n.MOVIE_ID: []})
    people = People.of(load_dataset(folder / PEOPLE, catalogue), LikesConfig())
    own = people.history(people.row_of(user_id))
    rows = pd.DataFrame({"positive": own.positive, "weight": own.weight.astype(float)})
    if len(catalogue):
        rows.insert(0, n.MOVIE_ID, people.data.items.id_of(own.item))
    if own.time is not None:
        rows[n.TIMESTAMP] = pd.to_datetime(own.time, unit="us", utc=True)
    if own.label is not None:
        rows["label"] = own.label.astype(float)
    found: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", date_format="iso"))
    return found
