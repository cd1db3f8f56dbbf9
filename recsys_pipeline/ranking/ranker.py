"""The rankers: gradient boosting, and the random forest that it is compared with."""

import json
from pathlib import Path
from typing import Final, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.inspection import permutation_importance
from threadpoolctl import threadpool_limits

from recsys_pipeline.data.dataset import Float32Array
from recsys_pipeline.errors import ModelError
from recsys_pipeline.ranking.config import RankerConfig

_FILE, _MODEL = "ranker.json", "ranker.skops"
_MISSING = -1.0
_IMPORTANCE_ROWS = 2_000

SCORE: Final = "score_"
"""How names of features begin that are scores of generators."""

TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""Types that a stored ranker may hold besides those that skops trusts by itself."""


class BoostingRanker:
    """Histogram gradient boosting on pair features; its output is a probability.

    One class in the labels gives a constant probability. A feature without any value in training
    is not used.
    """

    def __init__(self, config: RankerConfig) -> None:
        self.config = config

    def fit(
        self,
        features: Float32Array,
        labels: npt.NDArray[np.integer],
        names: tuple[str, ...],
        seed: int,
    ) -> Self:
        """Fit on features ``(n, len(names))`` and labels 0 or 1 ``(n,)``."""
        self.names_ = names
        self.constant_ = float(labels.mean()) if len(labels) else 0.0
        self.model_: HistGradientBoostingClassifier | None = None
        self.used_ = np.flatnonzero(np.isfinite(features).any(axis=0))
        if len(np.unique(labels)) == 2 and len(self.used_):
            self.model_ = HistGradientBoostingClassifier(
                learning_rate=self.config.learning_rate,
                max_iter=self.config.iterations,
                max_leaf_nodes=self.config.max_leaf_nodes,
                min_samples_leaf=self.config.min_samples_leaf,
                # Codes of segments and genres are ordered numbers to the trees: a few splits tell
                # them apart, and the fitted model holds nothing but arrays.
                categorical_features=None,
                # A generator that ranks a movie higher never speaks against it.
                monotonic_cst=[int(names[column].startswith(SCORE)) for column in self.used_],
                early_stopping=False,
                random_state=seed,
            ).fit(features[:, self.used_], labels)
        return self

    def predict(self, features: Float32Array) -> Float32Array:
        """Probability that each pair is a like: float32 ``(n,)``."""
        if self.model_ is None or not len(features):
            return np.full(len(features), self.constant_, dtype=np.float32)
        probability = self.model_.predict_proba(features[:, self.used_])[:, 1]
        return np.asarray(probability, dtype=np.float32)

    def importances(
        self, features: Float32Array, labels: npt.NDArray[np.integer], seed: int
    ) -> pd.DataFrame:
        """How much AUC is lost when a feature is shuffled: columns feature, importance."""
        if self.model_ is None:
            return pd.DataFrame({"feature": list(self.names_), "importance": 0.0})
        rows = np.random.default_rng(seed).permutation(len(labels))[:_IMPORTANCE_ROWS]
        if len(np.unique(labels[rows])) < 2:
            return pd.DataFrame({"feature": list(self.names_), "importance": 0.0})
        # Many small predictions: threads cost more than they save.
        with threadpool_limits(1):
            result = permutation_importance(
                self.model_,
                features[rows][:, self.used_],
                labels[rows],
                scoring="roc_auc",
                n_repeats=2,
                random_state=seed,
            )
        table = pd.DataFrame(
            {
                "feature": [self.names_[column] for column in self.used_],
                "importance": result.importances_mean,
            }
        )
        return table.sort_values(
            ["importance", "feature"], ascending=[False, True], ignore_index=True
        )

    def save(self, folder: Path) -> None:
        """Write into `folder` as JSON and skops."""
        folder.mkdir(parents=True, exist_ok=True)
        facts = {
            "names": list(self.names_),
            "constant": self.constant_,
            "used": self.used_.tolist(),
            "config": self.config.model_dump(),
            "fitted": self.model_ is not None,
        }
        (folder / _FILE).write_text(json.dumps(facts), encoding="utf-8")
        if self.model_ is not None:
            # Loaded here: it takes seconds, and only runs and servers need it.
            import skops.io

            skops.io.dump(self.model_, folder / _MODEL)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises ModelError if it is not whole or holds unknown types."""
        import skops.io

        try:
            facts = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            ranker = cls(RankerConfig.model_validate(facts["config"]))
            ranker.names_ = tuple(facts["names"])
            ranker.constant_ = facts["constant"]
            ranker.used_ = np.array(facts["used"], dtype=np.intp)
            ranker.model_ = (
                skops.io.load(folder / _MODEL, trusted=list(TRUSTED)) if facts["fitted"] else None
            )
        except (OSError, EOFError, KeyError, ValueError, TypeError, BadZipFile) as error:
            raise ModelError(
                f"The ranker in {folder} cannot be read: {error!r}.",
                "Run `recsys run` again to write a new model.",
            ) from error
        return ranker


def forest_predictions(
    features: Float32Array,
    labels: npt.NDArray[np.integer],
    test_features: Float32Array,
    seed: int,
) -> Float32Array:
    """Probabilities of `test_features` by a random forest trained on `features`.

    The forest (200 trees, depth 15, at least 20 pairs to split, balanced classes) is a point of
    comparison: it is neither stored nor served.
    """
    if len(np.unique(labels)) < 2 or not len(test_features):
        return np.full(len(test_features), labels.mean() if len(labels) else 0.0, np.float32)
    forest = RandomForestClassifier(
        n_estimators=200,
        max_depth=15,
        min_samples_split=20,
        class_weight="balanced",
        n_jobs=-1,
        random_state=seed,
    ).fit(np.nan_to_num(features, nan=_MISSING), labels)
    probability = forest.predict_proba(np.nan_to_num(test_features, nan=_MISSING))[:, 1]
    return np.asarray(probability, dtype=np.float32)
