"""`recsys recommend`: a user's list, read from the release or made for somebody new."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.dataset import UserBatch
from recsys_pipeline.errors import ReleaseError, SettingsError
from recsys_pipeline.pipeline.protocols import MODEL, Manifest, ReleaseStore
from recsys_pipeline.pipeline.top_n import titles_of
from recsys_pipeline.ranking.released import ReleasedModel, load_released_model


@dataclass(frozen=True)
class UserList:
    """The list of one user.

    Attributes:
        release: what it was read from.
        known: whether that user is known; else the list was made for somebody of whom nothing
            is known.
        rows: columns of contract `TOP_N` but user_id, best first; none for a user who has seen
            every available movie.
    """

    release: Manifest
    known: bool
    rows: pd.DataFrame


def current_release(store: ReleaseStore) -> Manifest:
    """The release in service. Raises ReleaseError if there is none yet."""
    manifest = store.current()
    if manifest is None:
        raise ReleaseError("There is no release yet.", "Make one with `recsys run`.")
    return manifest


def list_of(
    store: ReleaseStore, user: str, k: int | None, in_tables: Callable[[str], bool]
) -> UserList:
    """The list of `user` from the release in service.

    Args:
        store: where releases lie.
        user: the id as text; matches an integer id of the same digits.
        k: length; None is that of the release.
        in_tables: whether the users that the release was made from hold an id. One who is there
            and has no list has seen every available movie: what has been seen is not recommended
            again.

    Raises:
        ReleaseError: there is no release.
        SettingsError: k is not positive or longer than the lists of the release.
    """
    manifest = current_release(store)
    if k is not None and not 1 <= k <= manifest.k:
        raise SettingsError(
            f"k = {k} cannot be read: the lists of release {manifest.release} hold 1 to "
            f"{manifest.k} movies.",
            "Set learning.k in recsys.toml and run again for longer lists.",
        )
    k = k or manifest.k
    lists = store.read_lists(manifest.release)
    rows = lists[lists[n.USER_ID].astype("str") == user.strip()]
    if len(rows):
        return UserList(manifest, True, rows.drop(columns=[n.USER_ID]).head(k))
    if in_tables(user):
        return UserList(manifest, True, rows.drop(columns=[n.USER_ID]))
    model = load_released_model(store.folder(manifest.release) / MODEL)
    return UserList(manifest, False, _for_somebody_new(model, k, manifest.release))


def _for_somebody_new(model: ReleasedModel, k: int, release: str) -> pd.DataFrame:
    nothing = sp.csr_matrix((1, len(model.items)), dtype=np.float32)
    lists = model.recommend(UserBatch(nothing, nothing, pd.DataFrame(index=[0])), k)
    items = lists.items[0][lists.items[0] >= 0]
    return pd.DataFrame(
        {
            n.RANK: np.arange(1, len(items) + 1),
            n.MOVIE_ID: model.items.id_of(items),
            n.SCORE: lists.scores[0, : len(items)].astype(float),
            n.SOURCE: lists.sources[0, : len(items)],
            n.REASON: "nothing is known of this user",
            n.RELEASE: release,
            n.TITLE: titles_of(model.movies)[items],
        }
    )
