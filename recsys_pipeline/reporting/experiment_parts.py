"""Parts of a report on experiments: did it help."""

from collections.abc import Sequence
from typing import Any, Final

from recsys_pipeline.business import wording
from recsys_pipeline.experiments.plots import arms_beside
from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.reporting import words
from recsys_pipeline.reporting.document import Block, Note, Notes, Table, Text, Tone
from recsys_pipeline.reporting.pictures import picture

TONES: Final[dict[str, Tone]] = {
    "better": "good",
    "worse": "bad",
    "broken": "bad",
    "stopped": "plain",
    "equivalent": "plain",
    "no difference yet": "unknown",
}


def experiments_blocks(results: Sequence[ExperimentResult] | None) -> tuple[Block, ...]:
    """What each experiment found so far."""
    if not results:
        return (
            Text(
                "No experiment runs, so whether the recommendations help is not measured. Compare "
                "a recipe with the one in service: `recsys experiment start`; or keep a few users "
                "on popular movies for ever: `holdout` in [experiments] of recsys.toml."
            ),
        )
    blocks: list[Block] = [
        Notes(
            tuple(
                Note(TONES[each.verdict], each.verdict, f"{each.name}: {each.sentence}")
                for each in results
            )
        )
    ]
    for place, each in enumerate(results, 1):
        blocks += result_blocks(each, f"experiment-{place}")
    return tuple(blocks)


def result_blocks(result: ExperimentResult, name: str) -> list[Block]:
    """The effects of one experiment, its segments, guardrails and shares of users.

    Args:
        result: what it found.
        name: of its picture, unique in the document.
    """
    blocks: list[Block] = []
    if result.effects:
        effects = "; ".join(
            f"{words.label(each.metric)} of {each.arm} {_relative(each.relative)}"
            for each in result.effects
        )
        blocks.append(
            picture(arms_beside(result), name, f"Effects of {result.name} by arm. {effects}.")
        )
        blocks.append(_effects(result))
    if result.by_segment:
        blocks.append(_segments(result))
    rails = [rail for rail in result.guardrails if rail.broken]
    if rails:
        blocks.append(Notes(tuple(Note("bad", "guardrail", rail.text) for rail in rails)))
    blocks.append(Text(_counted(result)))
    return blocks


def _effects(result: ExperimentResult) -> Table:
    control = result.arms[0]
    rows = tuple(
        (
            f"{words.label(each.metric)}{' (decides)' if each.metric == result.metric else ''}",
            each.arm,
            words.figure(each.metric, each.control_mean),
            words.figure(each.metric, each.arm_mean),
            _relative(each.relative),
            _bounds(each.relative_low, each.relative_high),
        )
        for each in result.effects
    )
    return Table(
        f"{result.name}: each arm against '{control}', with intervals that hold at every look",
        ("Figure", "arm", control, "arm's figure", "effect", "interval"),
        rows,
        numeric=(2, 3, 4, 5),
    )


def _segments(result: ExperimentResult) -> Table:
    rows = tuple(
        (
            each.segment,
            each.effect.arm,
            _relative(each.effect.relative),
            _bounds(each.effect.relative_low, each.effect.relative_high),
            _said(each.differs, each.effect.relative),
            f"{each.effect.n_control + each.effect.n_arm:,}",
        )
        for each in result.by_segment
    )
    return Table(
        f"{result.name}: for whom, by {words.label(result.metric).lower()}",
        ("Segment", "arm", "effect", "interval", "sure, corrected for all segments", "users"),
        rows,
        numeric=(2, 3, 5),
    )


def _said(differs: bool, relative: float) -> str:
    if not differs:
        return "cannot tell"
    return "better" if relative > 0 else "worse"


def _relative(value: Any) -> str:
    return wording.shown(value, wording.CHANGE) if words.known(value) else words.NOTHING


def _bounds(low: Any, high: Any) -> str:
    if not (words.known(low) and words.known(high)):
        return words.NOTHING
    return wording.within(low, high, wording.CHANGE)


def _counted(result: ExperimentResult) -> str:
    counts = ", ".join(f"{arm} {count:,}" for arm, count in result.sample_ratio.counts.items())
    shares = (
        "not shared out as declared: nothing may be concluded until the cause is found"
        if result.sample_ratio.broken
        else "shared out as declared"
    )
    weeks = words.plural(result.weeks, "week")
    needed = result.planned.weeks_needed
    over = f", over since {result.over}" if result.over else ""
    text = f"{result.name} after {weeks}{over}. Users: {counts}; {shares}."
    if not result.over and words.known(needed) and needed > result.weeks:
        effect = wording.shown(result.planned.least_effect, wording.SHARE)
        text += f" An effect of {effect} is found after about {needed:.0f} weeks."
    return text
