"""The largest eigenvalues of XᵀX and what EASE makes from them, exactly or truncated."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from sklearn.utils.extmath import randomized_svd

from recsys_pipeline.data.dataset import Float32Array

_POWER_ITERATIONS = 2


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues Λ of XᵀX with their eigenvectors V, as ``V Λ^½``.

    Attributes:
        values: float32 ``(rank,)``, Λ > 0.
        scaled: float32 ``(n_items, rank)``, the eigenvectors times the root of their eigenvalue.
    """

    values: Float32Array
    scaled: Float32Array

    @classmethod
    def exact(cls, matrix: sp.csr_matrix) -> Self:
        """All of it, through XXᵀ: for a matrix with fewer rows (users) than columns (items)."""
        values, vectors = scipy.linalg.eigh(
            (matrix @ matrix.T).toarray(), driver="evd", overwrite_a=True, check_finite=False
        )
        kept = values > values[-1] * np.finfo(np.float32).eps
        return cls(values[kept], matrix.T @ np.ascontiguousarray(vectors[:, kept]))

    @classmethod
    def truncated(cls, matrix: sp.csr_matrix, rank: int, rng: np.random.Generator) -> Self:
        """The `rank` largest, by randomized subspace iteration.

        Halko, Martinsson and Tropp, Finding Structure with Randomness, 2011, algorithm 4.4.
        """
        _, roots, vectors = randomized_svd(
            matrix,
            rank,
            n_iter=_POWER_ITERATIONS,
            power_iteration_normalizer="LU",
            random_state=int(rng.integers(2**32)),
        )
        kept = roots > roots.max(initial=0) * np.sqrt(np.finfo(np.float32).eps)
        scaled = vectors[kept].T * roots[kept]
        return cls((roots[kept] ** 2).astype(np.float32), scaled.astype(np.float32))

    def factors(self, penalty: float) -> Float32Array:
        """F with ``I − FFᵀ = λ(XᵀX + λI)⁻¹``: float32 ``(n_items, rank)``."""
        factors: Float32Array = self.scaled / np.sqrt(np.float32(penalty) + self.values)
        return factors
