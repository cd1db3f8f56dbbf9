"""`recsys recommend`: a user's list, read from the release or made for somebody new."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import ReleaseError, SettingsError
from recsys_pipeline.pipeline.protocols import MODEL, Manifest, ReleaseStore
from recsys_pipeline.pipeline.questionnaire import Answers, recommend_for
from recsys_pipeline.ranking.released import load_released_model


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
    k = _length(manifest, k)
    lists = store.read_lists(manifest.release)
    rows = lists[lists[n.USER_ID].astype("str") == user.strip()]
    if len(rows):
        return UserList(manifest, True, rows.drop(columns=[n.USER_ID]).head(k))
    if in_tables(user):
        return UserList(manifest, True, rows.drop(columns=[n.USER_ID]))
    return list_for(store, Answers(), k)


def list_for(store: ReleaseStore, answers: Answers, k: int | None) -> UserList:
    """The list of the release in service for somebody new who answers some questions.

    Raises:
        ReleaseError: there is no release.
        SettingsError: an answer cannot be understood, or k is not positive or longer than the
            lists of the release.
    """
    manifest = current_release(store)
    k = _length(manifest, k)
    model = load_released_model(store.folder(manifest.release) / MODEL)
    rows = recommend_for(model, answers, k, manifest.release)
    return UserList(manifest, answers.any, rows)


def _length(manifest: Manifest, k: int | None) -> int:
    """How many movies to show. Raises SettingsError if the lists are not that long."""
    if k is not None and not 1 <= k <= manifest.k:
        raise SettingsError(
            f"k = {k} cannot be read: the lists of release {manifest.release} hold 1 to "
            f"{manifest.k} movies.",
            "Set learning.k in recsys.toml and run again for longer lists.",
        )
    return k or manifest.k


def answers_of(
    user: str | None, likes: Sequence[str], genres: Sequence[str], profile: Sequence[str]
) -> Answers:
    """What was typed of somebody new.

    Args:
        user: an id, which goes with none of the others.
        likes: movies, by id or title.
        genres: genres.
        profile: texts such as ``age=30``.

    Raises:
        SettingsError: both an id and answers, neither, or a text without ``=``.
    """
    answers = Answers(tuple(likes), tuple(genres), dict(_pair(text) for text in profile))
    if user is not None and answers.any:
        raise SettingsError(
            "An id and answers of somebody new do not go together.",
            "Leave out the id, or --likes, --genre and --profile.",
        )
    if user is None and not answers.any:
        raise SettingsError(
            "Whose list?", "Give a user's id, or --likes, --genre or --profile of somebody new."
        )
    return answers


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise SettingsError(
            f"--profile {text!r} cannot be read.", "Write it like --profile age=30."
        )
    return name.strip(), value.strip()
