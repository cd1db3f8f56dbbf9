"""How results look on a terminal."""

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recsys_pipeline.contracts import names as n
from recsys_pipeline.evaluation.names import (
    DIFFERENCE_HIGH,
    DIFFERENCE_LOW,
    HIGH,
    LOW,
    MEAN,
    METRIC,
    RECOMMENDER,
    metric_label,
)

if TYPE_CHECKING:
    from recsys_pipeline.commands.doctor import Finding
    from recsys_pipeline.commands.init import Initialised
    from recsys_pipeline.commands.lists import UserList
    from recsys_pipeline.commands.run import RunSummary

_DIFFERENCE = "diff_to_popularity"
_SHOWN = ("auc", "ndcg_at_10", "coverage_at_10")
_SHORT = {"liked_share_in_top": "likes in top 5 %", "coverage_at_10": "cover"}
_ARROW = re.compile(r"^column `[^`]*` → \w+: ")
"""What a reason says that the two columns before it say already."""
_MARKS = {"ok": "[green]ok[/]", "odd": "[yellow]odd[/]", "broken": "[red]broken[/]"}


def summary(run: "RunSummary", console: Console) -> None:
    """Tables, quarantine, figures, three lists, and where to look next."""
    facts = run.facts
    release, chosen = facts["top_n"], facts["trained_model"]
    console.print()
    if run.notes:
        console.print("[bold]As it was read[/]")
        for note in run.notes:
            console.print(f"  · {escape(note)}", highlight=False)
        console.print()
    _tables(run, console)
    console.print(_comparison(run.comparison, str(facts["verdict"]["metric"]), chosen["chosen"]))
    console.print(
        "[dim]▶ did best on the window; shipped lists: the same with rules and dials, as users "
        f"get them. {_gloss(str(facts['verdict']['metric']))}[/]"
    )
    console.print(f"[dim]{escape(chosen['split'])}[/]", highlight=False)
    console.print(f"[dim]{escape(chosen['reason'])}[/]", highlight=False)
    console.print(f"[bold]{escape(facts['verdict']['sentence'])}[/]", highlight=False)
    console.print(f"[bold]{escape(facts['promotion']['decision'])}.[/]", highlight=False)
    console.print(f"[dim]{escape(facts['promotion']['why'])}[/]", highlight=False)
    if not facts["promotion"]["promoted"]:
        console.print(
            f"The lists are those of the recipe in service, refitted: {release['recommender']}. "
            f"{escape(str(release['verdict']))}",
            highlight=False,
        )
    console.print(escape(facts["last_weeks_lists"]["sentence"]), highlight=False)
    console.print()
    for user, rows in run.lists.groupby(n.USER_ID, sort=False):
        console.print(list_table(f"For user {user}", rows.head(5)))
    console.print(f"[bold]{escape(release['why'])}[/]", highlight=False)


def _tables(run: "RunSummary", console: Console) -> None:
    table = Table(title="Tables", title_justify="left", title_style="bold")
    for name in ("table", "rows read", "rows used", "in quarantine"):
        table.add_column(name, justify="left" if name == "table" else "right")
    for row in run.tables.itertuples(index=False):
        table.add_row(row.table, f"{row.read:,}", f"{row.clean:,}", f"{row.quarantined:,}")
    console.print(table)
    if run.later:
        console.print(f"{run.later:,} interactions after as_of are left for later weeks.")
    for row in run.quarantine.itertuples(index=False):
        console.print(f"  [yellow]in quarantine[/] {row.table}: {row.rows:,} rows, {row.rule}")
    checks = [run.facts[f"mapped_{name}"].get("failed_checks", 0) for name in run.tables["table"]]
    told = "All data checks passed." if not sum(checks) else f"{sum(checks)} data checks not met:"
    console.print(told)
    for check in run.failed_checks:
        console.print(f"  [yellow]not met[/], stops nothing: {escape(check)}", highlight=False)
    console.print()


