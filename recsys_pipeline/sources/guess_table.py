"""The settings of one table, guessed from its columns and values."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys_pipeline.contracts import SOURCE_TABLES, Column, Kind
from recsys_pipeline.contracts import names as n
from recsys_pipeline.sources.coded import encode, is_null
from recsys_pipeline.sources.config import FileTableConfig
from recsys_pipeline.sources.dates import detect_day_first
from recsys_pipeline.sources.lists import detect_list_format, parse_texts
from recsys_pipeline.sources.looks import Role
from recsys_pipeline.sources.numbers import is_number_type, parse_flag, parse_number, parse_year
from recsys_pipeline.sources.raw import is_list
from recsys_pipeline.sources.scales import detect_rating_scale, detect_watch_scale, scale_text
from recsys_pipeline.sources.separators import separator_name
from recsys_pipeline.sources.times import UNIT_NAMES, detect_unit, parse_time, time_numbers
from recsys_pipeline.sources.vocabulary import translations

_SHOWN = 4
_UNREADABLE = 0.05
_CATEGORIES = (n.GENRES, n.PREFERRED_GENRES, n.SEGMENT, n.EVENT_TYPE)


@dataclass(frozen=True)
class Guessed:
    """One guess: the setting, its value, and the reason in words."""

    setting: str
    value: Any
    reason: str


class _Table:
    """Settings, reasons and questions of one table while they are put together."""

    def __init__(self, role: Role, path: str | list[str]) -> None:
        self.role = role
        self.contract = next(item for item in SOURCE_TABLES if item.name == role.table)
        self.prefix = f"source.files.{role.table}"
        self.settings: dict[str, Any] = {}
        self.guessed: list[Guessed] = []
        self.questions: list[str] = []
        self.add("path", path, f"{role.look.name} holds the {role.table}: {role.reason}")

    def add(self, key: str, value: Any, reason: str) -> None:
        self.settings[key] = value
        self.guessed.append(Guessed(f"{self.prefix}.{key}", value, reason))

    def config(self) -> FileTableConfig:
        return FileTableConfig.model_validate(self.settings)

    def values(self, source: str) -> Any:
        return self.role.look.raw.columns[source]

    def shown(self, column: str) -> str:
        return f"column `{self.role.columns[column][0]}` ({column})"


def guess_table(
    role: Role, path: str | list[str]
) -> tuple[dict[str, Any], list[Guessed], list[str]]:
    """Settings of the table, what was guessed and why, and questions."""
    table = _Table(role, path)
    _formats(table)
    for column in table.contract.columns:
        if column.name in role.columns:
            _column_settings(table, column)
    mapped: dict[str, str] = {}
    for column in table.contract.columns:
        if column.name in role.columns:
            source, why = role.columns[column.name]
            mapped[column.name] = source
            meaning = _meaning(column.name, why)
            facts = _facts(table, column, source)
            reason = (
                f"column `{source}` → {column.name}: {', '.join(filter(None, (meaning, facts)))}"
            )
            table.guessed.append(Guessed(f"{table.prefix}.columns.{column.name}", source, reason))
    table.settings["columns"] = mapped
    _translate(table)
    for source in role.look.columns:
        if source not in mapped.values():
            table.guessed.append(
                Guessed(table.prefix, source, f"column `{source}` is carried along as a feature")
            )
    return table.settings, table.guessed, table.questions


def distinct_items(role: Role, source: str, settings: dict[str, Any]) -> list[str]:
    """Distinct items of a column of lists or texts, as they come in the file."""
    separator = settings.get("list_separator")
    token_seq = role.look.raw.types.get(source) == "token_seq"
    lists = parse_texts(role.look.raw.columns[source], {}, separator, token_seq).values
    return sorted(lists.dropna().list.flatten().dropna().unique())


def _meaning(canonical: str, why: str) -> str:
    word = canonical.replace("_", " ")
    return {
        "a usual name for it": f"name is a usual one for {word}",
        "French for it": f"name means {word} in French",
    }.get(why, why)


def _formats(table: _Table) -> None:
    files = table.role.look.files
    separators = {file.separator for file in files} - {""}
    if len(separators) == 1:
        separator = separators.pop()
        reason = f"the lines split evenly at each {separator_name(separator)}"
        table.add("separator", separator, reason)
    encodings = {file.encoding for file in files}
    if len(encodings) == 1 and encodings != {"utf-8"}:
        table.add("encoding", encodings.pop(), "the bytes are valid text in it and not in UTF-8")


def _column_settings(table: _Table, column: Column) -> None:
    source = table.role.columns[column.name][0]
    values = table.values(source)
    if column.kind is Kind.TEXTS and not is_number_type(values):
        _list_settings(table, column, source)
    elif column.kind is Kind.TIME:
        _time_settings(table, column, values)
    elif column.name in (n.RATING, n.MEAN_RATING):
        _rating_settings(table, column, values)
    elif column.name == n.WATCH_FRACTION:
        scale = detect_watch_scale(parse_number(values, {}, grouping=False).values.to_numpy())
        if scale is not None:
            what = "percentages" if scale[1] == 100 else "shares"
            table.add("watch_scale", list(scale), f"the values of {table.shown(column.name)} are "
                      f"{what}")  # fmt: skip


def _list_settings(table: _Table, column: Column, source: str) -> None:
    values = table.values(source)
    if is_list(values.type):
        return
    texts = list(encode(values).texts)
    form = detect_list_format(texts, table.role.look.raw.types.get(source) == "token_seq")
    if form.brackets:
        example = next(text for text in texts if text.strip().startswith("["))
        table.guessed.append(
            Guessed(table.prefix, source, f"column `{source}` holds lists such as {example[:60]}")
        )
    elif form.separator:
        reason = f"{table.shown(column.name)} has lists with {separator_name(form.separator)}"
        table.add("list_separator", form.separator, reason)


def _time_settings(table: _Table, column: Column, values: Any) -> None:
    kind = str(values.type)
    if kind.startswith(("timestamp", "date")):
        return
    config = table.config()
    numbers = time_numbers(values, config)
    shown = table.shown(column.name)
    if numbers is not None:
        unit = detect_unit(numbers)
        size = f"{np.nanmedian(np.abs(numbers)):.0f}"
        reason = f"{shown} holds numbers of the size of {size}: {UNIT_NAMES[unit]} since 1970"
        table.add("time_unit", unit, reason)
        return
    table.settings.setdefault("time_unit", "auto")
    day_first = detect_day_first(encode(values))
    if day_first is not None:
        order = "day" if day_first else "month"
        table.add("day_first", day_first, f"the dates in {shown} have the {order} first")
        notes = parse_time(values, config).notes
        table.questions += [f"{table.role.look.name}: {shown}: {note}." for note in notes]
    else:
        table.add("time_unit", "iso", f"{shown} holds dates")
    if table.settings["time_unit"] == "auto":
        del table.settings["time_unit"]


def _rating_settings(table: _Table, column: Column, values: Any) -> None:
    numbers = parse_number(values, {}, grouping=False).values.to_numpy()
    found = detect_rating_scale(numbers)
    if found is None or found.unrated is not None:
        return
    low, high = found.scale
    if column.name == n.MEAN_RATING:
        low = 0.0
    elif (low, high) == (0.5, 5.0) and np.nanmin(numbers) >= 1:
        low = 1.0
    present = numbers[np.isfinite(numbers)]
    reason = (
        f"the values of {table.shown(column.name)} run from {present.min():g} to "
        f"{present.max():g}, so on a scale of {scale_text((low, high))}"
    )
    table.add("rating_scale", [low, high], reason)


def _facts(table: _Table, column: Column, source: str) -> str:
    """What the values are; no id and no text of a person is shown."""
    values = table.values(source)
    swap: dict[str, Any] = {}
    match column.kind:
        case Kind.ID:
            return f"{len(table.role.look.ids(source)):,} different ids"
        case Kind.NUMBER | Kind.INTEGER:
            read = parse_year if column.name == n.YEAR else _number
            parsed = read(values, swap)
            present = parsed.values.dropna()
            facts = f"values {present.min():g} to {present.max():g}" if len(present) else ""
        case Kind.FLAG:
            parsed = parse_flag(values, swap)
            shown = [text for text in encode(values).stripped if not is_null(text)]
            facts = f"values {', '.join(sorted(shown)[:_SHOWN])}"
        case Kind.TIME:
            parsed = parse_time(values, table.config())
            present = parsed.values.dropna()
            facts = f"{present.min():%Y-%m-%d} to {present.max():%Y-%m-%d}" if len(present) else ""
        case _:
            if column.name not in _CATEGORIES:
                return ""
            items = distinct_items(table.role, source, table.settings)
            more = " …" if len(items) > _SHOWN else ""
            return f"values {', '.join(items[:_SHOWN])}{more}" if len(items) <= 50 else ""
    if parsed.raw is not None:
        share = parsed.raw.notna().mean()
        if share > _UNREADABLE:
            table.questions.append(
                f"{table.role.look.name}: {share:.0%} of the values of {table.shown(column.name)} "
                f"cannot be read as {column.kind.value}; is it the right column?"
            )
    return facts


def _number(values: Any, swap: dict[str, Any]) -> Any:
    return parse_number(values, swap, grouping=True)


def _translate(table: _Table) -> None:
    found = {}
    for column in _CATEGORIES:
        if column in table.role.columns and column in table.contract.column_names:
            source = table.role.columns[column][0]
            items = distinct_items(table.role, source, _as_lists(table, column))
            words = translations(column, items)
            if words:
                found[column] = words
                setting = f"{table.prefix}.values.{column}"
                reason = f"the values of column `{source}` are French: {', '.join(words)}"
                table.guessed.append(Guessed(setting, words, reason))
    if found:
        table.settings["values"] = found


def _as_lists(table: _Table, column: str) -> dict[str, Any]:
    # A text is one item, whatever is in it; an unused separator keeps it whole.
    if table.contract.column(column).kind is Kind.TEXT:
        return {"list_separator": "\x1f"}
    return table.settings
