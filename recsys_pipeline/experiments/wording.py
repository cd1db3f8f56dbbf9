"""The verdict, and what was found in words that need no statistics."""

from collections.abc import Collection, Sequence
from math import isnan
from typing import Final

from recsys_pipeline.experiments.comparing import LEAST_USERS
from recsys_pipeline.experiments.config import HOLDOUT
from recsys_pipeline.experiments.design import EVERYBODY_ELSE, Design
from recsys_pipeline.experiments.results import (
    Effect,
    Guardrail,
    Planned,
    SampleRatio,
    Verdict,
)

LABELS: Final[dict[str, str]] = {
    "click_through": "click-through",
    "list_click_through": "the share of lists with a click",
    "clicks": "clicks per user and week",
    "watch_minutes": "time watched per user and week",
    "satisfaction": "satisfaction (mean rating)",
    "active_days": "active days per user and week",
    "return_rate": "the share of users who return",
}
"""What each metric is called within a sentence."""
SAFE: Final = "This holds although it is looked at every week."


def verdict(
    design: Design,
    effects: Sequence[Effect],
    guardrails: Sequence[Guardrail],
    ratio: SampleRatio,
    stopped: Collection[str],
) -> tuple[Verdict, str]:
    """The verdict, and the better arm (empty for none); see `results.Verdict`."""
    deciding = _deciding(design, effects, stopped)
    harmful = {rail.arm for rail in guardrails if rail.broken}
    if ratio.broken:
        return "broken", ""
    if all(arm in stopped for arm in design.arms[1:]):
        return "stopped", ""
    better = [each for each in deciding if each.low > 0 and each.arm not in harmful]
    if better:
        return "better", max(better, key=lambda each: each.difference).arm
    known = {each.arm for each in deciding}
    if not known.issuperset(arm for arm in design.arms[1:] if arm not in stopped):
        return "no difference yet", ""
    if deciding and all(each.high < 0 or each.arm in harmful for each in deciding):
        return "worse", ""
    if deciding and all(_within(each, design.least_effect) for each in deciding):
        return "equivalent", ""
    return "no difference yet", ""


def sentence(
    design: Design,
    found: Verdict,
    winner: str,
    effects: Sequence[Effect],
    guardrails: Sequence[Guardrail],
    ratio: SampleRatio,
    planned: Planned,
    weeks: int,
    stopped: Collection[str],
    over: str = "",
) -> str:
    """What was found, how sure that is, and what to do; `over` as of `ExperimentResult`."""
    control, label = design.arms[0], LABELS[design.metric]
    deciding = _deciding(design, effects, stopped)
    users = sum(ratio.counts.values())
    if found == "broken":
        return _broken(ratio, design)
    if found == "stopped":
        return (
            f"Stopped: every arm but “{control}” was taken out of service. “{control}” answers "
            f"everybody{'.' if over else '; end the experiment.'}"
        )
    basis = f"from {users:,} users over {_weeks(weeks)}"
    if design.name == HOLDOUT and found in ("better", "worse"):
        word = "help" if found == "better" else "do harm"
        return (
            f"The recommendations {word}: outside of the holdout {label} is "
            f"{_change(deciding[0])}, {basis}. {SAFE}"
        )
    if found == "better":
        best = next(each for each in deciding if each.arm == winner)
        return (
            f"“{winner}” is better than “{control}”: {label} is {_change(best)}, {basis}. {SAFE} "
            f"Give everybody “{winner}”."
        )
    if found == "worse":
        keep = "Keep the control." if over else _STOP
        return " ".join([*(_worse(each, design, guardrails) for each in deciding), SAFE, keep])
    if found == "equivalent":
        texts = " and ".join(f"with “{each.arm}” it is {_change(each)}" for each in deciding)
        return (
            f"No difference that is worth having in {label}: {texts}, {basis}; "
            f"{_percent(design.least_effect)} was worth finding. {SAFE} "
            + (
                "The recommendations change nothing that is worth having here: find out why."
                if design.name == HOLDOUT
                else "Keep whichever is simpler to run."
            )
        )
    return _not_yet(design, deciding, planned, weeks, users, over)


def guardrail_text(effect: Effect, limit: float, broken: bool) -> str:
    """What is said of a guardrail."""
    label = LABELS[effect.metric]
    if broken:
        return (
            f"“{effect.arm}” loses more than {_percent(limit)} of {label}: it is "
            f"{_change(effect)}. Stop this arm."
        )
    if isnan(effect.relative_high):
        return f"Too early to tell what “{effect.arm}” does to {label}."
    return (
        f"Nothing says that “{effect.arm}” loses more than {_percent(limit)} of {label}: it is "
        f"{_change(effect)}."
    )


