"""`recsys experiment`: comparing whole recipes among users, from the start to the winner."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recsys_pipeline.commands.options import (
    JsonOption,
    SettingsOption,
    console_for,
    lines,
    print_json,
)

if TYPE_CHECKING:
    from recsys_pipeline.experiments.config import ExperimentConfig
    from recsys_pipeline.pipeline.protocols import ReleaseStore
    from recsys_pipeline.pipeline.reports import ReportStore
    from recsys_pipeline.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    help="Experiments: compare recipes among users, look at any time, promote the winner.",
)

NameArgument = Annotated[str, typer.Argument(help="Name of the experiment.")]
ArmsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--arm",
        help="name, name=key=value,… (changes in [learning]) or name=release=ID; control first.",
    ),
]
WeightsOption = Annotated[
    str | None, typer.Option(help="Weights of the arms, such as 1,1; else all alike.")
]
ShareOption = Annotated[float, typer.Option(help="Share of the users who take part.")]
MetricOption = Annotated[str, typer.Option(help="What decides.")]
SegmentOption = Annotated[
    list[str] | None, typer.Option("--segment", help="Only users of this segment; repeatable.")
]
HistoryOption = Annotated[
    int, typer.Option(min=0, help="Only users with so many interactions at least.")
]
EffectOption = Annotated[
    float, typer.Option(help="Relative change that is worth finding, such as 0.05.")
]


@app.command(
    epilog=lines(
        "recsys experiment start ease --arm control --arm new=primary=ease",
        "recsys experiment start wide --arm now --arm wide=reranking.exploration_slots=2 "
        "--share 0.2 --guardrail watch_minutes=0.05 --ends 2024-03-31",
        "recsys experiment start back --arm now --arm old=release=2024-01-07",
    )
)
def start(
    name: NameArgument,
    arm: ArmsOption = None,
    weights: WeightsOption = None,
    share: ShareOption = 1.0,
    metric: MetricOption = "click_through",
    segment: SegmentOption = None,
    min_history: HistoryOption = 0,
    starts: Annotated[str | None, typer.Option(help="First day; else today.")] = None,
    ends: Annotated[str | None, typer.Option(help="Last day; else until it is stopped.")] = None,
    least_effect: EffectOption = 0.05,
    guardrail: Annotated[
        list[str] | None,
        typer.Option(help="What must not get worse: metric or metric=0.05; repeatable."),
    ] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start an experiment beside those that recsys.toml declares.

    Servers take it up at once. Where an arm has a recipe of its own, it begins with the next weekly
    run, which makes that arm's lists.
    """
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.experiments import guardrail_of, opened_state
    from recsys_pipeline.pipeline.experimenting import start as begin

    loaded = _load(settings)
    experiment = _experiment(
        name, loaded, arm, weights, share, metric, segment, min_history, least_effect,
        starts=starts,
        ends=ends,
        guardrails=[guardrail_of(text) for text in guardrail or ()],
    )  # fmt: skip
    with opened_state(loaded, make=True) as state:
        assert state is not None
        begun = begin(state, loaded.experiments, experiment, now().date())
    if as_json:
        print_json(begun.model_dump(mode="json"))
        return
    console = console_for(False)
    console.print(f"Experiment {begun.name} runs from {begun.starts} on.", highlight=False)
    if any(each.learning for each in begun.arms):
        console.print(
            "It begins when its arms have lists of their own: with the next weekly run, or with "
            "`recsys run` now."
        )


