"""Group "monitoring": what happened online in the week, and the report on it."""

import time
from collections.abc import Iterator
from typing import Any, Final

import dagster as dg
import pandas as pd

from recsys_pipeline.business.impact import Impact
from recsys_pipeline.contracts import SOURCE_TABLES, TOP_N
from recsys_pipeline.contracts import names as n
from recsys_pipeline.contracts.online_tables import USER_WEEKS
from recsys_pipeline.defs.arm_assets import ARM_LISTS
from recsys_pipeline.defs.checks import recorded_reports
from recsys_pipeline.defs.columns import SCHEMA_KEY, contract_schema
from recsys_pipeline.defs.doors import Doors
from recsys_pipeline.defs.layout import Layout
from recsys_pipeline.defs.metadata import Metadata, image, listing, markdown_table, numbers
from recsys_pipeline.defs.monitored import About, Monitored, Places, monitor
from recsys_pipeline.defs.online_past import Window
from recsys_pipeline.defs.partitions import as_of_week
from recsys_pipeline.experiments.results import ExperimentResult
from recsys_pipeline.monitoring import names
from recsys_pipeline.monitoring.checks import (
    ARM_LISTS_OLD,
    AVAILABILITY_MISSED,
    CHECKS,
    GUARDRAIL_BROKEN,
    RATE_CHECKS,
    ROBOTS,
    level_of,
)
from recsys_pipeline.monitoring.logged import logged
from recsys_pipeline.monitoring.plots import (
    click_through_by_rank,
    metric_by_day,
    metric_over_weeks,
    variety_over_weeks,
)
from recsys_pipeline.pipeline.reports import REPORT_HTML, REPORT_MARKDOWN
from recsys_pipeline.storage.user_weeks import ONLINE_ACTIVITY

ONLINE_FIGURES: Final = "online_figures"
DRIFT: Final = "drift"
EXPERIMENT_RESULTS: Final = "experiment_results"
BUSINESS_IMPACT: Final = "business_impact"
WEEKLY_REPORT: Final = "weekly_report"

_GROUP: Final = "monitoring"
_ON_FIGURES: Final = frozenset({*RATE_CHECKS, ROBOTS, AVAILABILITY_MISSED})
_EFFECTS: Final = (
    *(n.EXPERIMENT, "verdict", n.ARM, names.METRIC, "control", names.VALUE, names.CHANGE),
    *(names.CHANGE_LOW, names.CHANGE_HIGH, "p", names.USERS),
)


def asset_of_check(check: str) -> str:
    """The asset that a check of `monitoring.checks` is shown at."""
    if check in (GUARDRAIL_BROKEN, ARM_LISTS_OLD):
        return EXPERIMENT_RESULTS
    return ONLINE_FIGURES if check in _ON_FIGURES else DRIFT


def monitoring_assets(layout: Layout) -> dg.AssetsDefinition:
    """The assets of the group, made in one step: each looks at the same week."""
    tables = [contract.name for contract in SOURCE_TABLES]

    def out(name: str, description: str, **about: Any) -> dg.AssetOut:
        return layout.out(name, description=description, group_name=_GROUP, **about)

    @dg.multi_asset(
        name="monitoring",
        description="Count what happened online in the week, compare it, and report.",
        partitions_def=layout.partitions,
        ins=layout.ins(*tables, TOP_N.name, "quarantine"),
        # Which lists answer the arms from now on is told, too.
        deps=[layout.key(ARM_LISTS)],
        outs={
            ONLINE_ACTIVITY: out(
                ONLINE_ACTIVITY,
                "What each user was shown and did in the week. Personal: it is erased with them.",
                metadata={SCHEMA_KEY: contract_schema(USER_WEEKS)},
            ),
            ONLINE_FIGURES: out(
                ONLINE_FIGURES,
                "Click-through, time watched, satisfaction and the rest, with intervals and the "
                "change since the week before: of all, by day, segment, release, arm and place.",
            ),
            DRIFT: out(
                DRIFT,
                "What differs from the week that the release was trained in, corrected for the "
                "number of comparisons.",
            ),
            EXPERIMENT_RESULTS: out(
                EXPERIMENT_RESULTS,
                "Every arm against its control, with bounds that hold at every look.",
            ),
            BUSINESS_IMPACT: out(
                BUSINESS_IMPACT,
                "What the recommender is worth, each figure measured or assumed.",
            ),
            WEEKLY_REPORT: out(
                WEEKLY_REPORT, "What changed, did it help, for whom not, what to do: one page."
            ),
        },
        check_specs=[
            dg.AssetCheckSpec(check, asset=layout.key(asset_of_check(check)), description=text)
            for check, text in CHECKS.items()
        ],
    )
    def monitoring(
        context: dg.AssetExecutionContext,
        recsys_doors: dg.ResourceParam[Doors],
        users: pd.DataFrame,
        movies: pd.DataFrame,
        interactions: pd.DataFrame,
        top_n: pd.DataFrame,
        quarantine: pd.DataFrame,
    ) -> Iterator[dg.Output[Any] | dg.AssetCheckResult]:
        doors = recsys_doors
        settings = doors.settings
        assets = settings.data.joinpath("assets", *layout.prefix)
        found = monitor(
            settings,
            Places(doors.online, doors.store, doors.reports, assets),
            _window(doors, layout),
            {"users": users, "movies": movies, "interactions": interactions},
            top_n,
            About(
                time.process_time(),
                quarantine[n.TABLE].value_counts().to_dict(),
                {"The week's run in MLflow": doors.run_url},
                recorded_reports(context.instance, layout, context.run.run_id),
            ),
            context.log.info,
        )
        doors.run.log_metrics(logged(found.review.figures))
        doors.run.log_text(found.files[REPORT_MARKDOWN].decode(), REPORT_MARKDOWN)
        yield from _outputs(found, doors)
        yield from _alarms(found, layout)

    return monitoring


