"""What a blend is fitted on: the generators' scores of candidates, or of labelled pairs."""

import numpy as np
import scipy.sparse as sp

from recsys_pipeline.data.dataset import BoolArray, UserBatch
from recsys_pipeline.models.base import top_k
from recsys_pipeline.ranking.blend import Candidates, LabelledPairs
from recsys_pipeline.ranking.panel import Pairs, Panel


def gather_candidates(
    panel: Panel, users: UserBatch, relevant: sp.csr_matrix, per_generator: int
) -> Candidates:
    """The best unseen movies of every generator for every user, scored by all of them.

    Args:
        panel: fitted on what came before `relevant`.
        users: whose candidates.
        relevant: CSR ``(len(users), n_items)``: what they went on to like.
        per_generator: candidates that each generator proposes.
    """
    parts = [_of_block(panel, block, per_generator) for block in panel.blocks(users)]
    rows = np.concatenate([np.empty(0, np.int64), *(start + r for start, r, _, _ in parts)])
    items = np.concatenate([np.empty(0, np.int64), *(i for _, _, i, _ in parts)])
    names = panel.proposers
    scores = np.concatenate([np.empty((0, len(names)), np.float32), *(v for _, _, _, v in parts)])
    counts = np.bincount(rows, minlength=len(users))
    width = int(counts.max(initial=0))
    place = np.arange(len(rows)) - (np.cumsum(counts) - counts)[rows]
    values = np.zeros((len(users), width, len(names)), dtype=np.float32)
    values[rows, place] = scores
    there = np.zeros((len(users), width), dtype=bool)
    there[rows, place] = True
    liked = np.zeros((len(users), width), dtype=bool)
    if len(rows):
        liked[rows, place] = np.asarray(relevant[rows, items]).ravel() > 0
    return Candidates(
        names=names,
        values=values,
        there=there,
        relevant=liked,
        n_relevant=np.diff(relevant.indptr).astype(np.int32),
        lengths=users.history_lengths,
    )


def _of_block(
    panel: Panel, block: tuple[int, UserBatch], per_generator: int
) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
    """First row, then row, item and scores of each candidate of a block of users."""
    start, users = block
    scores = panel.standardised(users)
    chosen = np.zeros(users.history.shape, dtype=bool)
    for values in scores.values():
        items, _ = top_k(values, users, per_generator)
        places = items >= 0
        chosen[np.nonzero(places)[0], items[places]] = True
    rows, columns = np.nonzero(chosen)
    table = np.stack([values[rows, columns] for values in scores.values()], axis=1)
    return start, rows, columns, table


def gather_pairs(panel: Panel, users: UserBatch, pairs: Pairs, liked: BoolArray) -> LabelledPairs:
    """Labelled pairs with the scores of every generator."""
    values = np.nan_to_num(panel.generator_features(users, pairs), nan=0.0)
    return LabelledPairs(panel.proposers, values, liked, users.history_lengths[pairs.rows])
