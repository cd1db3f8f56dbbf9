"""What happened online in a week and before it, gathered from where it is kept."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any, Final, Self

import pandas as pd
from upath import UPath

from recsys_pipeline.contracts import MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.frames import read_frame
from recsys_pipeline.monitoring.availability import Reliability, reliability
from recsys_pipeline.monitoring.online_week import WEEK_LENGTH, OnlineWeek, online_week
from recsys_pipeline.monitoring.profile import Profile
from recsys_pipeline.monitoring.robots import find_robots, without_users
from recsys_pipeline.monitoring.staying import active_days, days_needed
from recsys_pipeline.pipeline.activity import actions, activity
from recsys_pipeline.pipeline.online_week import Past, Seen
from recsys_pipeline.pipeline.protocols import ReleaseStore
from recsys_pipeline.pipeline.reports import FIGURES, PROFILE, ReportStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.online_door import Online
from recsys_pipeline.storage.user_weeks import stored_user_weeks

PROFILES: Final = 8
"""Weeks before that say what is usual."""
HISTORY: Final = 26
"""Weeks that the report draws."""

_DAY: Final = pd.Timedelta(days=1)

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Window:
    """The seven days that are looked at, from midnight to midnight (UTC).

    Attributes:
        end: first moment after them.
        complete: whether they are over; else figures are those so far.
    """

    end: pd.Timestamp
    complete: bool = True

    @classmethod
    def of(cls, end: pd.Timestamp, now: pd.Timestamp | None) -> Self:
        """Of a week of the schedule.

        Args:
            end: of that week: the last midnight up to it ends the seven days.
            now: the time on the clock; None takes the week to be over.
        """
        midnight = end.floor("D")
        return cls(midnight, now is None or now >= midnight)

    @property
    def start(self) -> pd.Timestamp:
        """The first moment."""
        return self.end - WEEK_LENGTH

    @property
    def name(self) -> str:
        """What reports call it: the ISO day on which it ends."""
        return f"{self.end:%Y-%m-%d}"

    @property
    def last_day(self) -> date:
        """Experiments go by it."""
        found: date = (self.end - pd.Timedelta(days=1)).date()
        return found


def seen_in(online: Online, window: Window, tables: Tables, goal: float | None) -> Seen:
    """What was shown and done in the week, and how the API did. Raises StorageError.

    Args:
        tables: users and movies among them, for the types of their ids.
        goal: share of requests to be answered without a failure, or None.
    """
    impressions, done = _activity(online, window, tables)
    return Seen(window.start, impressions, done, _reliability(online, window, goal))


def past_of(
    online: Online,
    window: Window,
    tables: Tables,
    settings: Settings,
    store: ReleaseStore,
    reports: ReportStore,
    assets: UPath,
    *,
    left_out: Collection[Any] = (),
    tell: Callable[[str], None] | None = None,
) -> Past:
    """What earlier weeks left.

    Args:
        tables: users and movies among them.
        store: the releases: the profile of the week in which the one that answered was trained is
            the reference.
        reports: of earlier weeks.
        assets: the folder above the assets' folders.
        left_out: ids of this week's robots: who did much before and does not count now has not
            left.
        tell: is told what of the past does not count, one line each.

    Raises:
        StorageError, SetupError: something cannot be read.
    """
    config = settings.monitoring
    before = Window(window.start)
    earliest = window.end - pd.Timedelta(days=days_needed(config.churn_days))
    ids = {"users": tables[USERS.name][n.USER_ID], "movies": tables[MOVIES.name][n.MOVIE_ID]}
    done = actions(online.events, earliest, window.start, **ids)
    active = active_days(without_users(done, left_out))
    weeks = stored_user_weeks(assets, window.start, tell)
    return Past(
        online=_week_before(online, before, tables, settings),
        user_weeks=(weeks,) if len(weeks) else (),
        active=active,
        since=_since(online, earliest, window.start),
        profiles=tuple(profiles_before(reports, window.name)),
        reference=_reference(store, reports, window),
        reliability=_reliability(online, before, settings.goals.availability),
    )


def _since(online: Online, earliest: pd.Timestamp, end: pd.Timestamp) -> pd.Timestamp | None:
    """From when on what was done before `end` is known: the oldest event, from `earliest` on.

    A quiet beginning is known too, as long as something lies before it. None without an event.
    """
    chunks = online.events.event_chunks(end.to_pydatetime(warn=False), rows=1)
    oldest = next((chunk[0].at for chunk in chunks if chunk), None)
    return None if oldest is None else max(pd.Timestamp(oldest), earliest)


def profiles_before(reports: ReportStore, week: str) -> list[Profile]:
    """The profiles of the weeks before one, oldest first; at most `PROFILES`.

    Those of another version are left out.
    """
    weeks = [each for each in reports.weeks() if each < week][-PROFILES:]
    found = [_profile(reports, each) for each in weeks]
    return [each for each in found if each is not None]


def history_before(reports: ReportStore, week: str) -> list[pd.DataFrame]:
    """The figures of the weeks before one, each with a column ``week``; at most `HISTORY`."""
    found = []
    for each in [each for each in reports.weeks() if each < week][1 - HISTORY :]:
        content = reports.read(each, FIGURES)
        if content is not None:
            found.append(read_frame(BytesIO(content)).assign(**{n.WEEK: each}))
    return found


def _activity(online: Online, window: Window, tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    return activity(
        online.events,
        window.start,
        window.end,
        users=tables[USERS.name][n.USER_ID],
        movies=tables[MOVIES.name][n.MOVIE_ID],
    )


def _week_before(
    online: Online, window: Window, tables: Tables, settings: Settings
) -> OnlineWeek | None:
    """None where nothing happened: then nothing changed that could be told."""
    impressions, done = _activity(online, window, tables)
    if not (len(impressions) or len(done)):
        return None
    return online_week(
        window.start,
        impressions,
        done,
        movies=tables[MOVIES.name],
        users=tables[USERS.name],
        config=settings.monitoring,
        left_out=find_robots(done).users,
    )


def _reliability(online: Online, window: Window, goal: float | None) -> Reliability | None:
    start, end = (each.to_pydatetime(warn=False) for each in (window.start, window.end))
    hours = online.hours.between(start, end)
    return reliability(hours, goal) if hours else None


def _reference(store: ReleaseStore, reports: ReportStore, window: Window) -> Profile | None:
    """The profile of the week in which the release that answered was trained; None for none."""
    trained = [
        pd.Timestamp(each.as_of)
        for each in store.told()
        if each.as_of and not each.arm_of and pd.Timestamp(each.as_of) < window.start + _DAY
    ]
    if not trained:
        return None
    # A run looks from a moment up to some hours after or before the midnight that ends its week.
    day = f"{max(trained).ceil('D'):%Y-%m-%d}"
    weeks = [each for each in reports.weeks() if each <= day and each < window.name]
    return _profile(reports, weeks[-1]) if weeks else None


def _profile(reports: ReportStore, week: str) -> Profile | None:
    """None where there is none, or one of another version."""
    content = reports.read(week, PROFILE)
    try:
        return None if content is None else Profile.from_json(content.decode())
    except ValueError:
        return None
