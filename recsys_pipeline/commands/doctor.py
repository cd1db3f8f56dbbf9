"""`recsys doctor`: what is wrong with the set-up, the data or a user's list, and what to do."""

import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from recsys_pipeline.commands.lists import list_of
from recsys_pipeline.contracts import INTERACTIONS, SOURCE_TABLES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import RecsysError
from recsys_pipeline.pipeline.check import check_table, failure_text
from recsys_pipeline.pipeline.load import load, moment_of
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.releasing import in_service
from recsys_pipeline.quality import PlainChecker
from recsys_pipeline.settings import Settings, environment_settings
from recsys_pipeline.sources import Tables
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.privacy_door import gone_of, without_erased
from recsys_pipeline.storage.sources import build_source

State = Literal["ok", "odd", "broken"]
_PACKAGES = (
    "dagster",
    "mlflow",
    "great-expectations",
    "pandas",
    "numpy",
    "scikit-learn",
    "pyarrow",
)
_OLD_DAYS = 8
_FEW_EVENTS = 1_000
_SHORT_HISTORY = 3


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what was looked at, two or three words.
        state: how it is.
        text: what was found, one sentence.
        advice: what to do about it; empty where all is well.
    """

    subject: str
    state: State
    text: str
    advice: str = ""


def examine(settings: Settings, file: Path | None, now: pd.Timestamp) -> Iterator[Finding]:
    """Look at the set-up, the releases and the data, one finding after another.

    Args:
        settings: of the installation.
        file: where they were read; None where there is no file.
        now: the time on the clock, to tell how old the release is.
    """
    yield from _setup(settings, file)
    yield from _release(settings, now)
    yield from _erased(settings)
    yield from _source(settings, now)


def _setup(settings: Settings, file: Path | None) -> Iterator[Finding]:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    yield Finding("Python", "ok", f"Python {platform.python_version()}; {versions}.")
    variables = environment_settings()
    if variables:
        names = ", ".join(sorted(variables))
        yield Finding("environment", "ok", f"These variables win over recsys.toml: {names}.")
    where = f"{file} is read." if file else "There is no recsys.toml: defaults hold."
    yield Finding("settings", "ok", where)
    folders = [("tracking folder", settings.mlruns)] if settings.tracking.uri is None else []
    if "://" not in settings.storage.data:
        folders.append(("data folder", Path(settings.data.path)))
    for name, folder in folders:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if existing.is_dir() and os.access(existing, os.W_OK):
            yield Finding(name, "ok", f"{folder} can be written.")
        else:
            yield Finding(
                name, "broken", f"{folder} cannot be written.", "Change its owner or the settings."
            )


def _release(settings: Settings, now: pd.Timestamp) -> Iterator[Finding]:
    store = FileReleaseStore(settings.data / "releases")
    try:
        current = store.current()
        if current is None:
            yield Finding("release", "odd", "There is none yet.", "Make one with `recsys run`.")
            return
        faults = store.verify(current.release)
    except RecsysError as error:
        yield Finding("release", "broken", error.message, error.hint)
        return
    if faults:
        yield Finding(
            "release",
            "broken",
            f"{current.release} is not whole: {'; '.join(faults)}",
            "Run `recsys run` to write it again.",
        )
        return
    about = (
        f"{current.release} by {current.recommender}, better than popularity: {current.verdict}."
    )
    state: State = "ok" if current.verdict == "yes" else "odd"
    advice = "" if state == "ok" else "Look at evaluation_metrics in Dagster for the figures."
    yield Finding("release", state, about, advice)
    if current.as_of:
        days = (now - pd.Timestamp(current.as_of)).days
        if days > _OLD_DAYS:
            yield Finding(
                "age of the lists",
                "odd",
                f"They know nothing of the last {days:,} days.",
                "Fine for data of the past; else run again, or leave `recsys ui` on for the "
                "schedule.",
            )


def _erased(settings: Settings) -> Iterator[Finding]:
    """Whether those who were erased stay away."""
    try:
        gone = gone_of(settings)
    except RecsysError as error:
        yield Finding("erased people", "broken", error.message, error.hint)
        return
    waiting = len(gone.begun - gone.finished)
    if waiting:
        yield Finding(
            "erased people",
            "odd",
            f"{waiting:,} erasures were begun and are not finished.",
            "`recsys privacy resume` finishes them; so does the next run.",
        )
    if gone.finished:
        yield Finding(
            "erased people",
            "ok",
            f"{len(gone.finished):,} are left out whenever the source is read.",
        )


def _source(settings: Settings, now: pd.Timestamp) -> Iterator[Finding]:
    try:
        source = without_erased(settings, build_source(settings))
        as_of = moment_of(source, now)
        tables = load(source, as_of)
    except RecsysError as error:
        yield Finding("source", "broken", error.message, error.hint)
        return
    counts = ", ".join(f"{len(tables.table(c.name)):,} {c.name}" for c in SOURCE_TABLES)
    yield Finding("source", "ok", f"{source.description}: {counts}.")
    for note in tables.notes:
        yield Finding("read as", "ok", note if note.endswith(".") else f"{note}.")
    current = in_service(FileReleaseStore(settings.data / "releases"))
    same = current is not None and current.source == source.description
    yield from _checks(tables, as_of, settings, current if same else None)
    yield from _oddities(tables, now)


def _checks(
    tables: Tables, as_of: pd.Timestamp | None, settings: Settings, previous: Manifest | None
) -> Iterator[Finding]:
    """What a run's checks say of the tables, as far as some row or table does not meet them."""
    for contract in SOURCE_TABLES:
        report = check_table(
            tables, contract.name, as_of, PlainChecker(), settings.checks.limits, previous
        )
        for number, result in enumerate(report.results):
            if not result.broken:
                continue
            blocks = result.blocking and not result.passed
            yield Finding(
                f"{contract.name} rows",
                "broken" if blocks else "odd",
                f"{failure_text(report, number)}.",
                "This stops a run: mend the source, or raise checks.allowed_share (checks.shrink "
                "for a table that has lost rows)."
                if blocks
                else "They go to quarantine; see data/assets/quarantine.",
            )