@app.command(
    epilog=lines(
        "recsys experiment plan ease --arm control --arm new=primary=ease --least-effect 0.03",
        "recsys experiment plan ease        one that is declared or started already",
    )
)
def plan(
    name: NameArgument,
    arm: ArmsOption = None,
    weights: WeightsOption = None,
    share: ShareOption = 1.0,
    metric: MetricOption = "click_through",
    segment: SegmentOption = None,
    min_history: HistoryOption = 0,
    least_effect: EffectOption = 0.05,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how many weeks and users it takes to find an effect, from the weeks so far.

    Nothing is started. Without --arm the experiment of that name is looked up.
    """
    from recsys_pipeline.commands import show_experiments
    from recsys_pipeline.commands.experiments import known, outlook_for
    from recsys_pipeline.pipeline.experimenting import find

    loaded = _load(settings)
    if arm:
        experiment = _experiment(
            name, loaded, arm, weights, share, metric, segment, min_history, least_effect
        )
    else:
        experiment = find(
            loaded.experiments, known(loaded, _store(loaded), _reports(loaded)).hand, name
        )
    found = outlook_for(loaded, experiment)
    if as_json:
        weeks = {week: found.detectable(week) for week in show_experiments.WEEKS}
        print_json({**asdict(found.planned()), "baseline": found.baseline, "detectable": weeks})
        return
    show_experiments.planned(found, console_for(False))


@app.command("list", epilog=lines("recsys experiment list", "recsys experiment list --json"))
def list_experiments(settings: SettingsOption = None, as_json: JsonOption = False) -> None:
    """Show every experiment, how it stands and what was found so far."""
    from recsys_pipeline.commands import show_experiments
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.experiments import known

    loaded, today = _load(settings), now().date()
    found = known(loaded, _store(loaded), _reports(loaded))
    if as_json:
        print_json(
            [
                {
                    **each.model_dump(mode="json"),
                    "state": found.state_of(each, today),
                    "verdict": found.results[each.name].verdict
                    if each.name in found.results
                    else None,
                }
                for each in found.experiments
            ]
        )
        return
    show_experiments.listed(found, today, console_for(False))


@app.command(epilog=lines("recsys experiment show ease", "recsys experiment show ease --json"))
def show(name: NameArgument, settings: SettingsOption = None, as_json: JsonOption = False) -> None:
    """Show what was found: effects with bounds that hold at every look, and what to do."""
    from recsys_pipeline.commands import show_experiments
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.experiments import known
    from recsys_pipeline.pipeline.experimenting import find

    loaded, today = _load(settings), now().date()
    found = known(loaded, _store(loaded), _reports(loaded))
    experiment = find(loaded.experiments, found.hand, name)
    if as_json:
        result = found.results.get(name)
        print_json(
            {
                "experiment": experiment.model_dump(mode="json"),
                "state": found.state_of(experiment, today),
                "stopped_arms": found.hand.stopped_arms(name),
                "result": None if result is None else asdict(result),
            }
        )
        return
    show_experiments.shown(found, experiment, today, console_for(False))


@app.command(epilog=lines("recsys experiment stop ease", "recsys experiment stop ease --arm new"))
def stop(
    name: NameArgument,
    arm: Annotated[
        str | None, typer.Option(help="Only this arm: its users get what the control gets.")
    ] = None,
    why: Annotated[str, typer.Option(help="Why, for those who look later.")] = "",
    settings: SettingsOption = None,
) -> None:
    """Stop an experiment, or one arm of it, at once and for good."""
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.experiments import opened_state
    from recsys_pipeline.pipeline.experimenting import stop as stop_whole
    from recsys_pipeline.pipeline.experimenting import stop_arm

    loaded, today = _load(settings), now().date()
    with opened_state(loaded, make=True) as state:
        assert state is not None
        if arm is None:
            stop_whole(state, loaded.experiments, name, today, why)
        else:
            stop_arm(state, loaded.experiments, name, arm, today, why)
    what = f"Experiment {name}" if arm is None else f"Arm {arm} of experiment {name}"
    typer.echo(f"{what} is stopped.")


@app.command(
    epilog=lines("recsys experiment promote ease", "recsys experiment promote ease --anyway")
)
def promote(
    name: NameArgument,
    arm: Annotated[str | None, typer.Option(help="Which arm; else the better one.")] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even where no arm is surely better.")
    ] = False,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the weekly job with the winner's recipe as the candidate: the gate decides.

    It says which lines belong into recsys.toml, and stops the experiment where the recipe is in
    service from now on.
    """
    from recsys_pipeline.commands import show_experiments
    from recsys_pipeline.commands.clock import now
    from recsys_pipeline.commands.experiments import known, opened_state, winner_of
    from recsys_pipeline.commands.run import run
    from recsys_pipeline.pipeline.experimenting import find
    from recsys_pipeline.pipeline.experimenting import stop as stop_whole

    loaded, console, moment = _load(settings), console_for(as_json), now()
    found = known(loaded, _store(loaded), _reports(loaded))
    experiment = find(loaded.experiments, found.hand, name)
    winner = winner_of(
        experiment,
        found.results.get(name),
        loaded.learning,
        _store(loaded),
        arm=arm,
        anyway=anyway,
    )
    done = run(loaded, None, 1.0, winner.changes, moment, console)
    taken = _is_in_service(_store(loaded), loaded, winner.changes)
    if taken:
        with opened_state(loaded, make=True) as state:
            assert state is not None
            why = f"The recipe of '{winner.arm}' is in service."
            stop_whole(state, loaded.experiments, name, moment.date(), why)
    if as_json:
        print_json(
            {
                "arm": winner.arm,
                "in_service": taken,
                "lines": winner.lines,
                "release": done.facts["top_n"],
            }
        )
        return
    show_experiments.promoted(winner, taken, console)


def _is_in_service(store: "ReleaseStore", settings: "Settings", changes: Any) -> bool:
    from recsys_pipeline.pipeline.recipes import recipe_fingerprint
    from recsys_pipeline.pipeline.releasing import in_service

    current = in_service(store)
    wanted = recipe_fingerprint(settings.with_learning(changes).learning)
    return current is not None and current.recipe_fingerprint == wanted


def _experiment(
    name: str,
    settings: "Settings",
    arms: list[str] | None,
    weights: str | None,
    share: float,
    metric: str,
    segments: list[str] | None,
    min_history: int,
    least_effect: float,
    **more: Any,
) -> "ExperimentConfig":
    from recsys_pipeline.commands.experiments import arm_of, weights_of
    from recsys_pipeline.pipeline.experimenting import experiment_of

    store, typed = _store(settings), arms or []
    shares = weights_of(weights, len(typed))
    return experiment_of(
        {
            "name": name,
            "arms": [
                {**arm_of(text, settings, store), "weight": weight}
                for text, weight in zip(typed, shares, strict=True)
            ],
            "share": share,
            "metric": metric,
            "eligible": {"segments": segments or [], "min_history": min_history},
            "least_effect": least_effect,
            **more,
        }
    )


def _load(settings: Any) -> "Settings":
    from recsys_pipeline.settings import load_settings

    return load_settings(settings)


def _store(settings: "Settings") -> "ReleaseStore":
    from recsys_pipeline.storage import FileReleaseStore

    return FileReleaseStore(settings.data / "releases")


def _reports(settings: "Settings") -> "ReportStore":
    from recsys_pipeline.storage.reports import FileReportStore

    return FileReportStore(settings.data / "reports")
