"""`recsys reproduce`: a run of the weekly job made again, and compared file by file."""

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recsys_pipeline.commands.assets import asset_of_week, week_of
from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.pipeline.protocols import LOCK, Manifest, ReleaseStore
from recsys_pipeline.pipeline.recipes import recipe_of
from recsys_pipeline.pipeline.reproducing import Lock, Original, Reproduction, reproduce
from recsys_pipeline.settings import Settings

_MARKS = {True: "[green]same[/]", False: "[red]differs[/]", None: "[yellow]not known[/]"}
_DIGITS = 12
_HOW_TO_FIND = "`recsys releases list` shows the releases; MLflow's page of a run shows its id."


def reproduce_run(
    settings: Settings, store: ReleaseStore, wanted: str, console: Console
) -> Reproduction:
    """Make the release of a run again and compare it with the one that is stored.

    Args:
        settings: of the installation; what is learned comes from the release itself.
        store: where releases lie.
        wanted: id of the run in MLflow or in Dagster, or of the release; its beginning is enough.
        console: where progress is shown.

    Raises:
        ReleaseError: no release or several belong to `wanted`; or the release is not whole, or
            the tables of its week are gone.
    """
    manifest = find_release(store, wanted)
    folder = store.folder(manifest.release)
    original = Original(
        manifest,
        recipe_of(store, manifest),
        store.read_lists(manifest.release),
        folder,
        Lock.read(folder / LOCK),
    )
    tables = _tables_of(settings, manifest)
    what = f"Making release {manifest.release} again (as of {manifest.as_of or 'no date'})"
    console.print(what, highlight=False)
    with console.status(what) as status:
        return reproduce(original, tables, lambda line: status.update(f"{what}: {escape(line)}"))


def find_release(store: ReleaseStore, wanted: str) -> Manifest:
    """The release that was made by the run `wanted`, or that has this id.

    Raises:
        ReleaseError: there is none, or the beginning of an id fits several.
    """
    wanted = wanted.strip()
    found = [
        manifest
        for manifest in store.manifests()
        if wanted
        and any(
            each.startswith(wanted)
            for each in (manifest.release, manifest.tracking_run, manifest.orchestrator_run)
        )
    ]
    exact = [
        manifest
        for manifest in found
        if wanted in (manifest.release, manifest.tracking_run, manifest.orchestrator_run)
    ]
    found = exact or found
    if not found:
        raise ReleaseError(f"No release belongs to a run {wanted!r}.", _HOW_TO_FIND)
    if len(found) > 1:
        names = ", ".join(manifest.release for manifest in found)
        raise ReleaseError(f"{wanted!r} fits several releases: {names}.", "Give more of the id.")
    return found[0]


def _tables_of(settings: Settings, manifest: Manifest) -> dict[str, pd.DataFrame]:
    """The clean tables of the release's week as they lie there now."""
    week = _own_week(settings, manifest)
    try:
        return {each.name: asset_of_week(settings, each.name, week) for each in SOURCE_TABLES}
    except (OSError, ValueError) as error:
        raise ReleaseError(
            f"The tables of week {week}, from which release {manifest.release} was made, cannot "
            f"be read: {error}.",
            f"Restore {settings.data / 'assets'} from a copy.",
        ) from error


def _own_week(settings: Settings, manifest: Manifest) -> str:
    """The week whose lists belong to the release; else the one that its moment lies in."""
    week = week_of(settings, manifest.release)
    if week is not None:
        return week
    from recsys_pipeline.defs.partitions import partition_of

    return partition_of(pd.Timestamp(manifest.as_of) if manifest.as_of else None, settings)


def show_reproduction(found: Reproduction, console: Console) -> None:
    """What is the same and what differs, then the outcome in one sentence."""
    table = Table(title=f"Release {found.release}", title_justify="left", title_style="bold")
    for name in ("", "what", "then", "now", ""):
        table.add_column(name, overflow="fold")
    for each in found.compared:
        then, now = each.then, each.now
        if each.kind == "file":
            then, now = then[:_DIGITS] or "not there", now[:_DIGITS] or "not there"
        table.add_row(
            each.kind,
            escape(each.name),
            escape(then or "not known"),
            escape(now),
            _MARKS[each.same],
        )
    console.print(table)
    colour = "green" if found.same else "red"
    console.print(f"[{colour}]{escape(found.sentence)}[/]", highlight=False, soft_wrap=True)
