"""Answers as the bytes that go out, and as the record of what was shown."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from recsys_pipeline.contracts import names as n
from recsys_pipeline.pipeline.online import Shown
from recsys_pipeline.ranking.reranking import EXPLORATION, KINDS, SERENDIPITY
from recsys_pipeline.serving.answers import NOTICES, STALE_SECONDS, Answer
from recsys_pipeline.serving.arms import Placed
from recsys_pipeline.serving.release import LoadedRelease

_BADGES = {KINDS[EXPLORATION]: ["exploring"], KINDS[SERENDIPITY]: ["surprise"]}


@dataclass(frozen=True, slots=True)
class Ready:
    """What of an answer stays the same however often it is given.

    Attributes:
        answer: the answer.
        rest: members of the body but those that change, without the braces.
        movies: JSON list of the movies' ids.
        propensities: JSON list as long; empty where all are 1.
        ids: the movies' ids as texts.
    """

    answer: Answer
    rest: bytes
    movies: str
    propensities: str
    ids: tuple[str, ...]


def ready(answer: Answer) -> Ready:
    """The parts of the body and of the record of an answer that do not change."""
    cards = answer.release.cards.cards
    body = orjson.dumps(
        {
            n.USER_ID: answer.user_id or None,
            "kind": answer.kind,
            "personal": answer.personal,
            "items": [
                {
                    "rank": rank,
                    **cards[item],
                    "score": round(score, 4),
                    "reason": reason,
                    "source": source,
                    "badges": _BADGES.get(source, []),
                }
                for rank, (item, score, source, reason, _) in enumerate(answer.places, 1)
            ],
        }
    )
    ids = [cards[place[0]][n.MOVIE_ID] for place in answer.places]
    propensities = [place[4] for place in answer.places]
    drawn = any(each != 1 for each in propensities)
    return Ready(
        answer=answer,
        rest=body[1:-1],
        movies=orjson.dumps(ids).decode(),
        propensities=orjson.dumps(propensities).decode() if drawn else "",
        ids=tuple(map(str, ids)),
    )


def rendered(prepared: Ready, answer_id: str, now: float, placed: Placed) -> bytes:
    """The body of an answer; see `schemas.ListAnswer`.

    Args:
        now: seconds since 1970.
        placed: where the user is.
    """
    answer = prepared.answer
    age = max(0, int(now - answer.release.made_at))
    notices = answer.notices
    if age > STALE_SECONDS:
        notices = (*notices, "stale")
    if not placed.available:
        notices = (*notices, "arm_unavailable")
    changing = orjson.dumps(
        {
            "answer_id": answer_id,
            "release": about(answer.release, age),
            n.EXPERIMENT: placed.experiment or None,
            n.ARM: placed.arm or None,
            "notices": [{"code": code, "text": NOTICES[code]} for code in notices],
        }
    )
    return b"%b,%b}" % (changing[:-1], prepared.rest)


def about(release: LoadedRelease, age: int) -> dict[str, Any]:
    """What every answer says of the release that it comes from.

    Args:
        age: in seconds.
    """
    manifest = release.manifest
    return {
        "id": manifest.release,
        "as_of": manifest.as_of or None,
        "age_seconds": age,
        "recommender": manifest.recommender,
    }


def shown(prepared: Ready, answer_id: str, now: float, placed: Placed) -> Shown:
    """The record of an answer: one impression for each of its movies.

    Where the release in service stands in for that of an arm, the answer counts as not personal:
    it is not what the user's arm would have given.
    """
    answer = prepared.answer
    return Shown(
        request_id=answer_id,
        user_id=answer.user_id,
        shown_at=datetime.fromtimestamp(now, UTC),
        release=answer.release.manifest.release,
        kind=answer.kind,
        movies=prepared.movies,
        propensities=prepared.propensities,
        experiment=placed.experiment,
        arm=placed.arm,
        personal=answer.personal and placed.available,
    )
