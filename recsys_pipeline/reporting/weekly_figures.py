"""Parts of the weekly report on what people did: what changed, for whom, which movies, tastes."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
from scipy.special import ndtri

from recsys_pipeline.monitoring import names as m
from recsys_pipeline.reporting import plots, words
from recsys_pipeline.reporting.document import Block, Bullets, Picture, Table, Text, Tile
from recsys_pipeline.reporting.facts import WeeklyFacts
from recsys_pipeline.reporting.pictures import picture

HEADLINE: Final = (
    m.CLICK_THROUGH,
    m.WATCH_MINUTES,
    m.SATISFACTION,
    m.RETURN_RATE,
    m.CHURN_RATE,
    m.USERS,
    m.COVERAGE,
    m.AVAILABILITY,
)
"""Metrics that are shown first."""
NO_EVENTS: Final = (
    "No lists were asked for this week, or nobody told what people did with them. Start the API "
    "with `recsys serve`, ask it for lists, and send clicks, views and ratings to /v1/events; "
    "docs/serving.md shows how."
)
_LINES: Final = (m.CLICK_THROUGH, m.WATCH_MINUTES, m.CHURN_RATE, m.CONCENTRATION)
_OF_SEGMENTS: Final = (m.CLICK_THROUGH, m.WATCH_MINUTES, m.SATISFACTION, m.RETURN_RATE)
_MOST_SEGMENTS: Final = 20
_ALPHA: Final = 0.05


def of(figures: pd.DataFrame | None, by: str) -> list[dict[str, Any]]:
    """The rows of one kind of group; none where there are no figures."""
    if figures is None:
        return []
    rows: list[dict[str, Any]] = figures[figures[m.BY] == by].to_dict("records")
    return rows


def overall(figures: pd.DataFrame | None, metric: str) -> dict[str, Any] | None:
    """The row of a metric over all users; None where it has no figure."""
    for row in of(figures, m.ALL):
        if row[m.METRIC] == metric and words.known(row[m.VALUE]):
            return row
    return None


def anything(figures: pd.DataFrame | None) -> bool:
    """Whether anybody was shown anything or did anything this week."""
    users = overall(figures, m.USERS)
    if users is not None:
        return bool(users[m.VALUE] > 0)
    return any(words.known(row[m.VALUE]) for row in of(figures, m.ALL))


def headline(figures: pd.DataFrame | None) -> tuple[Tile, ...]:
    """The most important figures that there are, with their changes; none of an empty week."""
    tiles: list[Tile] = []
    if not anything(figures):
        return ()
    for metric in HEADLINE:
        row = overall(figures, metric)
        if row is not None:
            tiles.append(_tile(metric, row))
    return tuple(tiles)


def _tile(metric: str, row: dict[str, Any]) -> Tile:
    low, high = row[m.CHANGE_LOW], row[m.CHANGE_HIGH]
    text = ""
    if words.known(row[m.CHANGE]):
        text = words.change(metric, row[m.CHANGE])
        if words.known(low) and not words.sure(low, high):
            text += ", may be chance"
    bounds = words.interval(metric, row[m.LOW], row[m.HIGH])
    return Tile(
        words.label(metric),
        words.figure(metric, row[m.VALUE]),
        text,
        words.tone(metric, row[m.CHANGE], low, high),
        "" if bounds == words.NOTHING else bounds,
    )


def change_blocks(facts: WeeklyFacts) -> tuple[Block, ...]:
    """Every figure of all users with its interval, the week before and the change."""
    rows = [row for row in of(facts.figures, m.ALL) if words.known(row[m.VALUE])]
    if not rows or not anything(facts.figures):
        return (Text(NO_EVENTS),)
    blocks: list[Block] = [Text(_changed(rows), strong=True)]
    history = facts.history
    if history is not None and history[plots.WEEK].nunique() > 1:
        experiments = facts.experiments or ()
        control = f"{experiments[0].name}/{experiments[0].arms[0]}" if experiments else ""
        blocks.append(_history(history, control))
    blocks.append(
        Table(
            "Figures of all users, with 95 % intervals",
            ("Figure", "this week", "interval", "last week", "change", "interval of the change"),
            tuple(_change_row(row) for row in rows),
            numeric=(1, 2, 3, 4, 5),
        )
    )
    missing = [
        words.label(str(row[m.METRIC])).lower()
        for row in of(facts.figures, m.ALL)
        if not words.known(row[m.VALUE])
    ]
    if missing:
        blocks.append(Text(f"Cannot be told yet, too little was seen: {'; '.join(missing)}."))
    return tuple(blocks)


def _changed(rows: Sequence[dict[str, Any]]) -> str:
    """Which figures changed beyond chance, in a sentence."""
    if not any(words.known(row[m.CHANGE_LOW]) for row in rows):
        return "There is no week before to compare with."
    found: dict[str, list[str]] = {"good": [], "bad": []}
    for row in rows:
        metric = str(row[m.METRIC])
        low, high = row[m.CHANGE_LOW], row[m.CHANGE_HIGH]
        tone = words.tone(metric, row[m.CHANGE], low, high)
        if tone in found:
            found[tone].append(
                f"{words.label(metric).lower()} ({words.change(metric, row[m.CHANGE])})"
            )
    parts = [
        f"{word} beyond chance: {', '.join(found[tone])}"
        for tone, word in (("good", "better"), ("bad", "worse"))
        if found[tone]
    ]
    if not parts:
        return "No figure changed beyond chance since last week."
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _change_row(row: dict[str, Any]) -> tuple[str, ...]:
    metric = str(row[m.METRIC])
    return (
        words.label(metric),
        words.figure(metric, row[m.VALUE]),
        words.interval(metric, row[m.LOW], row[m.HIGH]),
        words.figure(metric, row[m.BEFORE]),
        words.change(metric, row[m.CHANGE]),
        words.change_interval(metric, row[m.CHANGE_LOW], row[m.CHANGE_HIGH]),
    )


def _history(history: pd.DataFrame, control: str) -> Picture:
    by_arm = history[history[m.BY] == m.ARM]
    arms = not by_arm.empty
    rows = by_arm if arms else history[history[m.BY] == m.ALL].assign(**{m.GROUP: "all users"})
    weeks = sorted(history[plots.WEEK].unique())
    names = ", ".join(words.label(metric).lower() for metric in _LINES)
    return picture(
        plots.over_weeks(
            rows,
            _LINES,
            m.GROUP,
            title="Week by week" + (", by arm" if arms else ""),
            subtitle=plots.BANDS,
            baseline=control,
        ),
        "weeks",
        f"{names} in each of {len(weeks)} weeks up to {weeks[-1]}; the table has this week's.",
    )


def whom_blocks(facts: WeeklyFacts) -> tuple[Block, ...]:
    """The figures of each segment, and which segments lie below the whole beyond chance.

    For that the upper bounds are widened to hold for all segments at once (Bonferroni).
    """
    rows = of(facts.figures, m.SEGMENT)
    clicks = [row for row in rows if row[m.METRIC] == m.CLICK_THROUGH]
    if not clicks:
        return (
            Text(
                "Segments cannot be told: no segment with at least 20 users was seen, or the users "
                "table has no column `segment`."
            ),
        )
    whole = overall(facts.figures, m.CLICK_THROUGH)
    mean = float(whole[m.VALUE]) if whole else float("nan")
    wider = float(ndtri(1 - _ALPHA / 2 / len(clicks)) / ndtri(1 - _ALPHA / 2))
    below = [
        str(row[m.GROUP])
        for row in clicks
        if row[m.VALUE] + wider * (row[m.HIGH] - row[m.VALUE]) < mean
    ]
    told = (
        f"Click-through lies surely below that of all users for: {', '.join(below)}."
        if below
        else "No segment has a click-through surely below that of all users."
    )
    frame = pd.DataFrame(clicks[:_MOST_SEGMENTS])
    lines = "; ".join(
        f"{row[m.GROUP]}: {words.figure(m.CLICK_THROUGH, row[m.VALUE])}"
        for row in clicks[:_MOST_SEGMENTS]
    )
    return (
        Text(told, strong=True),
        picture(
            plots.beside(
                frame,
                m.CLICK_THROUGH,
                mean,
                title="Click-through by segment",
                subtitle="95 % intervals over users; the line is the figure of all users.",
            ),
            "segments",
            f"Click-through by segment. {lines}.",
        ),
        _segment_table(rows),
    )


def _segment_table(rows: Sequence[dict[str, Any]]) -> Table:
    cells = {(row[m.GROUP], row[m.METRIC]): row for row in rows}
    groups = list(dict.fromkeys(str(row[m.GROUP]) for row in rows))[:_MOST_SEGMENTS]
    metrics = [metric for metric in _OF_SEGMENTS if any((each, metric) in cells for each in groups)]
    lines = []
    for group in groups:
        line = [group]
        for metric in metrics:
            row = cells.get((group, metric), {})
            mark = {"good": " ▲", "bad": " ▼"}.get(
                words.tone(
                    metric, row.get(m.CHANGE), row.get(m.CHANGE_LOW), row.get(m.CHANGE_HIGH)
                ),
                "",
            )
            figure = words.figure(metric, row.get(m.VALUE))
            line += [figure, f"{words.change(metric, row.get(m.CHANGE))}{mark}"]
        lines.append(tuple(line))
    headers = ["Segment"]
    for metric in metrics:
        headers += [words.label(metric), "change"]
    return Table(
        "By segment; ▲ better and ▼ worse than last week, beyond chance",
        tuple(headers),
        tuple(lines),
        numeric=tuple(range(1, len(headers))),
    )


def movie_blocks(facts: WeeklyFacts) -> tuple[Block, ...]:
    """The movies that were shown most and least."""
    blocks: list[Block] = []
    for by, caption in (
        (m.MOST_SHOWN, "Most recommended"),
        (m.LEAST_SHOWN, "Least recommended, of those that were shown at all"),
    ):
        rows = of(facts.figures, by)
        if rows:
            blocks.append(_movies(rows, caption))
    if not blocks:
        return (Text("No movie was shown this week."),)
    row = overall(facts.figures, m.COVERAGE)
    if row is not None:
        share = words.figure(m.COVERAGE, row[m.VALUE])
        blocks.insert(0, Text(f"{share} of the movies that may be recommended were shown."))
    return tuple(blocks)


def _movies(rows: Sequence[dict[str, Any]], caption: str) -> Table:
    clicks = {row[m.GROUP]: row for row in rows if row[m.METRIC] == m.CLICK_THROUGH}
    lines = []
    for row in rows:
        if row[m.METRIC] == m.IMPRESSIONS:
            own = clicks.get(row[m.GROUP], {})
            lines.append(
                (
                    str(row[m.GROUP]),
                    words.figure(m.IMPRESSIONS, row[m.VALUE]),
                    words.figure(m.IMPRESSIONS, row[m.BEFORE]),
                    words.figure(m.CLICK_THROUGH, own.get(m.VALUE)),
                )
            )
    headers = ("Movie", "times shown", "last week", "click-through")
    return Table(caption, headers, tuple(lines), numeric=(1, 2, 3))


def taste_blocks(facts: WeeklyFacts) -> tuple[Block, ...]:
    """How tastes moved, and click-through by genre."""
    blocks: list[Block] = []
    if facts.patterns is None or not anything(facts.figures):
        blocks.append(
            Text("How tastes moved cannot be told: it takes two weeks with what people did.")
        )
    elif facts.patterns:
        blocks.append(Bullets(facts.patterns))
    else:
        blocks.append(Text("No genre rose or fell beyond chance, in any segment."))
    rows = [row for row in of(facts.figures, m.GENRE) if row[m.METRIC] == m.CLICK_THROUGH]
    if rows:
        lines = sorted(rows, key=lambda row: -row[m.VALUE])
        blocks.append(
            Table(
                "Click-through by genre",
                ("Genre", "click-through", "interval", "change"),
                tuple(
                    (
                        str(row[m.GROUP]),
                        words.figure(m.CLICK_THROUGH, row[m.VALUE]),
                        words.interval(m.CLICK_THROUGH, row[m.LOW], row[m.HIGH]),
                        words.change(m.CLICK_THROUGH, row[m.CHANGE]),
                    )
                    for row in lines
                ),
                numeric=(1, 2, 3),
            )
        )
    return tuple(blocks)
