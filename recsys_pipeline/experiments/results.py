"""What may be said of an experiment by now: figures of arms, never of a user."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

Verdict = Literal["better", "worse", "no difference yet", "equivalent", "broken", "stopped"]
"""What was found, of the arm that `ExperimentResult.winner` or the sentence names.

- better: an arm is surely better than the control by the deciding metric, and nothing that must
  not get worse is surely worse.
- worse: every arm that is not stopped is surely worse, or breaks what must not get worse.
- no difference yet: zero is possible, and so is an effect that is worth finding.
- equivalent: effects that are worth finding are ruled out, either way, in every arm.
- broken: users are not shared out as declared, so that nothing may be said.
- stopped: every arm but the control was stopped.
"""


@dataclass(frozen=True, slots=True)
class Effect:
    """One arm against the control by one metric.

    NaN stands for what cannot be told.

    Attributes:
        metric, arm: what is compared, and which arm.
        control_mean, arm_mean: the metric in either, before the correction by earlier weeks.
        difference: arm less control, after the correction; `low` and `high` its always-valid
            bounds: they hold at all looks together.
        relative, relative_low, relative_high: the same as a share of the control's figure.
        p: always-valid, corrected for the number of arms as the bounds are; at or below alpha
            exactly when the interval leaves out zero.
        n_control, n_arm: users.
        cuped_correlation: of the metric with the same metric in the weeks before (0 to 1); 0
            where there are none.
    """

    metric: str
    arm: str
    control_mean: float
    arm_mean: float
    difference: float
    low: float
    high: float
    relative: float
    relative_low: float
    relative_high: float
    p: float
    n_control: int
    n_arm: int
    cuped_correlation: float


@dataclass(frozen=True, slots=True)
class SegmentEffect:
    """An arm's effect on the deciding metric in one segment.

    Attributes:
        segment: its name.
        effect: with bounds and p as they are without correction.
        p_corrected: p corrected for the number of segments and arms (Holm).
        differs: whether the segment surely has an effect: `p_corrected` is at most alpha.
    """

    segment: str
    effect: Effect
    p_corrected: float
    differs: bool


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Whether users were shared out as declared.

    Attributes:
        counts: users by arm.
        expected: users by arm as declared.
        p: always-valid.
        broken: whether `p` is below its limit.
    """

    counts: dict[str, int]
    expected: dict[str, float]
    p: float
    broken: bool


@dataclass(frozen=True, slots=True)
class Guardrail:
    """Whether something that must not get worse has.

    Attributes:
        metric, arm: what is watched, and in which arm.
        loss: share of the control's figure that is lost (negative for a gain).
        limit: share that may be lost.
        broken: whether the loss is surely beyond the limit: the arm is to be stopped.
        text: one sentence.
    """

    metric: str
    arm: str
    loss: float
    limit: float
    broken: bool
    text: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What the experiment can find, and when.

    Attributes:
        least_effect: relative change that is worth finding.
        detectable: relative change that is found with the planned power by the planned end; NaN
            where there is no end, or nothing is known.
        weeks_needed: weeks after which `least_effect` is found with the planned power; NaN where
            never, or nothing is known.
        users_needed: users in the control and the smallest other arm together by then; NaN
            likewise.
        weeks: weeks so far.
        power: chance to find it.
        baseline: the deciding metric that this rests on; NaN where nothing is known.
    """

    least_effect: float
    detectable: float
    weeks_needed: float
    users_needed: float
    weeks: int
    power: float
    baseline: float = math.nan


@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """What may be said of an experiment after a look; reading it weekly is safe.

    Attributes:
        name: of the experiment.
        metric: what decides.
        started: ISO day of its first week that was looked at; empty before anybody took part.
        looked_at: ISO day on which the last week ended.
        weeks: weeks of data.
        alpha: rate of false alarms over all looks together.
        arms: names, the control first.
        stopped: arms that were stopped.
        effects: each arm but the control by each metric that can be told.
        by_segment: each arm by segment, by the deciding metric.
        sample_ratio: whether users were shared out as declared.
        guardrails: each guardrail by arm; the deciding metric, surely worse than the control, is
            one as well.
        verdict: in a word.
        winner: the better arm; empty for none.
        sentence: what was found and what to do, for people.
        planned: what it can find, and when.
        over: ISO day from which on it no longer ran, so that no later week counts; empty while it
            runs.
    """

    name: str
    metric: str
    started: str
    looked_at: str
    weeks: int
    alpha: float
    arms: tuple[str, ...]
    stopped: tuple[str, ...]
    effects: tuple[Effect, ...]
    by_segment: tuple[SegmentEffect, ...]
    sample_ratio: SampleRatio
    guardrails: tuple[Guardrail, ...]
    verdict: Verdict
    winner: str
    sentence: str
    planned: Planned
    over: str = ""

    def effect(self, metric: str, arm: str) -> Effect | None:
        """The effect of an arm by a metric; None where there is none."""
        for each in self.effects:
            if (each.metric, each.arm) == (metric, arm):
                return each
        return None

    @property
    def to_stop(self) -> tuple[str, ...]:
        """Arms with a broken guardrail that are not stopped yet; none where it is over."""
        if self.over:
            return ()
        broken = {rail.arm for rail in self.guardrails if rail.broken}
        return tuple(arm for arm in self.arms if arm in broken and arm not in self.stopped)

    def to_json(self) -> str:
        """As JSON; what cannot be told is null."""
        return json.dumps(_plain(asdict(self)), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """From `to_json`'s text."""
        return cls._read(json.loads(text))

    @classmethod
    def _read(cls, raw: dict[str, Any]) -> Self:
        return cls(
            **{
                **raw,
                "arms": tuple(raw["arms"]),
                "stopped": tuple(raw["stopped"]),
                "effects": tuple(_effect(each) for each in raw["effects"]),
                "by_segment": tuple(_segment(each) for each in raw["by_segment"]),
                "sample_ratio": SampleRatio(**_numbers(raw["sample_ratio"], ("p",))),
                "guardrails": tuple(
                    Guardrail(**_numbers(each, ("loss", "limit"))) for each in raw["guardrails"]
                ),
                "planned": Planned(**_numbers(raw["planned"], _PLANNED)),
            }
        )


def to_json(results: Sequence[ExperimentResult]) -> str:
    """Several results as one JSON list."""
    rows = [_plain(asdict(result)) for result in results]
    return json.dumps(rows, ensure_ascii=False, allow_nan=False)


def from_json(text: str | bytes) -> tuple[ExperimentResult, ...]:
    """From the text of the module's `to_json`."""
    return tuple(ExperimentResult._read(raw) for raw in json.loads(text))


_EFFECT: Final = (
    *("control_mean", "arm_mean", "difference", "low", "high"),
    *("relative", "relative_low", "relative_high", "p", "cuped_correlation"),
)
_PLANNED: Final = (
    "least_effect",
    "detectable",
    "weeks_needed",
    "users_needed",
    "power",
    "baseline",
)


def _effect(raw: dict[str, Any]) -> Effect:
    return Effect(**_numbers(raw, _EFFECT))


def _segment(raw: dict[str, Any]) -> SegmentEffect:
    return SegmentEffect(**{**_numbers(raw, ("p_corrected",)), "effect": _effect(raw["effect"])})


def _numbers(raw: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """`raw` with NaN in place of null under `keys`."""
    return {**raw, **{key: math.nan if raw[key] is None else raw[key] for key in keys}}


def _plain(value: Any) -> Any:
    """`value` with null in place of what is not finite."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
