"""`recsys releases`: what there is, what is in service, and moving it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys_pipeline.commands.options import (
    JsonOption,
    SettingsOption,
    console_for,
    lines,
    print_json,
)

if TYPE_CHECKING:
    from recsys_pipeline.pipeline.moving import Moved
    from recsys_pipeline.pipeline.protocols import ReleaseStore
    from recsys_pipeline.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Releases: model, lists and figures of one run, put in service and taken back together.",
)

ReleaseArgument = Annotated[
    str, typer.Argument(help="Release id, or a beginning that only one has.")
]


@app.command("list", epilog=lines("recsys releases list", "recsys releases list --json"))
def list_releases(settings: SettingsOption = None, as_json: JsonOption = False) -> None:
    """Show every whole release, newest first, and which one is in service."""
    from recsys_pipeline.commands import show_releases

    store = _store(_load(settings))
    manifests, pointer = list(reversed(store.manifests())), store.pointer()
    if as_json:
        held = pointer.held if pointer else ()
        print_json(
            {
                "in_service": pointer.release if pointer else None,
                "before": pointer.before if pointer else (),
                "releases": [
                    {**asdict(each), "held": each.recipe_fingerprint in held} for each in manifests
                ],
            }
        )
        return
    show_releases.listed(manifests, pointer, console_for(False))


@app.command(epilog=lines("recsys releases promote 2023-12-31-7f3a9c12"))
def promote(release: ReleaseArgument, settings: SettingsOption = None) -> None:
    """Put a release in service: its model and its lists, at once.

    Also how a candidate that waits for approval (promotion.mode = 'manual') is let in.
    """
    from recsys_pipeline.defs.doors import REAL
    from recsys_pipeline.pipeline.moving import promote as move

    loaded = _load(settings)
    _tell(move(REAL.store(loaded), REAL.tracker(loaded), release))


@app.command(epilog=lines("recsys releases rollback", "recsys releases rollback 2023-12-24"))
def rollback(
    release: Annotated[
        str | None, typer.Argument(help="Which earlier one; else the one before.")
    ] = None,
    settings: SettingsOption = None,
) -> None:
    """Put back what was in service before: model and lists, byte for byte, in seconds.

    The recipe that was rolled back stays out until its settings change or somebody promotes it.
    """
    from recsys_pipeline.defs.doors import REAL
    from recsys_pipeline.pipeline.moving import roll_back

    loaded = _load(settings)
    _tell(roll_back(REAL.store(loaded), REAL.tracker(loaded), release))


@app.command(
    epilog=lines("recsys releases diff", "recsys releases diff 2023-12-24 2023-12-31 --json")
)
def diff(
    before: Annotated[
        str | None, typer.Argument(help="Release; else the one that was in service before.")
    ] = None,
    after: Annotated[str | None, typer.Argument(help="Release; else the one in service.")] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show whose lists changed between two releases, by how much, which movies rose, and why."""
    from recsys_pipeline.commands import show_releases
    from recsys_pipeline.pipeline.comparing import compare

    found = compare(_store(_load(settings)), before, after)
    if as_json:
        plain: dict[str, Any] = asdict(found)
        plain["movies"] = found.movies.to_dict("records")
        plain["sources"] = found.sources.to_dict("records")
        plain["before"], plain["after"] = found.before.release, found.after.release
        print_json(plain)
        return
    show_releases.difference(found, console_for(False))


def _load(settings: Any) -> "Settings":
    from recsys_pipeline.settings import load_settings

    return load_settings(settings)


def _store(settings: "Settings") -> "ReleaseStore":
    """Where releases lie; nothing else is loaded, as people wait for it."""
    from recsys_pipeline.storage import FileReleaseStore

    return FileReleaseStore(settings.data / "releases")


def _tell(moved: "Moved") -> None:
    from recsys_pipeline.commands import show_releases

    show_releases.moved(moved, console_for(False))
