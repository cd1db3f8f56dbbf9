"""Answers for nobody in particular: movies like one movie, and what is popular or trending."""

import pandas as pd

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.serving.answers import POPULAR, SIMILAR, Answer, short
from recsys_pipeline.serving.filters import open_movies
from recsys_pipeline.serving.groups import CLUSTER, EVERYBODY, SEGMENT, TRENDING
from recsys_pipeline.serving.queries import GroupQuery, SimilarQuery
from recsys_pipeline.serving.release import LoadedRelease


def similar(release: LoadedRelease, item: int, query: SimilarQuery, now: pd.Timestamp) -> Answer:
    """The movies most like one movie. Raises SettingsError."""
    k = query.k or release.manifest.k
    items, scores = release.model.similar(item, k, open_movies(release, query, now))
    title = release.cards.cards[item][n.TITLE]
    french = (query.language or release.learning.language) == "fr"
    reason = f"ressemble à {title}" if french else f"similar to {title}"
    places = [
        (int(each), float(score), SIMILAR, reason, 1.0)
        for each, score in zip(items.tolist(), scores.tolist(), strict=True)
    ]
    return Answer(release, SIMILAR, False, places, "", short(places, k))


def for_group(
    release: LoadedRelease, trending: bool, query: GroupQuery, now: pd.Timestamp
) -> Answer:
    """What is popular or trending, with everybody or in a group.

    Raises:
        SettingsError: there is no such segment or cluster, or both are named, or trending is
            asked of one.
    """
    kind, group = _group(release, trending, query)
    k = query.k or release.manifest.k
    items = release.groups.best(kind, group, k, open_movies(release, query, now))
    scores = release.groups.relative(kind, group, items)
    reason = _reason_of_group(query.language or release.learning.language, kind, group)
    name = TRENDING if trending else POPULAR
    places = [
        (int(item), float(score), name, reason, 1.0)
        for item, score in zip(items.tolist(), scores.tolist(), strict=True)
    ]
    return Answer(release, name, False, places, "", short(places, k))


def _group(release: LoadedRelease, trending: bool, query: GroupQuery) -> tuple[str, str]:
    if query.segment is not None and query.cluster is not None:
        raise SettingsError("segment and cluster do not go together.", "Name one of them.")
    if trending:
        if query.segment is not None or query.cluster is not None:
            raise SettingsError(
                "What is trending is the same for everybody.", "Leave out segment and cluster."
            )
        return TRENDING, EVERYBODY
    for kind, group in ((SEGMENT, query.segment), (CLUSTER, query.cluster)):
        if group is not None:
            known = release.groups.scores.get(kind, {})
            if str(group) not in known:
                names = ", ".join(list(known)[:30]) or "none"
                raise SettingsError(f"There is no such {kind}.", f"Known are {names}.")
            return kind, str(group)
    return EVERYBODY, EVERYBODY


def _reason_of_group(language: str, kind: str, group: str) -> str:
    words = {
        "en": {
            EVERYBODY: "popular with everybody",
            TRENDING: "liked more now than it used to be",
            SEGMENT: f"popular in the segment {group}",
            CLUSTER: f"popular in the cluster {group}",
        },
        "fr": {
            EVERYBODY: "populaire auprès de tous",
            TRENDING: "plus aimé maintenant qu'avant",
            SEGMENT: f"populaire dans le segment {group}",
            CLUSTER: f"populaire dans le groupe {group}",
        },
    }
    return words[language][kind]
