"""How experiments look on a terminal."""

import math
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recsys_pipeline.commands.experiments import flat, toml_value

if TYPE_CHECKING:
    from recsys_pipeline.commands.experiments import Known, Winner
    from recsys_pipeline.experiments.config import ArmConfig, ExperimentConfig
    from recsys_pipeline.experiments.planning import Outlook
    from recsys_pipeline.experiments.results import Effect, ExperimentResult

WEEKS = (1, 2, 4, 8, 13, 26)
"""Lengths of which `planned` tells what they find."""

_START = "recsys experiment start NAME --arm control --arm new=primary=ease"


def listed(known: "Known", today: date, console: Console) -> None:
    """One line per experiment."""
    if not known.experiments:
        console.print("There is no experiment yet. Start one, or declare it in recsys.toml:")
        console.print(f"  {_START}", highlight=False)
        return
    table = Table(title="Experiments", title_justify="left", title_style="bold")
    for name in ("name", "state", "arms", "decides by", "so far"):
        table.add_column(name, no_wrap=name == "name")
    for each in known.experiments:
        result = known.results.get(each.name)
        table.add_row(
            escape(each.name),
            known.state_of(each, today),
            escape(", ".join(arm.name for arm in each.arms)),
            each.metric,
            "nothing yet" if result is None else result.verdict,
        )
    console.print(table)
    console.print("[dim]recsys experiment show NAME says what was found.[/]", highlight=False)


def shown(known: "Known", experiment: "ExperimentConfig", today: date, console: Console) -> None:
    """Everything that is known of one."""
    console.print(
        f"[bold]{escape(experiment.name)}[/] {known.state_of(experiment, today)}; "
        f"{experiment.share:.0%} of {_who(experiment)}, decided by {experiment.metric}.",
        highlight=False,
    )
    stopped = known.hand.stopped_arms(experiment.name)
    for place, arm in enumerate(experiment.arms):
        role = " (control)" if place == 0 else " (stopped)" if arm.name in stopped else ""
        console.print(f"  {escape(arm.name)}{role}: {escape(_answers(arm))}", highlight=False)
    for each in known.hand.stopped:
        if each.experiment == experiment.name and each.why:
            console.print(f"  {each.arm or 'stopped'}: {escape(each.why)}", highlight=False)
    result = known.results.get(experiment.name)
    if result is None:
        console.print(
            "Nothing is known yet: results come with the weekly run, once lists were shown."
        )
        return
    console.print(f"\n[bold]{result.verdict}[/]: {escape(result.sentence)}", highlight=False)
    _effects(result, console)
    _conditions(result, console)


def _effects(result: "ExperimentResult", console: Console) -> None:
    table = Table(
        title=f"Against the control, after {result.weeks} weeks (bounds hold at every look)",
        title_justify="left",
    )
    for name in ("arm", "metric", "control", "arm's", "change", "from", "to", "users"):
        left = name in ("arm", "metric")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for each in result.effects:
        table.add_row(
            escape(each.arm),
            each.metric,
            _number(each.control_mean),
            _number(each.arm_mean),
            *(_percent(value) for value in _relative(each)),
            f"{each.n_control + each.n_arm:,}",
            style="bold" if each.metric == result.metric else None,
        )
    if result.effects:
        console.print(table)


def _conditions(result: "ExperimentResult", console: Console) -> None:
    ratio = result.sample_ratio
    counts = ", ".join(f"{escape(arm)} {count:,}" for arm, count in ratio.counts.items())
    told = (
        "[red]not shared out as declared[/]: nothing may be concluded"
        if ratio.broken
        else "shared out as declared"
    )
    console.print(f"Users: {counts}; {told}.", highlight=False)
    for rail in result.guardrails:
        style = "red" if rail.broken else "dim"
        console.print(f"[{style}]{escape(rail.text)}[/]", highlight=False)
    for each in result.by_segment:
        if each.differs:
            change, low, high = map(_percent, _relative(each.effect))
            console.print(
                f"{escape(each.segment)}: {escape(each.effect.arm)} {change} ({low} to {high}) "
                f"by {each.effect.metric}.",
                highlight=False,
            )


def planned(found: "Outlook", console: Console) -> None:
    """How long it takes, and what shorter and longer experiments find."""
    plan = found.planned()
    metric = found.design.metric
    console.print(
        f"{metric} is {_number(found.baseline)} now (from {found.weeks_seen} weeks; weeks before "
        f"explain {found.cuped_correlation**2:.0%} of its variance between users).",
        highlight=False,
    )
    if math.isnan(plan.weeks_needed):
        console.print(
            f"[bold]A change of {plan.least_effect:.1%} is never found[/] with these users: raise "
            "--least-effect or --share, or decide by another metric.",
            highlight=False,
        )
    else:
        console.print(
            f"[bold]A change of {plan.least_effect:.1%} is found after {plan.weeks_needed:.0f} "
            f"weeks[/] with {plan.power:.0%} chance, by {plan.users_needed:,.0f} users in control "
            "and arm. Looking every week is safe.",
            highlight=False,
        )
    table = Table(title="What is found by then", title_justify="left")
    for name in ("weeks", "smallest change", "users"):
        table.add_column(name, justify="right")
    for weeks in WEEKS:
        table.add_row(str(weeks), f"{found.detectable(weeks):.1%}", f"{found.users(weeks):,.0f}")
    console.print(table)


def promoted(winner: "Winner", in_service: bool, console: Console) -> None:
    """What became of a winner, and what to write down."""
    if in_service:
        console.print(f"[bold]The recipe of '{escape(winner.arm)}' is in service.[/]")
    else:
        console.print(
            f"The recipe of '{escape(winner.arm)}' did not pass the gate; what was in service "
            "stays. `recsys releases list` says why."
        )
    console.print("To keep it in the weekly runs, write below \\[learning] in recsys.toml:")
    for line in winner.lines:
        console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)


def _who(experiment: "ExperimentConfig") -> str:
    eligible = experiment.eligible
    who = f"users in {', '.join(eligible.segments)}" if eligible.segments else "the users"
    return f"{who} with {eligible.min_history} interactions" if eligible.min_history else who


def _answers(arm: "ArmConfig") -> str:
    if arm.release:
        return f"release {arm.release}"
    changes = [f"{key} = {toml_value(value)}" for key, value in flat(arm.learning).items()]
    return ", ".join(changes) or "what is in service"


def _relative(effect: "Effect") -> tuple[float, float, float]:
    return effect.relative, effect.relative_low, effect.relative_high


def _number(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "cannot tell"


def _percent(value: float) -> str:
    return f"{value:+.1%}" if math.isfinite(value) else "–"
