"""A benchmark as rows of text, and as Markdown."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.names import metric_label
from recsys_pipeline.pipeline.benchmark_results import Benchmark, Comparison
from recsys_pipeline.ranking.panel import POPULARITY

RELEASED_MARK: Final = "▶"
_PROTOCOLS: Final = {
    "full": (
        "Lists are made from every movie of the catalogue, and every held-out like counts, also "
        "of movies that training never met."
    ),
    "published": (
        "As published figures do it, only movies that training met are in lists and count as "
        "held-out likes; figures are higher than over the full catalogue."
    ),
}
_SHORT: Final = {
    names.LIKED_SHARE_IN_TOP: "Likes in top 5 %",
    names.COVERAGE: "Coverage",
    names.DIVERSITY: "Diversity",
}


@dataclass(frozen=True)
class Cell:
    """One text of a table, and whether it is to stand out."""

    text: str
    bold: bool = False


@dataclass(frozen=True)
class TextTable:
    """A table for people: its headers, and rows as long as these; the first column is text."""

    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def accuracy_table(comparison: Comparison, digits: int = 4) -> TextTable:
    """The main figures with intervals and the difference to popularity, best first; and the AUC.

    The main metrics have their best figure in bold, and those not significantly worse.
    """
    deciding, *further = comparison.main_metrics
    plain = [names.AUC] if comparison.rows(names.AUC) else []
    difference = names.DIFFERENCE.format(POPULARITY)
    headers = ["recommender", f"{short_label(deciding)} (95 % interval)", "against popularity"]
    headers += [f"{short_label(metric)} (95 % interval)" for metric in further]
    headers += [short_label(metric) for metric in plain]
    rows = []
    for name in comparison.recommenders:
        own = comparison.rows(deciding).get(name, {})
        against = "" if name == POPULARITY else _signed(own, difference, digits)
        row = [_name(name, comparison), _main(name, deciding, comparison, digits), Cell(against)]
        row += [_main(name, metric, comparison, digits) for metric in further]
        row += [Cell(_mean(comparison, name, metric, digits)) for metric in plain]
        rows.append(tuple(row))
    return TextTable(tuple(headers), tuple(rows))


def cost_table(comparison: Comparison, digits: int = 4) -> TextTable:
    """What is in the lists, and seconds, memory and size, by recommender in the same order."""
    metrics = [
        metric
        for base in (names.PRECISION, names.RECALL, names.MAP, names.COVERAGE, names.DIVERSITY)
        if comparison.rows(metric := names.at_k(base, comparison.k))
    ]
    rows = []
    for name in comparison.recommenders:
        cost = comparison.costs[name]
        rows.append(
            (
                _name(name, comparison),
                *(Cell(_mean(comparison, name, metric, digits)) for metric in metrics),
                Cell(f"{cost.fit_seconds:,.2f}"),
                Cell(f"{cost.recommend_seconds:,.3f}"),
                Cell(f"{cost.peak_megabytes:,.1f}"),
                Cell(f"{cost.model_megabytes:,.2f}"),
            )
        )
    headers = ["recommender", *(short_label(metric) for metric in metrics)]
    headers += ["fit (s)", "lists (s)", "peak (MB)", "model (MB)"]
    return TextTable(tuple(headers), tuple(rows))


def size_line(comparison: Comparison) -> str:
    """How large the data set is, one line."""
    return (
        f"{comparison.n_users:,} users, {comparison.n_movies:,} movies, "
        f"{comparison.n_interactions:,} interactions"
    )


def split_lines(comparison: Comparison) -> list[str]:
    """What was held out, how the figures are judged, and what is missing."""
    lines = [
        f"{comparison.reason} {comparison.n_judged:,} users are judged. "
        f"{comparison.deciding_reason}"
    ]
    lines += [f"Not in the table: {name} ({why})." for name, why in comparison.left_out.items()]
    return lines


def legend(protocol: str) -> list[str]:
    """How to read the tables, one sentence each."""
    return [
        "Bold: the best figure, and those not significantly worse than it (paired permutation "
        "tests over users at the level of 5 %, Holm's correction for all pairs).",
        f"{RELEASED_MARK}: the recommender that would be released; it was chosen on events before "
        "the test. Settings that are 'auto' were chosen there too.",
        _PROTOCOLS[protocol],
        "Fit: seconds of fitting it and all that it is made of. Lists: seconds for the lists of "
        "all judged users, median of 3. Peak: the most memory that Python and numpy held at one "
        "time beyond data and libraries, in fitting or listing (buffers inside compiled code are "
        "not in it). Model: its files, uncompressed.",
    ]


def markdown(result: Benchmark, about: Mapping[str, str]) -> str:
    """The whole benchmark as Markdown, with how it was made.

    Args:
        result: the benchmark.
        about: what to say of command, date and machine, by name.
    """
    lines = ["# Benchmark", ""]
    lines += [f"- {_escaped(name)}: {_escaped(value)}" for name, value in about.items()]
    lines += ["", *_paragraphs(legend(result.protocol))]
    for data_set, comparisons in result.by_data_set.items():
        lines += [f"## {_escaped(data_set)}", "", f"{size_line(comparisons[0])}.", ""]
        for each in comparisons:
            lines += [f"### Split: {each.title}", "", *_paragraphs(split_lines(each))]
            for table in (accuracy_table(each), cost_table(each)):
                lines += [*_markdown_table(table), ""]
    if result.left_out:
        lines += ["## Left out", ""]
        for missing in result.left_out:
            where = ", ".join(part for part in (missing.data_set, missing.split) if part)
            lines.append(f"- {_escaped(where)}: {_escaped(missing.why)}")
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def short_label(metric: str) -> str:
    """A metric's name where there is little room.

    >>> short_label("liked_share_in_top"), short_label("coverage_at_10"), short_label("map_at_5")
    ('Likes in top 5 %', 'Coverage', 'MAP@5')
    """
    return _SHORT.get(names.base_and_k(metric)[0], metric_label(metric))


def _markdown_table(table: TextTable) -> list[str]:
    rows = [[_marked(cell) for cell in row] for row in table.rows]
    rule = ["---", *["---:"] * (len(table.headers) - 1)]
    return [_line(map(_escaped, table.headers)), _line(rule), *map(_line, rows)]


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _marked(cell: Cell) -> str:
    text = _escaped(cell.text)
    return f"**{text}**" if cell.bold and text else text


def _escaped(text: str) -> str:
    """Text that stays text, on one line and in one cell."""
    one_line = " ".join(text.split())
    # An underscore inside a word marks nothing.
    return re.sub(r"[\\|*`<\[]|(?<!\w)_|_(?!\w)", r"\\\g<0>", one_line)


def _paragraphs(texts: Sequence[str]) -> list[str]:
    return [line for text in texts for line in (_escaped(text), "")]


def _name(name: str, comparison: Comparison) -> Cell:
    return Cell(f"{RELEASED_MARK} {name}" if name == comparison.released else name)


def _main(name: str, metric: str, comparison: Comparison, digits: int) -> Cell:
    """A figure with its interval."""
    row = comparison.rows(metric).get(name)
    if row is None or not math.isfinite(row[names.MEAN]):
        return Cell("–")
    text = f"{row[names.MEAN]:.{digits}f}"
    if math.isfinite(row[names.LOW]):
        text += f" ({row[names.LOW]:.{digits}f} to {row[names.HIGH]:.{digits}f})"
    return Cell(text, bold=name in comparison.best.get(metric, ()))


def _signed(row: Mapping[str, Any], difference: str, digits: int) -> str:
    value = row.get(difference, math.nan)
    if not math.isfinite(value):
        return "–"
    low, high = row[names.DIFFERENCE_LOW], row[names.DIFFERENCE_HIGH]
    if not math.isfinite(low):
        return f"{value:+.{digits}f}"
    return f"{value:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def _mean(comparison: Comparison, name: str, metric: str, digits: int) -> str:
    row = comparison.rows(metric).get(name)
    if row is None or not math.isfinite(row[names.MEAN]):
        return "–"
    return f"{row[names.MEAN]:.{digits}f}"
