"""ReleasedModel: what a release serves with; the same function for batch and for one user."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from recsys_pipeline.contracts import MOVIES
from recsys_pipeline.data.dataset import BoolArray, Float32Array, Int32Array, UserBatch
from recsys_pipeline.data.frames import read_frame, write_frame
from recsys_pipeline.data.ids import IdMap
from recsys_pipeline.errors import ModelError
from recsys_pipeline.models import load_recommender
from recsys_pipeline.models.base import top_k
from recsys_pipeline.ranking.availability import Availability
from recsys_pipeline.ranking.blend import Blend
from recsys_pipeline.ranking.calibration import Calibration
from recsys_pipeline.ranking.candidates import candidates
from recsys_pipeline.ranking.catalogue import Catalogue
from recsys_pipeline.ranking.config import RerankingConfig, RulesConfig
from recsys_pipeline.ranking.contributing import contributions
from recsys_pipeline.ranking.exploration import UInt64Array
from recsys_pipeline.ranking.features import PairFeatures
from recsys_pipeline.ranking.panel import TWO_STAGE, Pairs, Panel, Picker, Ranked
from recsys_pipeline.ranking.ranker import BoostingRanker
from recsys_pipeline.ranking.reasons import explain, explain_mixed
from recsys_pipeline.ranking.reasons_evidence import Evidence
from recsys_pipeline.ranking.reasons_text import Language, sentence
from recsys_pipeline.ranking.reranking import KINDS, PERSONAL, Placed, rerank
from recsys_pipeline.ranking.rules import Rules
from recsys_pipeline.ranking.similar import Likenesses, similar
from recsys_pipeline.ranking.titles import titles_of

TOP_REASONS = 2
"""Movies of the history that a reason names at most."""

_FILE, _MOVIES = "model.json", "movies.parquet"


@dataclass(frozen=True)
class Lists:
    """Lists for people.

    Attributes:
        items: int32 ``(n, k)``, −1 where fewer than k movies are left.
        scores: float32 ``(n, k)``, probabilities from 0 to 1, 0 where the item is −1.
        sources: object ``(n, k)``, name of the recommender that ranked the movie, or
            ``serendipity`` or ``exploration`` where the place is for that.
        rankers: object ``(n,)``, name of the recommender that ranked for the user.
        kinds: uint8 ``(n, k)``, the kind of each place; see `reranking`.
        propensities: float32 ``(n, k)``, the probability with which the movie got its place: 1
            where nothing was drawn.
    """

    items: Int32Array
    scores: Float32Array
    sources: npt.NDArray[np.object_]
    rankers: npt.NDArray[np.object_]
    kinds: npt.NDArray[np.uint8]
    propensities: Float32Array


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
        catalogue: what reranking and reasons know of the movies.
        reranking: the dials.
        rules: business rules, as settings; `applied_rules` holds them as arrays.
        language: of the reasons.
        likes_known: whether a history holds what was liked, and not just what was met.
    """

    panel: Panel
    primary: str
    calibrations: Mapping[str, Calibration]
    items: IdMap
    movies: pd.DataFrame
    as_of: pd.Timestamp | None
    catalogue: Catalogue
    reranking: RerankingConfig = field(default_factory=RerankingConfig)
    rules: RulesConfig = field(default_factory=RulesConfig)
    language: Language = "en"
    likes_known: bool = False

    @cached_property
    def applied_rules(self) -> Rules:
        """The business rules for this catalogue. Raises SettingsError if they do not fit it."""
        return Rules.of(self.rules, self.movies, self.items)

    @cached_property
    def availability(self) -> Availability:
        """When each movie may be recommended."""
        return Availability.of(self.movies)

    @cached_property
    def titles(self) -> npt.NDArray[np.object_]:
        """A title for every movie: object ``(n_items,)``."""
        return titles_of(self.movies)

    @cached_property
    def likenesses(self) -> Likenesses:
        """How alike two movies are to the chosen recommender."""
        return Likenesses.of(self.panel, self.primary, self.movies)

    def recommend(
        self,
        users: UserBatch,
        k: int,
        allowed: BoolArray | None = None,
        keys: UInt64Array | None = None,
        *,
        reranking: RerankingConfig | None = None,
        as_of: pd.Timestamp | None = None,
    ) -> Lists:
        """Lists of k unseen movies that are available at a moment and that the rules allow.

        Args:
            users: whose lists: their history, what they have seen, and their profiles.
            k: length of a list, at least 1.
            allowed: bool ``(n_items,)``: recommend none but these of the available movies; None
                is all of them.
            keys: uint64 ``(n,)``, decide what is drawn for exploration, see `exploration_keys`;
                without keys nothing is drawn, and those places are personal ones.
            reranking: the dials for these lists; None is the model's.
            as_of: the moment at which the movies must be available; None is the model's.
        """
        config = self.reranking if reranking is None else reranking
        if keys is None:
            config = config.model_copy(update={"exploration_slots": 0})
            keys = np.zeros(len(users), dtype=np.uint64)
        ranked = self.candidates(users, max(k, config.candidates), allowed, as_of=as_of)
        placed = self.place(ranked, users, k, config, keys)
        sources = np.repeat(ranked.sources[:, None], k, axis=1)
        for number, name in enumerate(KINDS):
            if number != PERSONAL:
                sources[placed.kinds == number] = name
        return Lists(
            placed.items,
            placed.scores,
            sources,
            ranked.sources,
            placed.kinds,
            placed.propensities,
        )

    def candidates(
        self,
        users: UserBatch,
        m: int,
        allowed: BoolArray | None = None,
        *,
        as_of: pd.Timestamp | None = None,
    ) -> Ranked:
        """The m best unseen movies of each user among those available and allowed by the rules.

        `as_of` is the moment at which they must be available; None is the model's.
        """
        rules, allowed = self.applied_rules, self.allowed_at(as_of, allowed)
        pick: Picker = top_k
        if rules.factors is not None or rules.max_per_genre is not None:
            pick = partial(candidates, catalogue=self.catalogue, rules=rules)
        names = [self.primary]
        return self.panel.rank(users, m, names=names, allowed=allowed, pick=pick)[self.primary]

    def allowed_at(
        self, as_of: pd.Timestamp | None = None, allowed: BoolArray | None = None
    ) -> BoolArray | None:
        """Which of the allowed movies are available and allowed by the rules; None is all.

        Args:
            as_of: the moment at which they must be available; None is the model's.
            allowed: bool ``(n_items,)``: none but these; None is all.
        """
        moment = self.as_of if as_of is None else as_of
        for there in (self.availability.at(moment), self.applied_rules.allowed):
            if there is not None:
                allowed = there if allowed is None else allowed & there
        return allowed

    def similar(
        self,
        item: int,
        k: int,
        allowed: BoolArray | None = None,
        *,
        as_of: pd.Timestamp | None = None,
    ) -> tuple[Int32Array, Float32Array]:
        """The movies most like one movie, see `ranking.similar`; none that may not be shown.

        Args:
            item: the movie.
            k: most movies of the list.
            allowed: bool ``(n_items,)``: none but these; None is all.
            as_of: the moment at which they must be available; None is the model's.

        Raises:
            ModelError: the catalogue has no such item.
        """
        return similar(self.likenesses, item, k, self.allowed_at(as_of, allowed))

    def place(
        self,
        ranked: Ranked,
        users: UserBatch,
        k: int,
        config: RerankingConfig,
        keys: UInt64Array,
    ) -> Placed:
        """Lists of k out of what `candidates` found, with the dials of `config`."""
        return rerank(
            ranked.items,
            self.probabilities(ranked),
            users,
            k,
            catalogue=self.catalogue,
            config=config,
            keys=keys,
            rules=self.applied_rules,
        )

    def reasons(
        self, users: UserBatch, lists: Lists, language: Language | None = None
    ) -> npt.NDArray[np.object_]:
        """Why each movie is in its list, from the model itself: object ``(n, k)`` of str.

        `language` is that of the words; None is the model's.
        """
        evidence = Evidence.of_nothing(lists.items, TOP_REASONS)
        for name in np.unique(lists.rankers.astype(str)):
            rows = np.flatnonzero(lists.rankers == name)
            found = self._evidence(str(name), users.take(rows), lists.items[rows])
            for each in fields(Evidence):
                getattr(evidence, each.name)[rows] = getattr(found, each.name)
        return sentence(evidence, self.titles, language or self.language, lists.kinds)

    def _evidence(self, name: str, users: UserBatch, items: Int32Array) -> Evidence:
        panel = self.panel
        if name in panel.generators:
            model = panel.generators[name]
            return explain(
                model,
                users,
                items,
                self.catalogue,
                top=TOP_REASONS,
                likes_known=self.likes_known,
            )
        return explain_mixed(
            panel.generators,
            contributions(panel, name, users, items),
            users,
            items,
            self.catalogue,
            top=TOP_REASONS,
            likes_known=self.likes_known,
        )

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
            "blend": None if self.panel.blend is None else asdict(self.panel.blend),
            "newcomers": self.panel.newcomers,
            "reranking": self.reranking.model_dump(mode="json"),
            "rules": self.rules.model_dump(mode="json"),
            "language": self.language,
            "likes_known": self.likes_known,
            "calibrations": {name: asdict(each) for name, each in self.calibrations.items()},
        }
        self.catalogue.save(folder)
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
                _blend_of(facts["blend"]),
                facts["newcomers"],
            ),
            primary=facts["primary"],
            calibrations={
                name: Calibration(**each) for name, each in facts["calibrations"].items()
            },
            items=IdMap(pd.Index(movies[MOVIES.key[0]])),
            movies=movies,
            as_of=None if facts["as_of"] is None else pd.Timestamp(facts["as_of"]),
            catalogue=Catalogue.load(folder),
            reranking=RerankingConfig.model_validate(facts["reranking"]),
            rules=RulesConfig.model_validate(facts["rules"]),
            language=facts["language"],
            likes_known=facts["likes_known"],
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"The model in {folder} cannot be read: {error!r}.",
            "Run `recsys run` again to write a new one.",
        ) from error


def _blend_of(stored: dict[str, Any] | None) -> Blend | None:
    if stored is None:
        return None
    return Blend(stored["weights"], tuple(stored["from_history"]), stored["half_length"])
