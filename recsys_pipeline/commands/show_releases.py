"""How releases look on a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recsys_pipeline.commands.show import short_label
from recsys_pipeline.contracts import names as n

if TYPE_CHECKING:
    from recsys_pipeline.pipeline.differing import ReleaseDiff
    from recsys_pipeline.pipeline.moving import Moved
    from recsys_pipeline.pipeline.protocols import Manifest, Pointer

_MAIN = ("liked_share_in_top", "ndcg_at_10")


def listed(manifests: "Sequence[Manifest]", pointer: "Pointer | None", console: Console) -> None:
    """One line per release, the one in service marked."""
    if not manifests:
        console.print("There is no release yet. Make one with `recsys run`.")
        return
    table = Table(title="Releases, newest first", title_justify="left", title_style="bold")
    for name in ("release", "by", "better than\npopularity", "figure", "state"):
        table.add_column(name, no_wrap=name in ("release", "by"))
    for each in manifests:
        serving = pointer is not None and each.release == pointer.release
        table.add_row(
            f"▶ {each.release}" if serving else f"  {each.release}",
            escape(each.recommender),
            each.verdict,
            _figure(each),
            _state(each, pointer),
            style="bold" if serving else None,
        )
    console.print(table)
    served = [m for m in manifests if pointer is not None and m.release == pointer.release]
    if served and served[0].decision:
        console.print(f"[dim]{escape(served[0].decision)}[/]", highlight=False)
    console.print(
        "[dim]recsys releases promote RELEASE puts one in service, rollback takes the last move "
        "back, diff says what differs.[/]",
        highlight=False,
    )


def _figure(manifest: "Manifest") -> str:
    for name in _MAIN:
        if name in manifest.metrics:
            return f"{short_label(name)} {manifest.metrics[name]:.3f}"
    return ""


def _state(manifest: "Manifest", pointer: "Pointer | None") -> str:
    if pointer is None:
        return ""
    if manifest.release == pointer.release:
        return "in service"
    if manifest.arm_of:
        return "answers an arm" if manifest.release in pointer.arms.values() else "of an arm once"
    held = manifest.recipe_fingerprint and manifest.recipe_fingerprint in pointer.held
    if manifest.release in pointer.before:
        return "was in service" + ("; its recipe is held" if held else "")
    return "its recipe was rolled back" if held else "never in service"


def moved(done: "Moved", console: Console) -> None:
    """What is in service now, and what to do next."""
    before = done.before.release if done.before is not None else "nothing"
    after = done.after
    if before == after.release:
        console.print(f"Release {after.release} is in service already.", highlight=False)
    else:
        console.print(
            f"[bold]Release {after.release} is in service[/] (before: {before}), model and lists "
            "together.",
            highlight=False,
        )
    if not done.alias_follows:
        console.print(
            "[yellow]The alias in the model registry could not follow; the next run sets it "
            "right.[/]"
        )
    if before not in (after.release, "nothing"):
        console.print(
            f"[dim]recsys releases diff {before} {after.release} says whose lists changed.[/]",
            highlight=False,
        )


def difference(found: "ReleaseDiff", console: Console) -> None:
    """Whose lists changed, by how much, which movies rose and fell, and why."""
    console.print(f"[bold]From {found.before.release} to {found.after.release}[/]", highlight=False)
    both = max(found.users_both, 1)
    console.print(
        f"{found.changed:,} of {found.users_both:,} users ({100 * found.changed / both:.1f} %) "
        f"have another list, {found.other_movies:,} of them with other movies; on average "
        f"{100 * found.overlap:.0f} % of a list stays. {found.users_new:,} users are new, "
        f"{found.users_gone:,} are gone.",
        highlight=False,
    )
    for line in found.why:
        console.print(f"  · {escape(line)}", highlight=False)
    if len(found.movies):
        table = Table(title="Movies that rose and fell", title_justify="left", title_style="bold")
        for name in ("movie", "lists before", "lists after", "change"):
            table.add_column(name, justify="left" if name == "movie" else "right")
        for row in found.movies.to_dict("records"):
            colour = "green" if row["change"] > 0 else "red"
            table.add_row(
                escape(str(row[n.TITLE])),
                f"{row['before']:,}",
                f"{row['after']:,}",
                f"[{colour}]{row['change']:+,}[/]",
            )
        console.print(table)
    if len(found.sources):
        table = Table(title="Who placed them", title_justify="left", title_style="bold")
        for name in ("placed by", "places before", "places after"):
            table.add_column(name, justify="left" if name == "placed by" else "right")
        for row in found.sources.to_dict("records"):
            table.add_row(escape(row[n.SOURCE]), f"{row['before']:,}", f"{row['after']:,}")
        console.print(table)
