"""Which impression an action belongs to: what counts as a click of a recommendation."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.codes import codes_in
from recsys_pipeline.monitoring.config import MonitoringConfig

CLICK: Final = "click"
VIEW: Final = "view"
RATED: Final = "rating"
USUAL_MINUTES: Final = 100.0
"""Running time of every movie where the catalogue knows none."""

_TIME: Final = "datetime64[us, UTC]"
_PAIR: Final = "pair"
_PLACE: Final = "place"
_MICROSECONDS_PER_HOUR: Final = 3_600_000_000


def attribute(
    impressions: pd.DataFrame,
    actions: pd.DataFrame,
    movies: pd.DataFrame,
    config: MonitoringConfig,
) -> pd.DataFrame:
    """The impressions with what people did with them.

    An action belongs to one impression at most, of its user and its movie, that was shown at the
    moment of the action or up to ``config.attribution_hours`` before. An action that names an
    answer belongs to that answer's impression and to no other; one that names none belongs to the
    newest impression (of those shown at the same moment the one of the lowest place). An action
    before the impression never belongs to it.

    An impression is clicked where a click or a view belongs to it, once however many there are:
    nobody watches without choosing. Its time watched is that of all views that belong to it; its
    rating is the last one.

    Args:
        impressions: of the contract; what is attributed already is replaced.
        actions: of the contract, in any order; those of other users and movies do no harm.
        movies: of the contract, for the running times; see `watched_minutes`.
        config: of monitoring.

    Returns:
        The rows and columns of `impressions` in their order, with ``clicked_at`` (missing where
        not clicked), ``watch_minutes`` (0 where nothing was watched) and ``rating`` (missing where
        none was given).
    """
    place = places_of(impressions, actions, config)
    belongs = place >= 0
    own = actions[belongs]
    place = place[belongs]
    kind = own[n.EVENT_TYPE].to_numpy(dtype=object)
    at = _microseconds(own[n.TIMESTAMP])

    never = np.iinfo(np.int64).max
    clicked = np.full(len(impressions), never, dtype=np.int64)
    chosen = (kind == CLICK) | (kind == VIEW)
    np.minimum.at(clicked, place[chosen], at[chosen])
    clicked = np.where(clicked == never, np.iinfo(np.int64).min, clicked)

    minutes = np.bincount(place, weights=watched_minutes(own, movies), minlength=len(impressions))

    rating = np.full(len(impressions), np.nan)
    if n.RATING in own:
        given = own[n.RATING].to_numpy(dtype=np.float64)
        rows = np.flatnonzero((kind == RATED) & ~np.isnan(given))
        # Of several the last one written stays.
        rows = rows[np.lexsort((given[rows], at[rows]))]
        rating[place[rows]] = given[rows]
    return impressions.assign(
        **{
            n.CLICKED_AT: pd.Series(
                clicked.view("datetime64[us]"), index=impressions.index
            ).dt.tz_localize("UTC"),
            n.WATCH_MINUTES: minutes,
            n.RATING: rating,
        }
    )


def places_of(
    impressions: pd.DataFrame, actions: pd.DataFrame, config: MonitoringConfig
) -> npt.NDArray[np.int64]:
    """The position in `impressions` of what each action belongs to: int64, −1 for nothing."""
    place = np.full(len(actions), -1, dtype=np.int64)
    if not len(impressions) or not len(actions):
        return place
    shown_pair, done_pair = _pairs(impressions, actions)
    shown_at, done_at = _microseconds(impressions[n.SHOWN_AT]), _microseconds(actions[n.TIMESTAMP])
    window = int(config.attribution_hours * _MICROSECONDS_PER_HOUR)
    asked = np.zeros(len(actions), dtype=bool)
    if n.REQUEST_ID in actions:
        asked = (actions[n.REQUEST_ID].fillna("") != "").to_numpy(dtype=bool)
        place[asked] = _named(impressions, actions[asked], shown_pair, done_pair[asked])
        late = asked & (place >= 0)
        waited = done_at[late] - shown_at[place[late]]
        place[late] = np.where((waited >= 0) & (waited <= window), place[late], -1)
    free = ~asked
    rows = np.flatnonzero(np.isin(shown_pair, done_pair[free]))
    rank = impressions[n.RANK].to_numpy(dtype=np.int64)
    rows = rows[np.lexsort((-rank[rows], shown_at[rows]))]
    shown = pd.DataFrame({_PAIR: shown_pair[rows], n.TIMESTAMP: shown_at[rows], _PLACE: rows})
    own = np.flatnonzero(free)
    own = own[np.argsort(done_at[own], kind="stable")]
    done = pd.DataFrame({_PAIR: done_pair[own], n.TIMESTAMP: done_at[own]})
    if len(shown) and len(done):
        found = pd.merge_asof(done, shown, on=n.TIMESTAMP, by=_PAIR, tolerance=window)
        place[own] = found[_PLACE].fillna(-1).to_numpy(dtype=np.int64)
    return place


def watched_minutes(actions: pd.DataFrame, movies: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Minutes watched in each action: float64, the share watched × the running time of the movie.

    Only a view counts, and one that does not say how much was watched counts 0. A movie whose
    running time nobody knows counts as the median of those known, and `USUAL_MINUTES` where none
    is: then only comparisons mean something.
    """
    out = np.zeros(len(actions))
    if n.WATCH_FRACTION not in actions:
        return out
    share = actions[n.WATCH_FRACTION].to_numpy(dtype=np.float64)
    rows = np.flatnonzero((actions[n.EVENT_TYPE] == VIEW).to_numpy(dtype=bool) & (share > 0))
    if not len(rows):
        return out
    minutes = np.full(len(movies), np.nan)
    if n.DURATION_MINUTES in movies:
        minutes = movies[n.DURATION_MINUTES].to_numpy(dtype=np.float64, na_value=np.nan)
    usual = float(np.median(known)) if len(known := minutes[minutes > 0]) else USUAL_MINUTES
    minutes = np.append(np.where(minutes > 0, minutes, usual), usual)
    index = pd.Index(movies[n.MOVIE_ID]).get_indexer(pd.Index(actions[n.MOVIE_ID].iloc[rows]))
    out[rows] = share[rows] * minutes[index]
    return out