def harm_text(effect: Effect, limit: float, broken: bool) -> str:
    """What is said of harm to the deciding metric, of which nothing (`limit` 0) may be lost."""
    label = LABELS[effect.metric]
    if broken and effect.arm == EVERYBODY_ELSE:
        return (
            f"The recommendations do harm: outside of the holdout {label} is {_change(effect)}. "
            "Roll back, and find out why."
        )
    if broken:
        return f"“{effect.arm}” does harm: {label} is {_change(effect)}. Stop this arm."
    if isnan(effect.relative_high):
        return f"Too early to tell what “{effect.arm}” does to {label}."
    return f"Nothing says that “{effect.arm}” does harm: {label} is {_change(effect)}."


_STOP: Final = "Stop the arm and keep the control."
_LASTS: Final = "The holdout goes on; looking at it does no harm."
_OVER: Final = "It is over: keep the control, or start anew under another name and with more users."


def _deciding(design: Design, effects: Sequence[Effect], stopped: Collection[str]) -> list[Effect]:
    return [e for e in effects if e.metric == design.metric and e.arm not in stopped]


def _within(effect: Effect, least: float) -> bool:
    return effect.relative_low > -least and effect.relative_high < least


def _broken(ratio: SampleRatio, design: Design) -> str:
    seen = ", ".join(f"{count:,} in “{arm}”" for arm, count in ratio.counts.items())
    due = ", ".join(f"{round(count):,}" for count in ratio.expected.values())
    return (
        f"Nothing may be said: {seen}, where {due} were due, which is no chance. Some users are "
        "lost or counted twice in one arm. Find the cause, then "
        + (
            "draw another holdout by another `salt` in [experiments]."
            if design.name == HOLDOUT
            else "start anew under another name."
        )
    )


def _worse(effect: Effect, design: Design, guardrails: Sequence[Guardrail]) -> str:
    if effect.high < 0:
        return (
            f"“{effect.arm}” is worse than “{design.arms[0]}”: {LABELS[effect.metric]} is "
            f"{_change(effect)}."
        )
    own = [rail for rail in guardrails if rail.arm == effect.arm and rail.broken]
    return " ".join(rail.text.removesuffix(" Stop this arm.") for rail in own)


def _not_yet(
    design: Design,
    deciding: Sequence[Effect],
    planned: Planned,
    weeks: int,
    users: int,
    over: str,
) -> str:
    label = LABELS[design.metric]
    told = [each for each in deciding if not isnan(each.low)]
    if not told:
        return (
            f"{'Over' if over else 'Too early to tell'}: {users:,} users took part"
            f"{', too few' if over else ' so far'}. It takes {LEAST_USERS} in each arm, and some "
            f"of what {label} counts. {_OVER if over else 'Let it run.'}"
        )
    texts = "; ".join(f"with “{each.arm}” it is {_change(each)}" for each in told)
    return f"No difference yet in {label}: {texts}, from {users:,} users over {_weeks(weeks)}. " + (
        _OVER if over else _LASTS if design.name == HOLDOUT else _patience(planned, weeks)
    )


def _patience(planned: Planned, weeks: int) -> str:
    worth = f"A change of {_percent(planned.least_effect)}"
    if isnan(planned.baseline):
        return "How long it takes cannot be told yet. Let it run; looking at it does no harm."
    if isnan(planned.weeks_needed):
        return (
            f"{worth} cannot be counted on to show with so few users, however long it runs. "
            "Give it more users, or look for a larger change."
        )
    if weeks < planned.weeks_needed:
        return (
            f"{worth} needs about {_weeks(int(planned.weeks_needed))} to show. Let it run; looking "
            "at it meanwhile does no harm."
        )
    return (
        f"{worth} would most likely have shown within {_weeks(int(planned.weeks_needed))}. "
        "Stop it and keep the control, or let it run to look for a smaller change."
    )


def _change(effect: Effect) -> str:
    """Such as “12.3 % higher (between 4.1 % and 20.9 %)”; in absolute figures where it must be."""
    if isnan(effect.relative_low):
        if isnan(effect.low):
            return "not known yet"
        return (
            f"{effect.arm_mean:.3g} instead of {effect.control_mean:.3g} (a difference between "
            f"{effect.low:+.3g} and {effect.high:+.3g})"
        )
    way = "higher" if effect.relative >= 0 else "lower"
    low, high = effect.relative_low, effect.relative_high
    if effect.relative < 0 and high <= 0:
        low, high = -high, -low
    if low >= 0:
        bounds = f"between {_percent(low)} and {_percent(high)}"
    else:
        bounds = f"between {_percent(-low)} less and {_percent(high)} more"
    return f"{_percent(abs(effect.relative))} {way} ({bounds})"


def _percent(share: float) -> str:
    digits = 1 if abs(share) < 1 else 0
    return f"{100 * share:.{digits}f}".removesuffix(".0") + " %"


def _weeks(weeks: int) -> str:
    return "1 week" if weeks == 1 else f"{weeks} weeks"
