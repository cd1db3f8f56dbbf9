"""One week monitored: counted, compared, judged, told; whoever asks for it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd
from upath import UPath

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.defs.online_past import Tables, Window, history_before, past_of, seen_in
from recsys_pipeline.experiments.config import HOLDOUT
from recsys_pipeline.monitoring.alarms import Alarm, old_lists_alarm
from recsys_pipeline.monitoring.checks import AVAILABILITY_MISSED, GUARDRAIL_BROKEN, ROBOTS
from recsys_pipeline.monitoring.costs import MonthlyCost, monthly_cost
from recsys_pipeline.monitoring.online_week import OnlineWeek
from recsys_pipeline.monitoring.robots import find_robots
from recsys_pipeline.pipeline.experimenting import by_hand, experiments_of, running, stop_arm
from recsys_pipeline.pipeline.online_week import Experiments, Known, Review, review
from recsys_pipeline.pipeline.protocols import CheckReport, ReleaseStore
from recsys_pipeline.pipeline.releasing import in_service
from recsys_pipeline.pipeline.reports import COST, REPORT_HTML, REPORT_MARKDOWN, ReportStore
from recsys_pipeline.pipeline.worth import Worth, worth
from recsys_pipeline.reporting.facts import WeeklyFacts
from recsys_pipeline.reporting.html import html
from recsys_pipeline.reporting.markdown import markdown
from recsys_pipeline.reporting.weekly import weekly_report
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage.memory_answer_hours import MemoryAnswerHours
from recsys_pipeline.storage.memory_events import MemoryEventStore
from recsys_pipeline.storage.memory_state import MemoryStateStore
from recsys_pipeline.storage.online_door import Online

_STREAM: Final = 11
_CORE_SECONDS: Final = "core_seconds"
_SO_FAR: Final = frozenset({ROBOTS, AVAILABILITY_MISSED, GUARDRAIL_BROKEN})
"""What may be said of a week that is not over: everything else would fall short of a whole one."""


@dataclass(frozen=True)
class Places:
    """Where a week is read from and its report is kept.

    Attributes:
        online: what happened online; None where nothing has.
        store: the releases.
        reports: of all weeks.
        assets: the folder above the assets' folders.
    """

    online: Online | None
    store: ReleaseStore
    reports: ReportStore
    assets: UPath


@dataclass(frozen=True)
class About:
    """What else the report tells.

    Attributes:
        core_seconds: processor time of the weekly run, or None where it was not measured: then
            that of the earlier report of the week counts.
        quarantined: rows set aside, by table, or None.
        links: addresses of further pages.
        checks: what the checks found in the tables, or None.
    """

    core_seconds: float | None = None
    quarantined: Mapping[str, int] | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[CheckReport, ...] | None = None


@dataclass(frozen=True)
class Monitored:
    """A monitored week.

    Attributes:
        window: the seven days.
        review: what is said of it; it holds users.
        worth: the business figures.
        history: figures of the weeks before and of this one, with a column ``week``.
        stopped: experiment and arm of those that a guardrail stopped now.
        files: what is kept of it; no user is in it.
    """

    window: Window
    review: Review
    worth: Worth
    history: pd.DataFrame
    stopped: tuple[tuple[str, str], ...]
    files: Mapping[str, bytes]


def monitor(
    settings: Settings,
    places: Places,
    window: Window,
    tables: Tables,
    top_n: pd.DataFrame | None,
    about: About,
    tell: Callable[[str], None],
) -> Monitored:
    """Monitor a week and keep its report.

    Arms that do harm beyond their guardrail are stopped, unless a later week was reported: what is
    done about arms now goes by the newest. Of a week that is not over nothing is
    said that a whole week would have to show.

    Args:
        settings: of the installation.
        places: where to read and write.
        window: the week.
        tables: users, movies and interactions, clean.
        top_n: the lists, or None.
        about: what else the report tells.
        tell: is told what happened, one line each.

    Raises:
        StorageError, SetupError: something cannot be read or written.
    """
    online = places.online or Online(MemoryEventStore(), MemoryStateStore(), MemoryAnswerHours())
    places = replace(places, online=online)
    hand = by_hand(online.state)
    experiments = Experiments(
        settings.experiments, hand, running(settings.experiments, hand, window.last_day)
    )
    seen = seen_in(online, window, tables, settings.goals.availability)
    if not (len(seen.impressions) or len(seen.actions)):
        tell(f"Nothing happened online in the week up to {window.name}.")
    if not window.complete:
        tell(f"The week up to {window.name} is not over: its figures are those so far.")
    robots = find_robots(seen.actions).users
    past = past_of(
        online,
        window,
        tables,
        settings,
        places.store,
        places.reports,
        places.assets,
        left_out=robots,
        tell=tell,
    )
    found = review(
        seen,
        Known(tables[USERS.name], tables[MOVIES.name], tables[INTERACTIONS.name], top_n),
        past,
        experiments,
        settings.monitoring,
        settings.goals.availability,
    )
    if not window.complete:
        told = tuple(each for each in found.alarms if each.check in _SO_FAR)
        found = replace(found, alarms=told)
    newer = [week for week in places.reports.weeks() if week > window.name]
    if newer:
        tell(
            f"There are reports of later weeks, up to {newer[-1]}: this one stops no arm, and what "
            "people started and stopped since then is in it."
        )
    else:
        found = replace(found, alarms=(*found.alarms, *old_arms(places.store)))
    stopped = () if newer else _stop(settings, online, found, window, tell)
    core_seconds = about.core_seconds
    if core_seconds is None:
        core_seconds = _core_seconds(places.reports, window.name)
    history = pd.concat(
        [
            *history_before(places.reports, window.name),
            found.figures.assign(**{n.WEEK: window.name}),
        ],
        ignore_index=True,
    )
    valued = _worth(
        settings,
        places.store,
        found,
        history,
        experiments,
        # Where nothing happens online yet, what may be is told of all.
        active_users(past.active, found.online, settings.monitoring.churn_days)
        or max(1, len(tables[USERS.name])),
        core_seconds,
    )
    facts = _facts(settings, places.store, found, valued, history, window, about)
    document = weekly_report(facts)
    files = {
        **found.files(),
        **valued.files(),
        REPORT_HTML: html(document).encode(),
        REPORT_MARKDOWN: markdown(document).encode(),
        COST: json.dumps({_CORE_SECONDS: core_seconds}).encode(),
    }
    places.reports.put(window.name, files)
    return Monitored(window, found, valued, history, stopped, files)


def active_users(active: pd.DataFrame | None, online: OnlineWeek, days: int) -> int:
    """How many users did something in the `days` up to the end of the week.

    Args:
        active: user and time of what was done before the week, or None.
        online: the week.
        days: such as ``monitoring.churn_days``.
    """
    ids = [online.actions[n.USER_ID]]
    if active is not None:
        since = online.end - pd.Timedelta(days=days)
        ids.append(active.loc[(active[n.TIMESTAMP] >= since).to_numpy(), n.USER_ID])
    return int(pd.concat([each for each in ids if len(each)] or ids[:1]).nunique())


def old_arms(store: ReleaseStore) -> tuple[Alarm, ...]:
    """One alarm for every recipe of arms whose lists look from an earlier moment than others'."""
    pointer, current = store.pointer(), in_service(store)
    if pointer is None or current is None or not current.as_of:
        return ()
    made = {each.release: each.as_of for each in store.told() if each.as_of}
    served = pd.Timestamp(current.as_of)
    return tuple(
        old_lists_alarm(recipe, f"{pd.Timestamp(made[release]):%Y-%m-%d}", f"{served:%Y-%m-%d}")
        for recipe, release in sorted(pointer.arms.items())
        if release in made and pd.Timestamp(made[release]) < served
    )


