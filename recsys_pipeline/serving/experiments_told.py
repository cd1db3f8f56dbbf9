"""What is told of experiments: which run, which release answers each arm, what was found."""

import json
from typing import Any

from recsys_pipeline.contracts import names as n
from recsys_pipeline.experiments import results
from recsys_pipeline.experiments.config import HOLDOUT, ExperimentConfig
from recsys_pipeline.serving.arms import NOWHERE, Arms, Placed
from recsys_pipeline.serving.service import Service

Told = dict[str, Any]


def running(arms: Arms) -> list[Told]:
    """The experiments that run, and what answers each arm of them."""
    if arms.plan is None:
        return []
    return [_experiment(arms, each) for each in arms.plan.running]


def held_out(arms: Arms) -> Told | None:
    """The permanent holdout, or None."""
    plan = arms.plan
    if plan is None or not plan.holdout:
        return None
    return {
        "share": plan.holdout,
        "learning": dict(plan.holdout_learning),
        "waiting": HOLDOUT in arms.waiting,
        **_answered(arms, HOLDOUT, HOLDOUT),
    }


def everything(service: Service) -> Told:
    """What runs now, and what the newest week says of each experiment.

    Raises:
        RecsysError: the figures cannot be read.
    """
    arms = service.keeper.arms
    newest = service.reports.newest(1)
    week = newest[-1] if newest else None
    return {
        "day": None if arms.plan is None else arms.plan.day.isoformat(),
        HOLDOUT: held_out(arms),
        "running": running(arms),
        "week": None if week is None else week.week,
        "results": json.loads(results.to_json([] if week is None else week.experiments)),
    }


def place_of(service: Service, user_id: str) -> Placed:
    """In which arm a user is; nobody who was erased is in any."""
    return NOWHERE if service.people.erased(user_id) else service.keeper.placed(user_id)


def arm_of(service: Service, user_id: str) -> Told:
    """In which arm a user is, and which release answers.

    Raises:
        ReleaseError: there is none.
    """
    placed = place_of(service, user_id)
    release = placed.own or service.keeper.release(user_id)
    return {
        n.USER_ID: user_id,
        n.EXPERIMENT: placed.experiment or None,
        n.ARM: placed.arm or None,
        n.RELEASE: release.id,
        "own_release": placed.own is not None,
        "available": placed.available,
    }


def _experiment(arms: Arms, each: ExperimentConfig) -> Told:
    assert arms.plan is not None
    weights = sum(arm.weight for arm in each.arms)
    return {
        "name": each.name,
        "metric": each.metric,
        "share": each.share,
        "starts": None if each.starts is None else each.starts.isoformat(),
        "ends": None if each.ends is None else each.ends.isoformat(),
        "waiting": each.name in arms.waiting,
        "arms": [
            {
                "name": arm.name,
                "share": arm.weight / weights,
                "stopped": (each.name, arm.name) in arms.plan.stopped,
                **_answered(arms, each.name, arm.name),
            }
            for arm in each.arms
        ],
    }


def _answered(arms: Arms, experiment: str, arm: str) -> Told:
    """The release that an arm names, None for the one in service, and whether it can answer."""
    release = arms.release_of(experiment, arm)
    away = bool(release) and arms.releases.get(release) is None
    return {n.RELEASE: release or None, "available": not away}
