"""Last week's lists, scored against what happened since."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import BoolArray, Dataset, Events
from recsys_pipeline.errors import ReleaseError
from recsys_pipeline.evaluation import names
from recsys_pipeline.evaluation.intervals import Interval, difference_of_figures, figure_interval
from recsys_pipeline.evaluation.per_user import PerUser
from recsys_pipeline.pipeline.protocols import Manifest, ReleaseStore
from recsys_pipeline.pipeline.releasing import in_service

ALL: Final = "all"
"""All places of the lists together, beside each kind of place."""
HIT_RATE: Final = "hit_rate"
SHARE_OF_NEW: Final = "share_of_new_movies"
LIKED_IN_LISTS: Final = "liked_share_in_lists"
LIKED_ELSEWHERE: Final = "liked_share_elsewhere"
LIKED_DIFFERENCE: Final = "liked_share_difference"


@dataclass(frozen=True)
class LastLists:
    """What came of the lists in service before this run.

    Attributes:
        release: whose lists, or empty where there are none to score.
        sentence: what was found, for people.
        table: one row per kind of place (``all`` first) and figure: source, metric, mean, low,
            high, n_users.
    """

    release: str
    sentence: str
    table: pd.DataFrame


def last_lists(
    store: ReleaseStore, data: Dataset, source: str, rng: np.random.Generator
) -> LastLists:
    """How the newest lists in service did that are earlier than this run.

    These are those of the release in service. Where that is of the run's moment or later (a run
    of the same week came before), they are those of the newest earlier release that was in
    service before it and comes from the same source.

    Args:
        store: where releases lie.
        data: everything known now.
        source: description of the run's source.
        rng: draws the users of the bootstrap.
    """
    manifest = _newest_earlier(store, data.as_of, source)
    try:
        lists = None if manifest is None else store.read_lists(manifest.release)
    except ReleaseError as error:
        return _nothing("", f"There are no lists to score. {error.message}")
    return score_last_lists(manifest, lists, data, rng)


def _newest_earlier(
    store: ReleaseStore, as_of: pd.Timestamp | None, source: str
) -> Manifest | None:
    """See `last_lists`; the release in service where no earlier one is to be had."""
    current = in_service(store)
    if current is None or not current.as_of or as_of is None or _is_earlier(current, as_of):
        return current
    pointer = store.pointer()
    before = () if pointer is None else pointer.before
    found = [
        each
        for each in store.manifests()
        if each.release in before and each.source == source and _is_earlier(each, as_of)
    ]
    return found[-1] if found else current


def _is_earlier(manifest: Manifest, as_of: pd.Timestamp) -> bool:
    return bool(manifest.as_of) and pd.Timestamp(manifest.as_of) < as_of


def score_last_lists(
    manifest: Manifest | None,
    lists: pd.DataFrame | None,
    data: Dataset,
    rng: np.random.Generator,
) -> LastLists:
    """How the lists of the release in service did between its `as_of` and this run's.

    Among the users who had a list and did anything since: the share who took up a movie of their
    list (hit rate), the share of their new movies that were in it, and, where dislikes are known,
    the share of likes among the movies that were in it against those that were not (of one kind
    of place: the movies at such a place against those at no place of the list). A movie that
    its user had met before is not new and in no list. Nobody knows here who saw a list: a movie
    that was in it counts, wherever it was found.

    Args:
        manifest: of the release in service, None for none.
        lists: its lists.
        data: everything known now.
        rng: draws the users of the bootstrap.
    """
    if manifest is None or lists is None:
        return _nothing("", "No lists were in service before this run.")
    release = manifest.release
    if data.events.time is None or not manifest.as_of or data.as_of is None:
        return _nothing(release, "The data have no time: nobody knows what came later.")
    since = pd.Timestamp(manifest.as_of)
    if since >= data.as_of:
        return _nothing(release, f"The lists of release {release} are of this moment or later.")
    later = data.events.time > since.as_unit("us").asm8.astype(np.int64)
    user = data.users.index_of(lists[n.USER_ID])
    item = data.items.index_of(lists[n.MOVIE_ID])
    active = np.intersect1d(data.events.user[later], user[user >= 0])
    if not len(active):
        text = f"Nobody with a list of release {release} did anything since {since:%Y-%m-%d}."
        return _nothing(release, text)
    events = _of_new_movies(data.events, later & np.isin(data.events.user, active), data.n_items)
    place = {ALL: np.isin(user, active) & (item >= 0)}
    for source in sorted(lists[n.SOURCE].unique()):
        place[str(source)] = place[ALL] & (lists[n.SOURCE] == source).to_numpy(dtype=bool)
    shown = user.astype(np.int64) * data.n_items + item
    rows = [
        (source, metric, interval)
        for source, where in place.items()
        for metric, interval in _figures(
            events, shown[where], shown[place[ALL]], active, data.n_items, rng
        )
    ]
    return LastLists(release, _sentence(release, since, rows), _table(rows))


def _of_new_movies(events: Events, later: BoolArray, n_items: int) -> Events:
    """The later events of movies that their user met for the first time; of each the last one."""
    pair = events.user.astype(np.int64) * n_items + events.item
    new = np.flatnonzero(later & ~np.isin(pair, pair[~later]))
    _, last = np.unique(pair[new][::-1], return_index=True)
    return events.take(np.sort(new[len(new) - 1 - last]))


def _figures(
    events: Events,
    shown: npt.NDArray[np.int64],
    listed: npt.NDArray[np.int64],
    active: npt.NDArray[np.int32],
    n_items: int,
    rng: np.random.Generator,
) -> Iterator[tuple[str, Interval]]:
    row = np.searchsorted(active, events.user)
    pair = events.user.astype(np.int64) * n_items + events.item
    hit, elsewhere = np.isin(pair, shown), ~np.isin(pair, listed)

    def count(which: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return np.bincount(row[which], minlength=len(active)).astype(np.float64)

    hits = count(hit)
    yield HIT_RATE, figure_interval(PerUser.of((hits > 0).astype(np.float64)), rng)
    yield SHARE_OF_NEW, figure_interval(PerUser(hits, count(np.ones(len(hit), dtype=bool))), rng)
    if events.label is None:
        return
    said, liked = ~np.isnan(events.label), events.label == 1
    inside = PerUser(count(said & hit & liked), count(said & hit))
    outside = PerUser(count(said & elsewhere & liked), count(said & elsewhere))
    yield LIKED_IN_LISTS, figure_interval(inside, rng)
    yield LIKED_ELSEWHERE, figure_interval(outside, rng)
    yield LIKED_DIFFERENCE, difference_of_figures(inside, outside, rng)


def _table(rows: list[tuple[str, str, Interval]]) -> pd.DataFrame:
    intervals = [interval for _, _, interval in rows]
    return pd.DataFrame(
        {
            n.SOURCE: pd.array([source for source, _, _ in rows], dtype="str"),
            names.METRIC: pd.array([metric for _, metric, _ in rows], dtype="str"),
            names.MEAN: np.array([each.mean for each in intervals], dtype=float),
            names.LOW: np.array([each.low for each in intervals], dtype=float),
            names.HIGH: np.array([each.high for each in intervals], dtype=float),
            names.N_USERS: np.array([each.n for each in intervals], dtype=np.int64),
        }
    )


def _nothing(release: str, sentence: str) -> LastLists:
    return LastLists(release, sentence, _table([]))


def _sentence(release: str, since: pd.Timestamp, rows: list[tuple[str, str, Interval]]) -> str:
    found = {metric: interval for source, metric, interval in rows if source == ALL}
    hit = found[HIT_RATE]
    text = (
        f"Since {since:%Y-%m-%d} {hit.n:,} users with a list of release {release} did something; "
        f"{100 * hit.mean:.1f} % took up a movie of their list"
    )
    inside = found.get(LIKED_IN_LISTS)
    if inside is None or not np.isfinite(inside.mean):
        return f"{text}."
    elsewhere = found[LIKED_ELSEWHERE]
    return (
        f"{text}, and liked {100 * inside.mean:.0f} % of those "
        f"({100 * elsewhere.mean:.0f} % of the movies that were not in it)."
    )