def _core_seconds(reports: ReportStore, week: str) -> float | None:
    """Of the run that made an earlier report of the week; None where there is none."""
    content = reports.read(week, COST) if week in reports.weeks() else None
    found = None if content is None else json.loads(content)[_CORE_SECONDS]
    return None if found is None else float(found)


def _stop(
    settings: Settings,
    online: Online,
    found: Review,
    window: Window,
    tell: Callable[[str], None],
) -> tuple[tuple[str, str], ...]:
    """Stop the arms that do harm; which."""
    stopped = []
    for result in found.experiments:
        if result.name == HOLDOUT:
            continue
        for arm in result.to_stop:
            why = next(rail.text for rail in result.guardrails if rail.broken and rail.arm == arm)
            stop_arm(online.state, settings.experiments, result.name, arm, window.last_day, why)
            tell(f"Arm {arm} of experiment {result.name} is stopped: {why}")
            stopped.append((result.name, arm))
    return tuple(stopped)


def _worth(
    settings: Settings,
    store: ReleaseStore,
    found: Review,
    history: pd.DataFrame,
    experiments: Experiments,
    users: int,
    core_seconds: float | None,
) -> Worth:
    return worth(
        found.figures,
        history,
        found.experiments,
        found.online.user_weeks,
        [each for each in store.told() if not each.arm_of],
        users=users,
        cost=_cost(settings, core_seconds),
        experiments=settings.experiments,
        declared=experiments_of(settings.experiments, experiments.hand),
        targets=settings.goals,
        business=settings.business,
        rng=np.random.default_rng([settings.learning.seed, _STREAM]),
    )


def _cost(settings: Settings, core_seconds: float | None) -> MonthlyCost | None:
    """Of the processor time of the weekly run and of what lies in the data folder."""
    if core_seconds is None:
        return None
    prices = settings.business.prices
    return monthly_cost(
        core_seconds=core_seconds,
        stored_bytes=float(settings.data.fs.du(settings.data.path)),
        servers=prices.servers,
        cores_per_server=prices.cores_per_server,
        core_hour=prices.core_hour,
        gigabyte_month=prices.gigabyte_month,
        fixed=prices.fixed_per_month,
    )


def _facts(
    settings: Settings,
    store: ReleaseStore,
    found: Review,
    valued: Worth,
    history: pd.DataFrame,
    window: Window,
    about: About,
) -> WeeklyFacts:
    current = in_service(store)
    return WeeklyFacts(
        week=window.name,
        release="" if current is None else current.release,
        complete=window.complete,
        figures=found.figures,
        history=history,
        experiments=found.experiments,
        patterns=found.patterns.sentences,
        checks=about.checks,
        quarantined=None if about.quarantined is None else dict(about.quarantined),
        alarms=found.alarms,
        goals=valued.goals,
        impact=valued.impact,
        agreement=valued.agreement,
        releases=tuple(each for each in store.told() if not each.arm_of),
        currency=settings.business.prices.currency,
        links=dict(about.links),
    )
