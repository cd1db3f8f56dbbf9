"""What was shown and done online, as tables, from the store of events and answers."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd

from recsys_pipeline.contracts import PANDAS_DTYPES, Contract
from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.online_tables import ACTIONS, IMPRESSIONS
from recsys_pipeline.contracts.table import Kind
from recsys_pipeline.pipeline.feedback import NO_INTERACTION, with_ids_like
from recsys_pipeline.pipeline.online import Event, EventStore, Shown

_MOMENT: Final = timedelta(microseconds=1)
_ATTRIBUTED: Final = (n.CLICKED_AT, n.WATCH_MINUTES, n.RATING)


def activity(
    store: EventStore,
    start: pd.Timestamp,
    end: pd.Timestamp,
    *,
    users: pd.Series,
    movies: pd.Series,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Impressions and actions from `start` to before `end`.

    Answers that name nobody have no impressions. Events of the kind "impression" are no actions
    and no impressions either: what was shown is what the answers say. A row whose id cannot be one
    of the table (a text where ids are whole numbers) is left out.

    Args:
        store: of events and answers.
        start, end: UTC.
        users, movies: ids of the tables, for their type only.

    Returns:
        Impressions in the order of their answers (time, then request id), places ascending, with
        nothing attributed yet; and actions in order of time. Both with the columns and dtypes of
        the contracts, ids in the type of the tables.

    Raises:
        StorageError: the store cannot be read.
    """
    after, until = _bounds(start, end)
    impressions = [_impressions((), users, movies)]
    for answers in store.shown_chunks(after, until=until):
        impressions.append(_impressions(answers, users, movies))
    return _stacked(impressions), actions(store, start, end, users=users, movies=movies)


def actions(
    store: EventStore,
    start: pd.Timestamp,
    end: pd.Timestamp,
    *,
    users: pd.Series,
    movies: pd.Series,
) -> pd.DataFrame:
    """The actions alone, as `activity` gives them."""
    after, until = _bounds(start, end)
    parts = [_actions((), users, movies)]
    for events in store.event_chunks(until, after=after):
        parts.append(_actions(events, users, movies))
    return _stacked(parts)


def _bounds(start: pd.Timestamp, end: pd.Timestamp) -> tuple[datetime, datetime]:
    """The moments after which and up to which rows are asked for."""
    first, last = (each.to_pydatetime(warn=False) for each in (start, end))
    return first - _MOMENT, last - _MOMENT


def _impressions(answers: Sequence[Shown], users: pd.Series, movies: pd.Series) -> pd.DataFrame:
    named = [each for each in answers if each.user_id]
    lists = _lists(each.movies for each in named)
    lengths = np.array([len(each) for each in lists], dtype=np.int64)
    row = np.repeat(np.arange(len(named)), lengths)
    first = np.cumsum(lengths) - lengths
    propensity = np.ones(len(row))
    drawn = [place for place, each in enumerate(named) if each.propensities]
    for place, values in zip(
        drawn, _lists(named[each].propensities for each in drawn), strict=True
    ):
        propensity[first[place] : first[place] + len(values)] = values[: lengths[place]]
    per_answer = {
        n.REQUEST_ID: [each.request_id for each in named],
        n.SHOWN_AT: [each.shown_at for each in named],
        n.RELEASE: [each.release for each in named],
        n.ANSWER_KIND: [each.kind for each in named],
        n.PERSONAL: [each.personal for each in named],
        n.EXPERIMENT: [each.experiment for each in named],
        n.ARM: [each.arm for each in named],
    }
    columns: dict[str, Any] = {
        name: _series(IMPRESSIONS, name, values).take(row).reset_index(drop=True)
        for name, values in per_answer.items()
    }
    columns[n.USER_ID] = _ids([each.user_id for each in named], n.USER_ID, users)[row]
    columns[n.MOVIE_ID] = _ids(list(chain.from_iterable(lists)), n.MOVIE_ID, movies)
    columns[n.RANK] = _series(IMPRESSIONS, n.RANK, np.arange(len(row)) - first[row] + 1)
    columns[n.PROPENSITY] = propensity
    for name in _ATTRIBUTED:
        columns[name] = pd.Series(
            None, index=range(len(row)), dtype=PANDAS_DTYPES[IMPRESSIONS.column(name).kind]
        )
    return _framed(IMPRESSIONS, columns)


def _actions(events: Sequence[Event], users: pd.Series, movies: pd.Series) -> pd.DataFrame:
    done = [each for each in events if each.kind != NO_INTERACTION and each.user_id]
    columns: dict[str, Any] = {
        name: _series(ACTIONS, name, values)
        for name, values in {
            n.TIMESTAMP: [each.at for each in done],
            n.EVENT_TYPE: [each.kind for each in done],
            n.RATING: [each.rating for each in done],
            n.WATCH_FRACTION: [each.watch_fraction for each in done],
            n.REQUEST_ID: [each.request_id for each in done],
        }.items()
    }
    columns[n.USER_ID] = _ids([each.user_id for each in done], n.USER_ID, users)
    columns[n.MOVIE_ID] = _ids([each.movie_id for each in done], n.MOVIE_ID, movies)
    return _framed(ACTIONS, columns)


def _lists(texts: Iterable[str]) -> list[list[Any]]:
    """JSON lists, parsed all at once."""
    parsed: list[list[Any]] = orjson.loads(f"[{','.join(texts)}]")
    return parsed


def _ids(values: Sequence[Any], name: str, like: pd.Series) -> Any:
    """Ids in the type of `like`, missing where one cannot be.

    Each distinct id is turned once, as the same ones come again and again.
    """
    code, distinct = pd.factorize(np.array(values, dtype=object))
    texts = pd.Series([str(each) for each in distinct], dtype="str")
    turned = with_ids_like(pd.DataFrame({name: texts}), name, like)[name]
    return turned.array.take(code)


def _series(contract: Contract, name: str, values: Any) -> pd.Series:
    return pd.Series(values, dtype=PANDAS_DTYPES[contract.column(name).kind])


def _framed(contract: Contract, columns: dict[str, Any]) -> pd.DataFrame:
    """The columns in the order of the contract, without rows that lack an id."""
    frame = pd.DataFrame(columns, columns=list(contract.column_names))
    ids = [column.name for column in contract.columns if column.kind is Kind.ID]
    whole = frame[ids].notna().all(axis=1)
    frame = frame if whole.all() else frame[whole].reset_index(drop=True)
    masked = [name for name in ids if isinstance(frame[name].dtype, pd.Int64Dtype)]
    return frame.astype(dict.fromkeys(masked, "int64"))


def _stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The parts below each other; the first has no rows and says the dtypes."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]
