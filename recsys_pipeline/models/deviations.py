"""What a user's own residuals say of the user: a random effect on item features, by moments.

The residual of item i for user u is ``r = zᵢᵀδᵤ + noise`` with item features z, ``δᵤ`` of mean 0
and covariance Σ, and noise of variance σ² divided by the weight of the entry. Given Σ and σ², the
best linear predictor of δᵤ is the ridge solve of `posterior` (Henderson, Best Linear Unbiased
Estimation and Prediction under a Selection Model, 1975). Σ is found by moments: for two different
items of one user ``E[rᵢrⱼ] = zᵢᵀΣzⱼ``, so it is the least-squares fit to the products of residuals
(Haseman and Elston, 1972). An item is never paired with itself: no residual explains itself.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from recsys_pipeline.data.dataset import Float32Array

Float64Array = npt.NDArray[np.float64]

_RIDGE = 1e-3


@dataclass(frozen=True)
class Sums:
    """What the posterior needs of the residuals of some users.

    Attributes:
        packed: float32 ``(n, q(q + 1)/2)``, the upper triangle of ``Σ w z zᵀ`` of each user.
        target: float64 ``(n, q)``, ``Σ w r z`` of each user.
    """

    packed: Float32Array
    target: Float64Array

    @classmethod
    def of(cls, weights: sp.csr_matrix, residuals: sp.csr_matrix, items: Float32Array) -> Self:
        """The sums over the entries of `weights`, CSR ``(n, n_items)``.

        Args:
            weights: the weight of each entry.
            residuals: weight times residual, with the same entries.
            items: z, float32 ``(n_items, q)``.
        """
        # The movies met, ascending, and the place of each: counting is quicker than sorting.
        there = np.bincount(weights.indices, minlength=len(items)) > 0
        met = np.flatnonzero(there)
        place = (np.cumsum(there) - 1)[weights.indices]
        shape = (weights.shape[0], len(met))
        compact = sp.csr_matrix((weights.data, place, weights.indptr), shape=shape)
        packed = np.asarray(compact @ packed_products(items[met]), dtype=np.float32)
        return cls(packed, np.asarray(residuals @ items, dtype=np.float64))

    @property
    def gram(self) -> Float64Array:
        """``Σ w z zᵀ`` of each user: float64 ``(n, q, q)``."""
        return _unpacked(self.packed, self.target.shape[1])

    def posterior(self, covariance: Float64Array, noise: float) -> Float64Array:
        """Expected δ of each user: float64 ``(n, q)``, 0 for a user without entries.

        ``Σ(σ²I + GΣ)⁻¹ t``, which holds where Σ has no inverse too.
        """
        matrix = self.gram @ covariance
        matrix += noise * np.eye(len(covariance))
        solved = np.linalg.solve(matrix, self.target[:, :, None])[:, :, 0]
        return np.asarray(solved @ covariance)


class Moments:
    """Adds up over blocks of users what Σ and σ² are estimated from."""

    def __init__(self, items: Float32Array) -> None:
        q = items.shape[1]
        self._items = items.astype(np.float64)
        self._products = np.zeros((q, q))
        self._grams = np.zeros((q * (q + 1) // 2,) * 2)
        self._weight = 0.0
        self._square = np.zeros(len(items))
        self._residual = np.zeros(len(items))
        self._known_variance = 0.0
        self._explained = np.zeros((q, q))

    def add(
        self,
        weights: sp.csr_matrix,
        residuals: sp.csr_matrix,
        sums: Sums,
        known: Float64Array,
    ) -> None:
        """Count in a block of users.

        Args:
            weights, residuals, sums: see `Sums.of`.
            known: float64 ``(q, q)``, the part of the covariance of δ that these users have on
                top of Σ.
        """
        n_items = len(self._items)
        self._grams += sums.packed.T @ sums.packed
        self._products += sums.target.T @ sums.target
        if known.any():
            gram = sums.gram
            self._explained += np.tensordot(gram @ known, gram, axes=([0, 2], [0, 1]))
        square = np.bincount(weights.indices, weights=weights.data**2, minlength=n_items)
        of_items = np.einsum("ia,ab,ib->i", self._items, known, self._items)
        self._square += square
        self._weight += float(weights.data.sum(dtype=np.float64))
        self._known_variance += float(square @ of_items)
        own = np.bincount(residuals.indices, weights=residuals.data**2, minlength=n_items)
        self._residual += own
        self._explained -= (self._items * (square * of_items)[:, None]).T @ self._items

    def estimate(self) -> tuple[Float64Array, float]:
        """Σ, float64 ``(q, q)`` and positive semidefinite, and σ² (> 0)."""
        items, q = self._items, len(self._products)
        entries = float(self._square.sum())
        if not entries:
            return np.zeros((q, q)), 1.0
        own = (items * self._residual[:, None]).T @ items
        target = self._products - own - self._explained
        pairs = packed_products(items)
        grams = self._grams - (pairs * self._square[:, None]).T @ pairs
        tensor = _unpacked(_unpacked(grams, q).reshape(len(grams), -1).T, q)
        # Σ_ab in the equation of Σ_cd is multiplied by G_ac G_bd; the tensor has it at acbd.
        matrix = tensor.reshape(q, q, q, q).transpose(0, 2, 1, 3).reshape(q * q, q * q)
        size = max(float(np.trace(matrix)), entries) / q**2
        matrix = matrix + _RIDGE * size * np.eye(q * q)
        raw = np.linalg.solve(matrix, target.ravel()).reshape(q, q)
        values, vectors = np.linalg.eigh((raw + raw.T) / 2)
        covariance = (vectors * np.maximum(values, 0)) @ vectors.T
        of_items = np.einsum("ia,ab,ib->i", items, covariance, items)
        # The square of weight times residual has the mean w² zᵀΣz + w σ².
        total = float(self._residual.sum())
        explained = float(self._square @ of_items) + self._known_variance
        return covariance, max(total - explained, 0.1 * total, 1e-6) / self._weight


def packed_products(features: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The upper triangle of ``z zᵀ`` of each row z: ``(n, q(q + 1)/2)``, C-contiguous."""
    first, second = np.triu_indices(features.shape[1])
    return np.ascontiguousarray(features[:, first] * features[:, second])


def _unpacked(packed: npt.NDArray[Any], q: int) -> Float64Array:
    """Symmetric matrices from their upper triangles: float64 ``(n, q, q)``."""
    first, second = np.triu_indices(q)
    place = np.empty((q, q), dtype=np.intp)
    place[first, second] = place[second, first] = np.arange(len(first))
    return np.take(packed, place.ravel(), axis=1).astype(np.float64).reshape(-1, q, q)
