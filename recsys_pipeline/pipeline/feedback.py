"""What users did online, as interactions: for answers that count it at once, and for training."""

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import INTERACTIONS, PANDAS_DTYPES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.config import LikesConfig
from recsys_pipeline.data.weights import DISLIKED_TYPE
from recsys_pipeline.pipeline.online import Event, EventKind

NO_INTERACTION: Final[EventKind] = "impression"
"""A movie that was shown: nobody did anything with it."""

_LIKED: Final[EventKind] = "useful"
_RATED: Final[EventKind] = "rating"
_WATCHED: Final[EventKind] = "view"

_WHOLE: Final = re.compile(r"0|-?[1-9]\d{0,17}")


def interactions_of(
    events: Sequence[Event], columns: Collection[str], likes: LikesConfig
) -> pd.DataFrame:
    """Events as rows of the interactions, in their order; impressions are left out.

    The type of event is its kind. A rating and a share watched stand where the event has one;
    these columns, like the time, are there where `columns` has them or any event has a value,
    the time only where `columns` has it or is empty: in a table without times these rows have
    none either. ``liked`` is there only where `columns` has it: of "useful" 1, of "not for me" 0,
    of a rating whether it is at least `likes.min_rating`, of a view whether the share watched is
    at least `likes.min_watched`; missing where the event does not say.

    Args:
        events: any, in any order.
        columns: those of the interactions that the rows are to be added to; empty for none.
        likes: from which rating and share watched on something is liked.

    Returns:
        ``user_id`` and ``movie_id`` as ``str``, the others in the dtypes of the contract.
    """
    rows = [event for event in events if event.kind != NO_INTERACTION]
    data = {
        n.USER_ID: pd.Series([row.user_id for row in rows], dtype="str"),
        n.MOVIE_ID: pd.Series([row.movie_id for row in rows], dtype="str"),
        n.TIMESTAMP: _series(n.TIMESTAMP, [row.at for row in rows]),
        n.LIKED: _series(n.LIKED, [_liked(row, likes) for row in rows]),
        n.WATCH_FRACTION: _series(n.WATCH_FRACTION, [row.watch_fraction for row in rows]),
        n.RATING: _series(n.RATING, [row.rating for row in rows]),
        n.EVENT_TYPE: _series(n.EVENT_TYPE, [row.kind for row in rows]),
    }
    if columns and n.TIMESTAMP not in columns:
        del data[n.TIMESTAMP]
    if n.LIKED not in columns:
        del data[n.LIKED]
    for name in (n.WATCH_FRACTION, n.RATING):
        if name not in columns and not data[name].notna().any():
            del data[name]
    return pd.DataFrame(data)


def with_ids_like(frame: pd.DataFrame, name: str, ids: pd.Series) -> pd.DataFrame:
    """`frame` with its column of texts `name` in the type of `ids`.

    Where `ids` are whole numbers, a text that is none, written without leading zeros and within
    18 digits, is missing and stands in the companion column of what could not be parsed.

    Args:
        frame: with text ids in `name`.
        name: of the column.
        ids: ids of the same kind.
    """
    if not pd.api.types.is_integer_dtype(ids.dtype):
        return frame.assign(**{name: frame[name].str.strip()})
    texts = frame[name].to_numpy(dtype=object)
    whole = np.array([_WHOLE.fullmatch(text) is not None for text in texts], dtype=bool)
    if whole.all():
        return frame.assign(**{name: texts.astype(np.int64)})
    numbers = np.where(whole, texts, "0").astype(np.int64)
    return frame.assign(
        **{
            name: pd.arrays.IntegerArray(numbers, ~whole),
            n.raw(name): pd.Series(np.where(whole, None, texts), index=frame.index, dtype="str"),
        }
    )


def _liked(event: Event, likes: LikesConfig) -> bool | None:
    if event.kind == _LIKED:
        return True
    if event.kind == DISLIKED_TYPE:
        return False
    if event.kind == _RATED and event.rating is not None:
        return event.rating >= likes.min_rating
    if event.kind == _WATCHED and event.watch_fraction is not None:
        return event.watch_fraction >= likes.min_watched
    return None


def _series(name: str, values: Sequence[Any]) -> pd.Series:
    return pd.Series(values, dtype=PANDAS_DTYPES[INTERACTIONS.column(name).kind])
