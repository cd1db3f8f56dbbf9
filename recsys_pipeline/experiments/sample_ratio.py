"""Whether users are shared out as declared; a test that may be read at every look.

Each user who takes part falls into an arm with the declared probabilities, independently of the
others. Against that stands the mixture of all other probabilities by Dirichlets around the declared
ones; its likelihood ratio is a martingale whatever the number of users and looks (Lindon and Malek,
Anytime-valid inference for multinomial count data, NeurIPS 2022, eq. 7), and so is a mean of such
ratios. No normal approximation is made.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, logsumexp, xlogy

from recsys_pipeline.experiments.results import SampleRatio

LIMIT: Final = 0.02
"""False alarms over all looks together."""
CONCENTRATIONS: Final = {2500.0: 0.9, 30.0: 0.1}
"""Of the Dirichlets, and their weights: mostly for shares that are about a point in a hundred off,
which it takes many users to notice, and a little for arms that are far off among few users."""


def sample_ratio_p(counts: npt.ArrayLike, shares: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Always-valid p of counts, over all looks.

    Args:
        counts: users by arm ``(..., n_arms)``.
        shares: as declared, above 0, ``(n_arms,)``; their sum counts as 1.

    Returns:
        float64 ``(...)``; 1 for no user.

    >>> bool(sample_ratio_p([30_600, 29_400], [1, 1]) < 0.01)
    True
    """
    n = np.asarray(counts, dtype=np.float64)
    p: npt.NDArray[Any] = np.asarray(shares, dtype=np.float64)
    p = p / p.sum()
    null = xlogy(n, p).sum(axis=-1)
    ratios = [
        _log_mixture(n, concentration * p) - null + np.log(weight)
        for concentration, weight in CONCENTRATIONS.items()
    ]
    log_ratio = logsumexp(ratios, axis=0)
    return np.asarray(np.exp(np.minimum(-log_ratio, 0.0)))


def _log_mixture(n: npt.NDArray[np.float64], prior: npt.NDArray[np.float64]) -> Any:
    """Log probability of a sequence of users with counts `n` under the Dirichlet `prior`."""
    whole = prior.sum()
    of_arms = (gammaln(prior + n) - gammaln(prior)).sum(axis=-1)
    return of_arms + gammaln(whole) - gammaln(whole + n.sum(axis=-1))


def sample_ratio(counts: dict[str, int], weights: dict[str, float]) -> SampleRatio:
    """The check of an experiment.

    Args:
        counts: users by arm.
        weights: as declared, by the same arms, above 0.
    """
    total, whole = sum(counts.values()), sum(weights.values())
    p = float(sample_ratio_p(list(counts.values()), [weights[arm] for arm in counts]))
    return SampleRatio(
        counts=dict(counts),
        expected={arm: total * weights[arm] / whole for arm in counts},
        p=p,
        broken=p < LIMIT,
    )
