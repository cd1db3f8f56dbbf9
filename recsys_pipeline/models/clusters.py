"""Clusters: what people like who are like this user."""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.cluster import MiniBatchKMeans
from threadpoolctl import threadpool_limits

from recsys_pipeline.data.dataset import BoolArray, Dataset, Float32Array, Int32Array, UserBatch
from recsys_pipeline.models.base import Recommender
from recsys_pipeline.models.config import ClustersConfig
from recsys_pipeline.models.encoding import ProfileEncoder
from recsys_pipeline.models.files import read_model, write_model
from recsys_pipeline.models.shares import group_scores
from recsys_pipeline.models.spectrum import Spectrum

_STARTS = 3


class Clusters(Recommender):
    """Popularity within the cluster of users that a user is nearest to (`group_scores`).

    A user's place has two parts: the direction of the history among the strongest factors of all
    histories (a truncated singular value decomposition), and the features of the profile, scaled
    so that both vary alike. k-means (Sculley, Web-Scale K-Means Clustering, 2010) finds the
    centres. A user is assigned by the parts that are known: without history by the profile
    alone, without a profile by the history alone, and with neither to no cluster.

    Attributes:
        encoder_: the fitted `ProfileEncoder`.
        directions_: float32 ``(n_items, rank)``, the factors of an item.
        scale_: what the features of the profile are multiplied by.
        centres_: float32 ``(n_clusters, rank + number of profile features)``.
        sizes_: int64 ``(n_clusters,)``, users in each cluster at fitting.
        scores_: float32 ``(1 + n_clusters, n_items)``; row 0 is for users of no cluster.
    """

    name = "clusters"

    def __init__(self, config: ClustersConfig | None = None) -> None:
        self.config = config or ClustersConfig()

    def fit(self, data: Dataset, rng: np.random.Generator) -> Self:
        self.n_items_ = data.n_items
        self.encoder_ = ProfileEncoder.fit(data.profiles)
        self.directions_ = _directions(data.history, self.config.factors, rng)
        self._derive()
        batch = data.batch()
        self.scale_ = 1.0
        history, profile = self._parts(batch)
        spread = float(profile.var(axis=0, dtype=np.float64).sum())
        if spread > 0:
            self.scale_ = float(np.sqrt(max(history.var(axis=0).sum(), 0.1) / spread))
        places = np.hstack([history, profile * np.float32(self.scale_)])
        known = np.logical_or(*self._known(batch))
        self.centres_ = self._centres(places[known], rng)
        group = self.assign(batch)
        self.sizes_ = np.bincount(group[group >= 0], minlength=len(self.centres_))
        self.scores_ = group_scores(data, group, len(self.centres_), self.config.prior_likes)
        return self

    def _derive(self) -> None:
        """Work out what follows from the directions."""
        # Sparse products copy a matrix that does not lie row by row.
        self.directions_ = np.ascontiguousarray(self.directions_)
        self._told = (self.directions_ != 0).any(axis=1).astype(np.float32)
        self._fitted = object()

    def _centres(self, places: Float32Array, rng: np.random.Generator) -> Float32Array:
        distinct = len(np.unique(places, axis=0)) if len(places) else 0
        wanted = self.config.n_clusters
        if wanted == "auto":
            wanted = max(2, round(np.log2(max(len(places), 1))))
        seed = int(rng.integers(2**32))
        if not distinct:
            return np.zeros((0, places.shape[1]), dtype=np.float32)
        model = MiniBatchKMeans(min(wanted, distinct), n_init=_STARTS, random_state=seed)
        with threadpool_limits(1):
            model.fit(places)
        return np.asarray(model.cluster_centers_, dtype=np.float32)

    def _parts(self, users: UserBatch) -> tuple[Float32Array, Float32Array]:
        """Direction of the history, of length 1 or 0, and features of the profile, scaled."""
        history = users.history @ self.directions_
        length = np.sqrt(np.einsum("ij,ij->i", history, history))[:, None]
        history /= np.where(length > 0, length, 1)
        profile = self.encoder_.of(users).features
        return history.astype(np.float32, copy=False), profile * np.float32(self.scale_)

    def _known(self, users: UserBatch) -> tuple[BoolArray, BoolArray]:
        """Who has a history that says something, and who a profile."""
        return users.history @ self._told > 0, self.encoder_.of(users).anything

    def assign(self, users: UserBatch) -> Int32Array:
        """The cluster of each user: int32 ``(len(users),)``, −1 where nothing is known.

        Raises:
            ModelError: the model is not fitted, or `users` belongs to another catalogue.
        """
        self._catalogue(users)
        return users.once(self._fitted, lambda: self._nearest(users))

    def _nearest(self, users: UserBatch) -> Int32Array:
        """As `assign`, computed anew."""
        nearest = np.full(len(users), -1, dtype=np.int32)
        if not len(self.centres_):
            return nearest
        rank = self.directions_.shape[1]
        distance = np.zeros((len(users), len(self.centres_)), dtype=np.float32)
        centres = self.centres_[:, :rank], self.centres_[:, rank:]
        parts = zip(self._parts(users), centres, self._known(users), strict=True)
        reached = np.zeros(len(users), dtype=bool)
        for part, centre, known in parts:
            away = np.square(centre).sum(axis=1) - 2 * (part[known] @ centre.T)
            distance[known] += away
            reached |= known
        nearest[reached] = distance[reached].argmin(axis=1)
        return nearest

    def score(self, users: UserBatch) -> Float32Array:
        """At least 0."""
        self._catalogue(users)
        return self.scores_[self.assign(users) + 1]

    def knows(self, users: UserBatch) -> BoolArray:
        """Users who are in a cluster."""
        known: BoolArray = self.assign(users) >= 0
        return known

    def save(self, folder: Path) -> None:
        self._catalogue()
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "directions": self.directions_,
            "centres": self.centres_,
            "sizes": self.sizes_,
            "scores": self.scores_,
        }
        state = {"profile": self.encoder_.to_dict(), "scale": self.scale_}
        write_model(folder, self.name, self.config, arrays, state)

    @classmethod
    def load(cls, folder: Path) -> Self:
        files = read_model(folder, cls.name)
        model = cls(ClustersConfig.model_validate(files.config))
        model.encoder_ = ProfileEncoder.from_dict(files.state["profile"])
        model.scale_ = float(files.state["scale"])
        model.directions_, model.centres_ = files.arrays["directions"], files.arrays["centres"]
        model.sizes_, model.scores_ = files.arrays["sizes"], files.arrays["scores"]
        model.n_items_ = model.scores_.shape[1]
        model._derive()
        return model


def _directions(history: sp.csr_matrix, rank: int, rng: np.random.Generator) -> Float32Array:
    """The strongest right singular vectors: float32 ``(n_items, rank)``, fewer if there are."""
    rank = min(rank, min(history.shape) - 1)
    if rank < 1 or not history.nnz:
        return np.zeros((history.shape[1], 0), dtype=np.float32)
    spectrum = Spectrum.truncated(history, rank, rng)
    return np.asarray(spectrum.scaled / np.sqrt(spectrum.values), dtype=np.float32)