def _comparison(comparison: pd.DataFrame, deciding: str, chosen: str) -> Table:
    metrics = list(dict.fromkeys([deciding, *_SHOWN]))
    found = set(comparison[METRIC])
    metrics = [name for name in metrics if name in found]
    table = Table(title="On held-out data", title_justify="left", title_style="bold")
    table.add_column("recommender", no_wrap=True)
    table.add_column(f"{short_label(deciding)}\n(95 % interval)", justify="right", no_wrap=True)
    table.add_column("against popularity", justify="right", no_wrap=True)
    for name in metrics[1:]:
        table.add_column(short_label(name), justify="right")
    cells = comparison.set_index([RECOMMENDER, METRIC])
    order = comparison[comparison[METRIC] == deciding].sort_values(
        MEAN, ascending=False, kind="stable"
    )[RECOMMENDER]
    for name in order:
        main = cells.loc[(name, deciding)]
        values = [
            _number(cells.loc[(name, metric), MEAN]) if (name, metric) in cells.index else ""
            for metric in metrics[1:]
        ]
        table.add_row(
            f"▶ {name}" if name == chosen else f"  {name}",
            f"{_number(main[MEAN])} ({_number(main[LOW])}…{_number(main[HIGH])})",
            "" if name == "popularity" else _difference(main),
            *values,
            style="bold" if name == chosen else None,
        )
    return table


def _gloss(deciding: str) -> str:
    """What the columns say, for somebody who meets them for the first time."""
    lines = [
        "AUC: how well likes are told from dislikes (0.5 is chance).",
        "nDCG@10: how high the movies chosen later stand in lists of ten; small where people",
        "choose a few of many. cover: share of the catalogue in somebody's list.",
    ]
    if deciding == "liked_share_in_top":
        lines.insert(
            0,
            "Likes in top 5 %: of what a recommender itself would show (its top 5 %) and users met "
            "later, the share that they liked.",
        )
    return " ".join(lines)


def short_label(metric: str) -> str:
    """Name of a metric for a narrow table."""
    return _SHORT.get(metric, metric_label(metric))


def _difference(row: Any) -> str:
    if not math.isfinite(row[_DIFFERENCE]):
        return ""
    low, high = row[DIFFERENCE_LOW], row[DIFFERENCE_HIGH]
    colour = "green" if low > 0 else "red" if high < 0 else "yellow"
    return f"[{colour}]{row[_DIFFERENCE]:+.3f}[/] ({low:+.3f}…{high:+.3f})"


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def list_table(title: str, rows: pd.DataFrame) -> Table:
    """A user's list with titles."""
    table = Table(title=escape(title), title_justify="left", title_style="bold")
    for name in ("rank", "title", "score", "placed by", "why"):
        table.add_column(name, justify="right" if name in ("rank", "score") else "left")
    for row in rows.to_dict("records"):
        table.add_row(
            str(row[n.RANK]),
            escape(str(row[n.TITLE])),
            f"{row[n.SCORE]:.3f}",
            escape(row[n.SOURCE]),
            escape(row[n.REASON]),
        )
    return table


def user_list(user: str | None, found: "UserList", console: Console) -> None:
    """One user's list, and whether it is theirs."""
    if not found.known:
        console.print(
            f"[yellow]Release {found.release.release} knows no user {escape(str(user))}: this is "
            "the list for somebody of whom nothing is known.[/]"
        )
    if found.rows.empty:
        console.print(
            f"The list of user {escape(str(user))} is empty: every available movie has been seen."
        )
    else:
        title = f"For user {user}" if user else "For somebody new"
        console.print(list_table(title, found.rows))
    about = found.release
    console.print(f"[dim]Release {about.release}, as of {about.as_of or 'no date'}.[/]")


def initialised(done: "Initialised", console: Console) -> None:
    """Every guess with its reason, and what is open."""
    table = Table(title="Guessed", title_justify="left", title_style="bold", box=None)
    table.add_column("setting", no_wrap=True)
    for name, ratio in (("value", 3), ("because", 5)):
        table.add_column(name, overflow="fold", ratio=ratio)
    for item in done.found.guessed:
        setting = item.setting.removeprefix("source.").removeprefix("files.")
        reason = _ARROW.sub("", item.reason)
        table.add_row(escape(setting), escape(str(item.value)), f"[dim]{escape(reason)}[/]")
    console.print(table)
    for question in done.found.questions:
        console.print(f"  [yellow]to be looked at[/] {escape(question)}", highlight=False)
    console.print(
        f"Written: {escape(str(done.path))}. Next: look it over, then `recsys run`.",
        soft_wrap=True,
    )


def findings(found: "Iterable[Finding]", console: Console) -> "list[Finding]":
    """Each finding as it comes, and what to do about it; returns all of them."""
    seen = []
    for finding in found:
        seen.append(finding)
        console.print(
            f"{_MARKS[finding.state]:<6} [bold]{finding.subject}[/]: {escape(finding.text)}",
            highlight=False,
            soft_wrap=True,
        )
        if finding.advice:
            console.print(f"       → {escape(finding.advice)}", highlight=False, soft_wrap=True)
    return seen
