"""One arm against the control: means over users, corrected by the weeks before.

Every metric is a ratio of two sums over users, such as clicks over impressions, or clicks over
weeks taken part. Users are the units, so the ratio ``R = Σy / Σm`` is linearised: user i adds
``l_i = (y_i − R m_i) / mean(m)``, and the variance of R is that of the mean of l (delta method;
Deng, Knoblich and Lu, Applying the delta method in metric analytics, KDD 2018). CUPED (Deng, Xu,
Kohavi and Walker, Improving the sensitivity of online controlled experiments, WSDM 2013) takes
away what a covariate x of the weeks before explains: ``θ (x̄_arm − x̄_control)`` with
``θ = cov(l, x) / var(x)`` pooled over both.

Everything rests on the moments of (y, m, x) alone, so that thousands of tests can be compared at
once: every function takes leading dimensions of any shape.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from recsys_pipeline.experiments.always_valid import factor, p_value

Float64Array = npt.NDArray[np.float64]

LEAST_USERS: Final = 50
"""Users in each arm from which on an interval is given: below, means are not normal enough."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of (y, m, x) over the users of an arm.

    Attributes:
        n: users, float64 ``(...)``.
        mean: float64 ``(..., 3)``.
        cov: float64 ``(..., 3, 3)``.
    """

    n: Float64Array
    mean: Float64Array
    cov: Float64Array


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` finds; float64 ``(...)`` each, NaN where it cannot be told (p is then 1).

    Attributes:
        control_mean, arm_mean: R of either.
        difference: corrected; `variance` of it, `low` and `high` its always-valid bounds.
        relative: corrected difference over the corrected control; bounds by Fieller's theorem, so
            that they leave out 0 exactly when those of the difference do.
        p: always-valid.
        correlation: of l with x, 0 to 1.
    """

    control_mean: Float64Array
    arm_mean: Float64Array
    difference: Float64Array
    variance: Float64Array
    low: Float64Array
    high: Float64Array
    relative: Float64Array
    relative_low: Float64Array
    relative_high: Float64Array
    p: Float64Array
    correlation: Float64Array


def moments_of(y: Float64Array, m: Float64Array, x: Float64Array) -> Moments:
    """Moments over users; of no user, or one, the covariances are 0."""
    table = np.column_stack([y, m, x])
    n = len(table)
    mean = table.mean(axis=0) if n else np.zeros(3)
    centred = table - mean
    return Moments(np.asarray(float(n)), mean, centred.T @ centred / max(n - 1, 1))


def moments_from_sums(n: Float64Array, sums: Float64Array, products: Float64Array) -> Moments:
    """Moments from sums over users.

    Args:
        n: users ``(...)``.
        sums: of y, m, x: ``(..., 3)``.
        products: of their products: ``(..., 3, 3)``.
    """
    by = np.maximum(n, 1)[..., None]
    mean = sums / by
    outer = mean[..., :, None] * mean[..., None, :]
    cov = (products - n[..., None, None] * outer) / np.maximum(n - 1, 1)[..., None, None]
    return Moments(n, mean, cov)


def compare(control: Moments, arm: Moments, spread: float, alpha: float) -> Comparison:
    """An arm against the control.

    Args:
        control, arm: with the same leading shape.
        spread: of the mixture, as a share of the control's figure; fixed before the start.
        alpha: rate of false alarms at all looks together.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        first, second = _Linear(control), _Linear(arm)
        x_var = control.n * first.x_var + arm.n * second.x_var
        xl_cov = control.n * first.xl_cov + arm.n * second.xl_cov
        l_var = control.n * first.l_var + arm.n * second.l_var
        theta = np.where(x_var > 0, xl_cov / x_var, 0.0)
        correlation = np.where(x_var * l_var > 0, np.abs(xl_cov) / np.sqrt(x_var * l_var), 0.0)
        users = control.n + arm.n
        x_mean = (control.n * control.mean[..., 2] + arm.n * arm.mean[..., 2]) / users
        of_control = first.ratio - theta * (control.mean[..., 2] - x_mean)
        of_arm = second.ratio - theta * (arm.mean[..., 2] - x_mean)
        v_control, v_arm = first.variance(theta), second.variance(theta)
        difference, variance = of_arm - of_control, v_arm + v_control
        scale = spread * np.abs(of_control)
        told = (np.minimum(control.n, arm.n) >= LEAST_USERS) & (variance > 0) & (scale > 0)
        nothing = np.where(told, 0.0, np.nan)
        width_in_errors = factor(np.square(scale) / variance, alpha) + nothing
        width = width_in_errors * np.sqrt(variance)
        low, high = _fieller(of_control, of_arm, v_control, v_arm, width_in_errors)
        p = np.where(told, p_value(difference, variance, scale), 1.0)
    return Comparison(
        control_mean=first.ratio,
        arm_mean=second.ratio,
        difference=difference,
        variance=variance + nothing,
        low=difference - width,
        high=difference + width,
        relative=np.where(of_control != 0, difference / _not_zero(of_control), np.nan),
        relative_low=low,
        relative_high=high,
        p=p,
        correlation=np.minimum(correlation, 1.0),
    )


class _Linear:
    """The linearised ratio of an arm."""

    def __init__(self, of: Moments) -> None:
        mean_m = np.where(of.mean[..., 1] > 0, of.mean[..., 1], np.nan)
        cov = of.cov
        self.n = of.n
        self.ratio = of.mean[..., 0] / mean_m
        self.l_var = (
            cov[..., 0, 0]
            - 2 * self.ratio * cov[..., 0, 1]
            + np.square(self.ratio) * cov[..., 1, 1]
        ) / np.square(mean_m)
        self.xl_cov = (cov[..., 0, 2] - self.ratio * cov[..., 1, 2]) / mean_m
        self.x_var = cov[..., 2, 2]

    def variance(self, theta: Float64Array) -> Float64Array:
        """Of the corrected ratio."""
        left = self.l_var - 2 * theta * self.xl_cov + np.square(theta) * self.x_var
        return np.maximum(left, 0.0) / self.n


def _fieller(
    control: Float64Array,
    arm: Float64Array,
    v_control: Float64Array,
    v_arm: Float64Array,
    errors: Float64Array,
) -> tuple[Float64Array, Float64Array]:
    """Bounds of ``arm / control − 1``: all r with |arm − r control| ≤ errors · its error.

    NaN where the control is not surely above zero: then no finite bounds exist.
    (Fieller, Some problems in interval estimation, 1954.)
    """
    a = np.square(control) - np.square(errors) * v_control
    b = control * arm
    c = np.square(arm) - np.square(errors) * v_arm
    root = np.sqrt(np.maximum(np.square(b) - a * c, 0.0))
    sure = (a > 0) & (control > 0)
    low = np.where(sure, (b - root) / a - 1, np.nan)
    return low, np.where(sure, (b + root) / a - 1, np.nan)


def _not_zero(values: Float64Array) -> Float64Array:
    return np.where(values != 0, values, np.nan)