def _named(
    impressions: pd.DataFrame,
    actions: pd.DataFrame,
    shown_pair: npt.NDArray[np.int64],
    done_pair: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Positions of the impressions by the answers that actions name; −1 where there is none."""
    requests = pd.Index(actions[n.REQUEST_ID].unique())
    request = codes_in(requests, actions[n.REQUEST_ID])
    code = codes_in(requests, impressions[n.REQUEST_ID])
    rows = np.flatnonzero(code >= 0)
    # The first row of an answer that names a movie twice, as its key then stands once.
    keys = pd.MultiIndex.from_arrays([code[rows], shown_pair[rows]])
    first = ~keys.duplicated()
    found = keys[first].get_indexer(pd.MultiIndex.from_arrays([request, done_pair]))
    return np.where(found >= 0, rows[first][found], -1) if len(rows) else found


def _pairs(
    impressions: pd.DataFrame, actions: pd.DataFrame
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """A number for each user and movie, alike in both frames."""
    out = [np.zeros(len(impressions), dtype=np.int64), np.zeros(len(actions), dtype=np.int64)]
    for name in (n.USER_ID, n.MOVIE_ID):
        done, values = pd.factorize(actions[name])
        # Whoever did nothing has −1, and a product of it that is nobody's pair.
        shown = codes_in(pd.Index(values), impressions[name])
        size = len(values) + 1
        out = [out[0] * size + shown + 1, out[1] * size + done + 1]
    return out[0], out[1]


def _microseconds(times: pd.Series) -> npt.NDArray[np.int64]:
    values: npt.NDArray[np.int64] = (
        times.astype(_TIME).dt.tz_localize(None).to_numpy().view("int64")
    )
    return values
