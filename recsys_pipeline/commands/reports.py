"""`recsys report`: the weekly report that lies in storage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from upath import UPath

from recsys_pipeline.commands.assets import released_asset
from recsys_pipeline.contracts import SOURCE_TABLES, TOP_N
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import ReleaseError, SettingsError, SetupError
from recsys_pipeline.pipeline.reports import REPORT_HTML, REPORT_MARKDOWN, ReportStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.storage import FileReleaseStore
from recsys_pipeline.storage.folders import is_remote, local_data
from recsys_pipeline.storage.online_door import opened_online
from recsys_pipeline.storage.reports import checked_week


@dataclass(frozen=True)
class Report:
    """One weekly report.

    Attributes:
        week: the ISO day on which its week ends.
        markdown: its text.
        path: of the page: a file, or a URL where the data folder is one.
        weeks: all weeks of which there is a report, oldest first.
    """

    week: str
    markdown: str
    path: str
    weeks: tuple[str, ...]


def report_of(settings: Settings, store: ReportStore, week: str | None) -> Report:
    """The report of a week, or the newest one.

    Raises:
        SettingsError: there is none (of that week).
        SetupError: it cannot be read.
    """
    weeks = [each for each in store.weeks() if store.read(each, REPORT_MARKDOWN) is not None]
    if not weeks:
        raise SettingsError(
            "There is no report yet.", "`recsys run` makes one, or `recsys report --make`."
        )
    wanted = weeks[-1] if week is None else week
    markdown = store.read(wanted, REPORT_MARKDOWN)
    if markdown is None:
        raise SettingsError(f"There is no report of {wanted}.", _near(wanted, weeks))
    path = settings.data / "reports" / wanted / REPORT_HTML
    return Report(wanted, markdown.decode(), str(path), tuple(weeks))


def make_report(
    settings: Settings,
    store: ReportStore,
    week: str | None,
    now: pd.Timestamp,
    tell: Callable[[str], None],
) -> str:
    """Make the report of a week from what has happened so far; its name.

    Args:
        settings: of the installation.
        store: where it is kept.
        week: the ISO day on which the week ends; None for the week in progress.
        now: the time on the clock.
        tell: is told what happened, one line each.

    Raises:
        SettingsError: the week is no day.
        ReleaseError: there is no release whose tables are still there.
        StorageError, SetupError: something cannot be read or written.
    """
    from recsys_pipeline.defs.monitored import About, Places, monitor
    from recsys_pipeline.defs.online_past import Window
    from recsys_pipeline.defs.partitions import as_of_week, partition_of, weeks

    if week is None:
        end = as_of_week(partition_of(None, settings), weeks(settings))
    else:
        end = pd.Timestamp(checked_week(week), tz="UTC")
    window = Window.of(end, now)
    tables = {contract.name: _released(settings, contract.name) for contract in SOURCE_TABLES}
    aside = released_asset(settings, "quarantine")
    with opened_online(settings) as online:
        monitor(
            settings,
            Places(online, FileReleaseStore(settings.data / "releases"), store, _assets(settings)),
            window,
            tables,
            released_asset(settings, TOP_N.name),
            About(quarantined=None if aside is None else aside[n.TABLE].value_counts().to_dict()),
            tell,
        )
    return window.name


def _released(settings: Settings, name: str) -> pd.DataFrame:
    found = released_asset(settings, name)
    if found is None:
        raise ReleaseError(
            f"The {name} of the release in service are not there.", "Make one with `recsys run`."
        )
    return found


def _assets(settings: Settings) -> UPath:
    return settings.data / "assets"


def page_of(settings: Settings, store: ReportStore, report: Report) -> Path:
    """The page of a report as a local file: a copy of it where the data folder is a URL.

    Raises:
        SetupError: the copy cannot be written.
    """
    if not is_remote(settings):
        return Path(report.path)
    copy = local_data(settings) / "reports" / f"{report.week}.html"
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(store.read(report.week, REPORT_HTML) or b"")
    except OSError as error:
        raise SetupError(f"{copy} cannot be written: {error}.", "Make it writable.") from error
    return copy


def open_page(page: Path) -> bool:
    """Show a page in the browser; whether there is one."""
    import webbrowser

    return webbrowser.open(page.absolute().as_uri())


def _near(week: str, weeks: Sequence[str]) -> str:
    later = [each for each in weeks if each >= week]
    nearest = (later or list(weeks))[0 if later else -1]
    return f"The nearest one is that of the week up to {nearest}; `recsys report` shows the newest."
