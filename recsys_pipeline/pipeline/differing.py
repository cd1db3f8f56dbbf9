"""What differs between two releases: whose lists, by how much, which movies, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.pipeline.recipes import changed_settings
from recsys_pipeline.pipeline.shareable import BLOCKED_USERS, shareable
from recsys_pipeline.ranking.titles import titles_of

_MOST_MOVIES = 10


@dataclass(frozen=True)
class ReleaseDiff:
    """The way from one release to another.

    Attributes:
        before, after: the releases.
        users_both: users with a list in both.
        users_gone, users_new: users with a list in one only.
        changed: users whose list is another one, in movies or in order.
        other_movies: users whose list holds another set of movies.
        overlap: mean share of a list's movies that stay, over the users with both.
        movies: one row per movie that rose or fell most: movie_id, title, before, after (lists
            that hold it), change; the largest rise first.
        sources: lists' places by source, before and after.
        settings: settings of recipe and rules that differ: before and after; of the users who are
            blocked only their number.
        why: what differs between how they were made, one sentence each.
    """

    before: Manifest
    after: Manifest
    users_both: int
    users_gone: int
    users_new: int
    changed: int
    other_movies: int
    overlap: float
    movies: pd.DataFrame
    sources: pd.DataFrame
    settings: Mapping[str, tuple[Any, Any]]
    why: tuple[str, ...]


def diff_releases(
    before: Manifest,
    after: Manifest,
    lists_before: pd.DataFrame,
    lists_after: pd.DataFrame,
    recipes: tuple[LearningConfig, LearningConfig] | None,
) -> ReleaseDiff:
    """Compare the lists of two releases user by user.

    Args:
        before, after: their manifests.
        lists_before, lists_after: their lists, contract `TOP_N`.
        recipes: their learning settings, or None where one of them holds none.
    """
    old, new = _ids_as_text(lists_before), _ids_as_text(lists_after)
    users_old, users_new = set(old[n.USER_ID].unique()), set(new[n.USER_ID].unique())
    both = users_old & users_new
    here, there = old[old[n.USER_ID].isin(both)], new[new[n.USER_ID].isin(both)]
    place = [n.USER_ID, n.MOVIE_ID]
    kept = here[[*place, n.RANK]].merge(there[[*place, n.RANK]], on=place, suffixes=("", "_after"))
    stays = kept.groupby(n.USER_ID).size()
    same_rank = (kept[n.RANK] == kept[f"{n.RANK}_after"]).groupby(kept[n.USER_ID]).sum()
    index = pd.Index(sorted(both), name=n.USER_ID)
    length = here.groupby(n.USER_ID).size().reindex(index, fill_value=0)
    length_after = there.groupby(n.USER_ID).size().reindex(index, fill_value=0)
    longest = np.maximum(length, length_after)
    other = stays.reindex(index, fill_value=0) < longest
    moved = same_rank.reindex(index, fill_value=0) < longest
    overlap = stays.reindex(index, fill_value=0) / longest
    settings = {} if recipes is None else _changed(*recipes)
    return ReleaseDiff(
        before=before,
        after=after,
        users_both=len(both),
        users_gone=len(users_old - users_new),
        users_new=len(users_new - users_old),
        changed=int(moved.sum()),
        other_movies=int(other.sum()),
        overlap=float(overlap.mean()) if len(overlap) else float("nan"),
        movies=_movies(old, new),
        sources=_sources(old, new),
        settings=settings,
        why=tuple(_why(before, after, settings, recipes is None)),
    )


def _changed(old: LearningConfig, new: LearningConfig) -> dict[str, tuple[Any, Any]]:
    """Settings of recipe and rules that differ, without the ids of blocked users."""
    rules = changed_settings(shareable(old)["rules"], shareable(new)["rules"], "rules.")
    found = changed_settings(old.recipe, new.recipe) | rules
    blocked = [{str(user) for user in each.rules.blocked_users} for each in (old, new)]
    found.pop(BLOCKED_USERS, None)
    if blocked[0] != blocked[1]:
        before, after = map(len, blocked)
        found[BLOCKED_USERS] = (before, f"{after} (others)" if before == after else after)
    return found


def _ids_as_text(lists: pd.DataFrame) -> pd.DataFrame:
    """Ids as texts: the type of a column may have changed between two releases."""
    return lists.assign(**{name: lists[name].astype("str") for name in (n.USER_ID, n.MOVIE_ID)})


def _movies(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    movies = pd.concat([old, new]).drop_duplicates(n.MOVIE_ID, keep="last")
    titles = pd.DataFrame({n.MOVIE_ID: movies[n.MOVIE_ID], n.TITLE: titles_of(movies)})
    counts = pd.DataFrame(
        {"before": old[n.MOVIE_ID].value_counts(), "after": new[n.MOVIE_ID].value_counts()}
    )
    counts = counts.fillna(0).astype("int64").rename_axis(n.MOVIE_ID).reset_index()
    counts["change"] = counts["after"] - counts["before"]
    counts = counts.merge(titles, on=n.MOVIE_ID)
    ordered = counts.sort_values(["change", n.MOVIE_ID], ascending=[False, True])
    ordered = ordered[ordered["change"] != 0]
    if len(ordered) > 2 * _MOST_MOVIES:
        ordered = pd.concat([ordered.head(_MOST_MOVIES), ordered.tail(_MOST_MOVIES)])
    return ordered[[n.MOVIE_ID, n.TITLE, "before", "after", "change"]].reset_index(drop=True)


def _sources(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    counts = pd.DataFrame(
        {"before": old[n.SOURCE].value_counts(), "after": new[n.SOURCE].value_counts()}
    )
    return counts.fillna(0).astype("int64").rename_axis(n.SOURCE).reset_index()


def _why(
    before: Manifest,
    after: Manifest,
    settings: Mapping[str, tuple[Any, Any]],
    unknown: bool,
) -> list[str]:
    found = []
    if before.recommender != after.recommender:
        found.append(f"{after.recommender} makes the lists, before it was {before.recommender}.")
    if unknown:
        found.append("One of the releases does not say with which settings it was made.")
    elif settings:
        shown = ", ".join(f"{key}: {old} → {new}" for key, (old, new) in settings.items())
        found.append(f"Settings differ: {shown}.")
    if before.data_fingerprint != after.data_fingerprint:
        rows = [
            f"{table} {before.rows.get(table, 0):,} → {count:,}"
            for table, count in after.rows.items()
            if count != before.rows.get(table, 0)
        ]
        found.append(f"The data differ{': ' + ', '.join(rows) if rows else ''}.")
    if before.as_of != after.as_of:
        found.append(f"They look from {before.as_of or 'no date'} and {after.as_of or 'no date'}.")
    return found or ["Nothing differs between how they were made."]
