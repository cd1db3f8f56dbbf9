"""ReleasedModel: what a release serves with; the same function for batch and for one user."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import MOVIES
from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array, UserBatch
from recsys_pipeline.data.frames import read_frame, write_frame
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models import load_recommender
from recsys_pipeline.ranking.availability import available
from recsys_pipeline.ranking.calibration import Calibration
from recsys_pipeline.ranking.features import PairFeatures
from recsys_pipeline.ranking.panel import TWO_STAGE, Pairs, Panel, Ranked
from recsys_pipeline.ranking.ranker import BoostingRanker

_FILE, _MOVIES = "model.json", "movies.parquet"


@dataclass(frozen=True)
class Lists:
    """Lists for people.

    Attributes:
        items: int32 ``(n, k)``, −1 where fewer than k movies are left.
        scores: float32 ``(n, k)``, probabilities from 0 to 1, 0 where the item is −1.
        sources: object ``(n, k)``, name of the recommender that placed the movie.
    """

    items: Int32Array
    scores: Float32Array
    sources: npt.NDArray[np.object_]


@dataclass(frozen=True)
class ReleasedModel:
    """The chosen recommender with all that it needs.

    Attributes:
        panel: the fitted recommenders.
        primary: name of the chosen one.
        calibrations: from raw score to probability, by recommender.
        items: the catalogue's ids.
        movies: row j is item j.
        as_of: the moment that its lists are for: movies not available then are in none of them;
            None where nobody says one, and then every movie counts as available.
    """

    panel: Panel
    primary: str
    calibrations: Mapping[str, Calibration]
    items: IdMap
    movies: pd.DataFrame
    as_of: pd.Timestamp | None

    def recommend(self, users: UserBatch, k: int, allowed: BoolArray | None = None) -> Lists:
        """Lists of k unseen movies that are available at `as_of`, best first.

        Args:
            users: whose lists: their history, what they have seen, and their profiles.
            k: length of a list, at least 1.
            allowed: bool ``(n_items,)``: recommend none but these of the available movies; None
                is all of them.
        """
        there = available(self.movies, self.as_of)
        if there is not None:
            allowed = there if allowed is None else allowed & there
        ranked = self.panel.rank(users, k, names=[self.primary], allowed=allowed)[self.primary]
        sources = np.repeat(ranked.sources[:, None], k, axis=1)
        return Lists(ranked.items, self.probabilities(ranked), sources)

    def probabilities(self, ranked: Ranked) -> Float32Array:
        """The scores of lists as probabilities: float32 ``(n, k)``, 0 where the item is −1."""
        scores = np.zeros_like(ranked.scores)
        for source in np.unique(ranked.sources.astype(str)):
            rows = ranked.sources == source
            scores[rows] = self._probabilities(source, ranked.scores[rows])
        return np.where(ranked.items < 0, 0, scores).astype(np.float32)

    def pair_probabilities(self, ranked: Ranked, pairs: Pairs) -> Float32Array:
        """The scores of the pairs that were asked for as probabilities: float32 ``(n_pairs,)``."""
        scores = np.zeros_like(ranked.pair_scores)
        sources = ranked.sources[pairs.rows]
        for source in np.unique(sources.astype(str)):
            rows = sources == source
            scores[rows] = self._probabilities(source, ranked.pair_scores[rows])
        return scores

    def _probabilities(self, source: str, raw: Float32Array) -> Float32Array:
        if source in self.calibrations:
            return self.calibrations[source].probability(raw)
        return np.clip(raw, 0, 1)

    def save(self, folder: Path) -> None:
        """Write into `folder` as npz, JSON, skops and Parquet."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, model in self.panel.generators.items():
            model.save(folder / "generators" / name)
        if self.panel.pair_features is not None and self.panel.ranker is not None:
            self.panel.pair_features.save(folder / TWO_STAGE)
            self.panel.ranker.save(folder / TWO_STAGE)
        facts = {
            "primary": self.primary,
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "generators": list(self.panel.generators),
            "two_stage": self.panel.ranker is not None,
            "candidates": self.panel.candidates,
            "calibrations": {name: asdict(each) for name, each in self.calibrations.items()},
        }
        write_frame(self.movies, folder / _MOVIES)
        (folder / _FILE).write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load_released_model(folder: Path) -> ReleasedModel:
    """What `ReleasedModel.save` wrote. Raises ModelError if it is not whole."""
    try:
        facts = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        movies = read_frame(folder / _MOVIES)
        generators = {
            name: load_recommender(folder / "generators" / name) for name in facts["generators"]
        }
        two_stage = facts["two_stage"]
        return ReleasedModel(
            panel=Panel(
                generators,
                PairFeatures.load(folder / TWO_STAGE) if two_stage else None,
                BoostingRanker.load(folder / TWO_STAGE) if two_stage else None,
                facts["candidates"],
            ),
            primary=facts["primary"],
            calibrations={
                name: Calibration(**each) for name, each in facts["calibrations"].items()
            },
            items=IdMap(pd.Index(movies[MOVIES.key[0]])),
            movies=movies,
            as_of=None if facts["as_of"] is None else pd.Timestamp(facts["as_of"]),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The model in {folder} cannot be read: {error!r}.",
            "Run `recsys run` again to write a new one.",
        ) from error