def _window(doors: Doors, layout: Layout) -> Window:
    now = pd.Timestamp(doors.started) if doors.started else None
    if doors.week is None:
        return Window.of(now or doors.as_of or pd.Timestamp(0, tz="UTC"), now)
    return Window.of(as_of_week(doors.week, layout.partitions), now)


def _outputs(found: Monitored, doors: Doors) -> Iterator[dg.Output[Any]]:
    review, window = found.review, found.window
    week: Metadata = {"week": window.name, "complete": window.complete}
    yield dg.Output(review.online.user_weeks, ONLINE_ACTIVITY, metadata=week | _volumes(found))
    yield dg.Output(review.figures, ONLINE_FIGURES, metadata=week | _about_figures(found))
    drift: Metadata = {
        "alarms": len(review.drift.alarms),
        "comparisons": len(review.drift.rows),
        "what_drifted": listing(review.drift.alarms["text"]),
        "tastes": listing(review.patterns.sentences),
    }
    yield dg.Output(review.drift.rows, DRIFT, metadata=week | drift)
    told: Metadata = {
        "experiments": len(review.experiments),
        "verdicts": listing(f"{each.name}: {each.sentence}" for each in review.experiments),
        "stopped": listing(f"{name}/{arm}" for name, arm in found.stopped),
    }
    effects = effects_table(review.experiments)
    yield dg.Output(
        effects, EXPERIMENT_RESULTS, metadata=week | told | {"effects": markdown_table(effects)}
    )
    impact = impact_table(found.worth.impact)
    goals: Metadata = {
        "standing": found.worth.impact.standing,
        "sentence": found.worth.impact.sentence,
        "goals": listing(goal.sentence for goal in found.worth.goals),
        "impact": markdown_table(impact),
    }
    yield dg.Output(impact, BUSINESS_IMPACT, metadata=week | goals)
    alarms = pd.DataFrame(
        [(each.check, each.subject, each.level, each.text) for each in review.alarms],
        columns=["check", "subject", "level", "text"],
        dtype="str",
    )
    place = doors.settings.data / "reports" / window.name / REPORT_HTML
    report: Metadata = {
        "report": dg.MetadataValue.path(str(place)),
        "page": dg.MetadataValue.url(
            f"http://127.0.0.1:{doors.settings.serving.port}/report/{window.name}"
        ),
        "in_words": dg.MetadataValue.md(found.files[REPORT_MARKDOWN].decode()),
        "alarms": len(alarms),
    }
    yield dg.Output(alarms, WEEKLY_REPORT, metadata=week | report)


def _volumes(found: Monitored) -> Metadata:
    online = found.review.online
    return {
        "users": len(online.user_weeks),
        "impressions": len(online.impressions),
        "actions": len(online.actions),
        "left_out_as_robots": len(found.review.robots.users),
    }


def _about_figures(found: Monitored) -> Metadata:
    figures = found.review.figures
    whole = figures[figures[names.BY] == names.ALL]
    values = dict(zip(whole[names.METRIC], whole[names.VALUE].astype(float), strict=True))
    about: Metadata = numbers(values)
    if len(found.review.online.impressions):
        about["click_through_over_weeks"] = image(
            metric_over_weeks(
                found.history, by=names.ARM if found.review.experiments else names.ALL
            ),
            "click-through by week",
        )
        about["click_through_by_place"] = image(
            click_through_by_rank(figures), "click-through by place"
        )
        about["click_through_by_day"] = image(metric_by_day(figures), "click-through by day")
        about["variety_over_weeks"] = image(variety_over_weeks(found.history), "variety by week")
    return about


def _alarms(found: Monitored, layout: Layout) -> Iterator[dg.AssetCheckResult]:
    raised: dict[str, list[str]] = {}
    for alarm in found.review.alarms:
        raised.setdefault(alarm.check, []).append(f"{alarm.subject}: {alarm.text}")
    for check in CHECKS:
        grave = level_of(check) == "error"
        yield dg.AssetCheckResult(
            asset_key=layout.key(asset_of_check(check)),
            check_name=check,
            passed=check not in raised,
            severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
            description="\n".join(raised.get(check, ())) or None,
        )


def effects_table(results: tuple[ExperimentResult, ...]) -> pd.DataFrame:
    """Every effect: one row per experiment, arm and metric."""
    rows = [
        (
            result.name,
            result.verdict,
            each.arm,
            each.metric,
            each.control_mean,
            each.arm_mean,
            each.relative,
            each.relative_low,
            each.relative_high,
            each.p,
            each.n_control + each.n_arm,
        )
        for result in results
        for each in result.effects
    ]
    return pd.DataFrame(rows, columns=list(_EFFECTS))


def impact_table(impact: Impact) -> pd.DataFrame:
    """The figures that come out: what, value and its bounds."""
    return pd.DataFrame(
        [(each.words, each.unit, each.value, each.low, each.high) for each in impact.outcomes],
        columns=["figure", "unit", "value", "low", "high"],
    ).astype(dict.fromkeys(("value", "low", "high"), "float64"))
