"""Ridge regression on all products of a user's and an item's features, in closed form.

The prediction of a pair is ``uᵀ W v``. Its normal equations have one row for every pair of
features, and their Gram matrix is ``Σ (u ⊗ v)(u ⊗ v)ᵀ`` over the pairs. An entry of it is
``Σ u_a u_c · v_b v_d``: so it is enough to sum products of item features per user, and then to
multiply by products of user features once per user instead of once per pair.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.sparse as sp

from recsys_pipeline.data.dataset import Float32Array, Int32Array
from recsys_pipeline.models.base import row_blocks

Float64Array = npt.NDArray[np.float64]
_TABLE_BYTES = 64_000_000

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class NormalEquations:
    """``gram @ W.ravel() = target`` for W of shape ``(p, q)``; sums of equations are equations.

    Attributes:
        gram: float64 ``(p, q, p, q)``, symmetric.
        target: float64 ``(p, q)``.
    """

    gram: Float64Array
    target: Float64Array

    def solve(self, ridge: Float64Array) -> Float32Array:
        """W, float32 ``(p, q)``, with ``ridge`` ``(p, q)`` (> 0) added to the diagonal."""
        p, q = self.target.shape
        matrix = self.gram.reshape(p * q, p * q).copy()
        matrix[np.diag_indices(p * q)] += ridge.ravel()
        factor = scipy.linalg.cho_factor(matrix, overwrite_a=True, check_finite=False)
        weights = scipy.linalg.cho_solve(factor, self.target.ravel(), check_finite=False)
        return np.asarray(weights.reshape(p, q), dtype=np.float32)


def pair_equations(
    user_features: Float32Array,
    item_features: Float32Array,
    user: Int32Array,
    item: Int32Array,
    value: Float32Array,
    weight: Float32Array,
) -> NormalEquations:
    """Normal equations of weighted pairs.

    Args:
        user_features: float32 ``(n_users, p)``.
        item_features: float32 ``(n_items, q)``.
        user, item: the pairs, each ``(n,)``.
        value: what W predicts, float32 ``(n,)``.
        weight: weight of each pair's squared error, float32 ``(n,)``.
    """
    p, q = user_features.shape[1], item_features.shape[1]
    first, second = np.triu_indices(q)
    left, right = np.triu_indices(p)
    products = np.zeros((len(left), len(first)))
    target = np.zeros((p, q))
    order = np.argsort(user, kind="stable")
    row_bytes = 4 * len(first)
    table = None
    if len(item_features) * row_bytes <= _TABLE_BYTES:
        table = _products(item_features, first, second)
    for block in row_blocks(len(order), row_bytes):
        rows = order[block]
        # In order of user: a user's pairs stand together.
        starts = np.ones(len(rows), dtype=bool)
        starts[1:] = user[rows[1:]] != user[rows[:-1]]
        members, place = user[rows[starts]], np.cumsum(starts) - 1
        users = user_features[members]
        if table is None:
            items = item_features[item[rows]]
            by_pair, column = _products(items, first, second), np.arange(len(rows))
        else:
            items, by_pair, column = item_features, table, item[rows].astype(np.intp)
        shape = (len(members), len(items))
        sums = sp.csr_matrix((weight[rows], (place, column)), shape=shape)
        values = sp.csr_matrix((weight[rows] * value[rows], (place, column)), shape=shape)
        products += _products(users, left, right).T @ (sums @ by_pair)
        target += users.T @ (values @ items)
    return NormalEquations(_unfold(products, (left, right), (first, second), (p, q)), target)


def _products(features: Float32Array, first: IntArray, second: IntArray) -> Float32Array:
    """Products of pairs of columns, C-contiguous: sparse products would copy it otherwise."""
    return np.ascontiguousarray(features[:, first] * features[:, second])


def background_equations(
    user_features: Float32Array, item_features: Float32Array, weight: float
) -> NormalEquations:
    """Normal equations of every user with every item at value 0, each with `weight`."""
    users = user_features.T.astype(np.float64) @ user_features
    items = item_features.T.astype(np.float64) @ item_features
    gram = weight * np.einsum("ac,bd->abcd", users, items)
    return NormalEquations(gram, np.zeros((len(users), len(items))))


def _unfold(
    products: Float64Array,
    user_pair: tuple[IntArray, IntArray],
    item_pair: tuple[IntArray, IntArray],
    shape: tuple[int, int],
) -> Float64Array:
    """Sums over unordered pairs of features as the Gram tensor ``(p, q, p, q)``."""
    p, q = shape
    by_user = np.empty((p, p, products.shape[1]))
    by_user[user_pair] = products
    by_user[user_pair[::-1]] = products
    gram = np.empty((p, q, p, q))
    pairs = gram.transpose(1, 3, 0, 2)
    by_pair = by_user.transpose(2, 0, 1)
    pairs[item_pair] = by_pair
    pairs[item_pair[::-1]] = by_pair
    return gram