def _oddities(tables: Tables, now: pd.Timestamp) -> Iterator[Finding]:
    """What is allowed but seldom meant."""
    events = tables.interactions
    if len(events) < _FEW_EVENTS:
        yield Finding(
            "amount",
            "odd",
            f"{len(events):,} interactions are few to learn from.",
            "Lists will lean on popularity and profiles; intervals will be wide.",
        )
    if n.LIKED in events.columns and events[n.LIKED].nunique(dropna=True) == 1:
        value = bool(events[n.LIKED].dropna().iloc[0])
        yield Finding(
            "liked",
            "odd",
            f"Every interaction says {'liked' if value else 'not liked'}.",
            "Leave the column out, or map the one that tells likes from dislikes.",
        )
    if n.TIMESTAMP in events.columns and events[n.TIMESTAMP].notna().any():
        first, last = events[n.TIMESTAMP].min(), events[n.TIMESTAMP].max()
        if first.year < 1980 or last > now:
            yield Finding(
                "times",
                "odd",
                f"Events lie between {first:%Y-%m-%d} and {last:%Y-%m-%d}.",
                "Set source.files.interactions.time_unit if these are seconds or milliseconds.",
            )
    yield from _cold(tables)


def _cold(tables: Tables) -> Iterator[Finding]:
    per_user = tables.interactions[n.USER_ID].value_counts()
    length = tables.users[n.USER_ID].map(per_user).fillna(0)
    short = int((length < _SHORT_HISTORY).sum())
    profile = [name for name in (n.AGE, n.SEGMENT, n.PREFERRED_GENRES) if name in tables.users]
    if len(length) and short > len(length) / 2:
        yield Finding(
            "histories",
            "odd",
            f"{short:,} of {len(length):,} users have fewer than {_SHORT_HISTORY} interactions.",
            "Their lists rest on " + (", ".join(profile) if profile else "popularity") + ".",
        )
    unseen = int((~tables.movies[n.MOVIE_ID].isin(tables.interactions[n.MOVIE_ID])).sum())
    if unseen > len(tables.movies) / 2:
        yield Finding(
            "catalogue",
            "odd",
            f"{unseen:,} of {len(tables.movies):,} movies have no interaction.",
            "Only their own columns (genres, year, title) can bring them into lists.",
        )


def explain_user(
    settings: Settings, user: str, read_asset: Callable[[str], pd.DataFrame | None]
) -> Iterator[Finding]:
    """Why the list of one user is, or is not, personal.

    Args:
        settings: of the installation.
        user: the id as text.
        read_asset: gives the table of the last run by name, or None.

    Raises:
        ReleaseError: there is no release.
    """
    users, events = read_asset(USERS.name), read_asset(INTERACTIONS.name)
    row = None
    if users is not None:
        match = users[users[n.USER_ID].astype("str") == user.strip()]
        row = match.iloc[0] if len(match) else None
    store = FileReleaseStore(settings.data / "releases")
    found = list_of(store, user, None, lambda _: row is not None)
    if not found.known and row is None:
        yield Finding(
            "user",
            "odd",
            f"Release {found.release.release} knows no user {user}: the list is one for somebody "
            "of whom nothing is known.",
            "Check the id; white space around ids is ignored, leading zeros are not.",
        )
        return
    if row is not None and events is not None:
        own = events[events[n.USER_ID] == row[n.USER_ID]]
        yield _history_finding(len(own), int(row[n.HISTORY_LENGTH]))
        yield _profile_finding(row)
    if len(found.rows):
        sources = ", ".join(sorted(set(found.rows[n.SOURCE])))
        reason = found.rows[n.REASON].iloc[0]
        yield Finding("list", "ok", f"{len(found.rows)} movies, placed by {sources}: {reason}.")
    else:
        yield Finding(
            "list", "odd", "It is empty: this user has seen every available movie.", "Add movies."
        )


def _history_finding(events: int, likes: int) -> Finding:
    text = f"{events:,} interactions, {likes:,} different movies liked."
    if likes >= _SHORT_HISTORY:
        return Finding("history", "ok", text)
    return Finding(
        "history",
        "odd",
        text,
        "Too few to tell a taste by: the list rests on the profile, or on what others like.",
    )


def _profile_finding(row: pd.Series) -> Finding:
    given = [
        name
        for name in row.index
        if name != n.USER_ID and not str(name).startswith("history_") and _is_given(row[name])
    ]
    if given:
        return Finding("profile", "ok", f"Known are {', '.join(given)}.")
    return Finding(
        "profile", "odd", "Nothing but the id is known.", "Map more columns of the users table."
    )


def _is_given(value: object) -> bool:
    if isinstance(value, str) or value is None:
        return bool(value)
    missing = pd.isna(value)
    return len(value) > 0 if hasattr(value, "__len__") else not bool(missing)  # type: ignore[arg-type]
