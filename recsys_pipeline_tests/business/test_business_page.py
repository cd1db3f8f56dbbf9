"""docs/business.md works its example through with the figures that the code gives."""

import re
from pathlib import Path

import numpy as np

from recsys_pipeline.business.config import BusinessConfig, GoalsConfig
from recsys_pipeline.business.goals import targets
from recsys_pipeline.business.impact import impact
from recsys_pipeline.business.inputs import Today, inputs_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "business.md").read_text(encoding="utf-8")


def test_the_steps_of_the_page_are_those_of_the_shipped_settings():
    business, goals = BusinessConfig(), GoalsConfig()
    inputs = inputs_of(
        Today(10_000), [], business.assumptions, business.prices, goals.monthly_churn_before
    )
    found = impact(
        inputs,
        np.random.default_rng(0),
        users=10_000,
        months=business.assumptions.months,
        draws=100,
    )
    (table,) = re.findall(r"\| step \| how \| result \|\n\|.*?\n(.*?)\n\n", PAGE, re.DOTALL)
    written = {}
    for row in table.splitlines():
        title, _, result = (cell.strip() for cell in row.strip("|").split("|"))
        written[title] = result
    assert written == {step.title: step.result for step in found.steps}


def test_every_goal_of_the_settings_is_on_the_page():
    wanted = [name for name in GoalsConfig.model_fields if f"| `{name}` |" in PAGE]
    assert len(wanted) == len(targets(GoalsConfig())) == 7
    assert all(f"`{name}`" in PAGE for name in targets(GoalsConfig()))
