"""Markdown and tables of a benchmark: whole rows, the best in bold, nothing that breaks a table."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recsys_pipeline.evaluation import names as m
from recsys_pipeline.pipeline.benchmark_results import Benchmark, Comparison, Cost, LeftOut
from recsys_pipeline.pipeline.benchmark_text import (
    accuracy_table,
    cost_table,
    markdown,
    split_lines,
)

NAMES = ("random", "popularity", "item_knn", "ease", "mute")
METRICS = (
    "liked_share_in_top", "ndcg_at_10", "precision_at_10", "recall_at_10", "map_at_10", "auc",
    "coverage_at_10", "intra_list_diversity_at_10",
)  # fmt: skip


def figures() -> pd.DataFrame:
    rows = []
    for place, name in enumerate(NAMES):
        for metric in METRICS:
            mean = np.nan if name == "mute" else 0.1 * (place + 1)
            low = np.nan if metric == "coverage_at_10" else mean - 0.02
            rows.append((name, metric, mean, low, low + 0.04, mean - 0.2, mean - 0.21, mean - 0.19))
    columns = [m.RECOMMENDER, m.METRIC, m.MEAN, m.LOW, m.HIGH]
    columns += ["diff_to_popularity", m.DIFFERENCE_LOW, m.DIFFERENCE_HIGH]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def comparison() -> Comparison:
    return Comparison(
        data_set="my|data*",
        asked="auto",
        split="last",
        reason="The last 20 % is held out.",
        n_users=1_000,
        n_movies=30,
        n_interactions=20_000,
        n_judged=900,
        k=10,
        deciding="liked_share_in_top",
        deciding_reason="There are dislikes.",
        figures=figures(),
        best={"liked_share_in_top": ("ease", "item_knn"), "ndcg_at_10": ("ease",)},
        costs={name: Cost(1.5, 0.25, 1234.5, 0.001) for name in NAMES},
        released="item_knn",
        left_out={"als": "it does not | fit"},
        seconds=3.0,
    )


def whole(comparison: Comparison) -> str:
    missing = LeftOut("other", "temporal", "no\ntimes")
    result = Benchmark((comparison, replace(comparison, asked="last")), (missing,), "full")
    return markdown(result, {"command": "recsys benchmark a|b", "cores": "2"})


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_every_row_of_every_table_is_whole(comparison):
    text = whole(comparison)
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    assert len(tables) == 4
    for table in tables:
        head, rule, *rows = (cells(line) for line in table.splitlines())
        assert all(re.fullmatch(r"---:?", cell) for cell in rule)
        assert {len(row) for row in (head, rule, *rows)} == {len(head)}
        assert len(rows) == len(NAMES)
        place = text.index(table)
        assert text[place - 2 : place] == "\n\n"
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert text.count("**") % 2 == 0


def test_headings_and_facts_stay_text(comparison):
    text = whole(comparison)
    assert r"## my\|data\*" in text
    assert r"- command: recsys benchmark a\|b" in text
    assert "### Split: last (auto)" in text
    assert "### Split: last\n" in text
    assert "1,000 users, 30 movies, 20,000 interactions." in text
    assert "- other, temporal: no times" in text
    assert r"Not in the table: als (it does not \| fit)." in text


def test_the_best_are_bold_and_the_released_one_is_marked(comparison):
    table = accuracy_table(comparison, digits=3)
    assert table.headers == (
        "recommender", "Likes in top 5 % (95 % interval)", "against popularity",
        "nDCG@10 (95 % interval)", "AUC",
    )  # fmt: skip
    first, second, *_, last = table.rows
    assert [cell.text for cell in first] == [
        "ease", "0.400 (0.380 to 0.420)", "+0.200 (+0.190 to +0.210)",
        "0.400 (0.380 to 0.420)", "0.400",
    ]  # fmt: skip
    assert [cell.bold for cell in first] == [False, True, False, True, False]
    assert second[0].text == "▶ item_knn"
    assert [cell.bold for cell in second] == [False, True, False, False, False]
    assert [cell.text for cell in last] == ["mute", "–", "–", "–", "–"]
    (popularity,) = [row for row in table.rows if row[0].text == "popularity"]
    assert popularity[2].text == ""
    assert "| ▶ item_knn | **0.3000 (0.2800 to 0.3200)** |" in whole(comparison)


def test_ndcg_stands_once_where_it_decides(comparison):
    alone = replace(
        comparison, deciding="ndcg_at_10", figures=figures()[lambda t: t[m.METRIC] != "auc"]
    )
    assert accuracy_table(alone).headers == (
        "recommender", "nDCG@10 (95 % interval)", "against popularity",
    )  # fmt: skip


def test_costs_stand_beside_what_is_in_the_lists(comparison):
    table = cost_table(comparison, digits=2)
    assert [cell.text for cell in table.rows[0]] == [
        "ease", "0.40", "0.40", "0.40", "0.40", "0.40", "1.50", "0.250", "1,234.5", "0.00",
    ]  # fmt: skip
    assert len(table.headers) == 10
    bare = figures()[lambda t: t[m.METRIC] != "intra_list_diversity_at_10"]
    assert "Diversity" not in cost_table(replace(comparison, figures=bare)).headers


def test_the_split_is_told_with_its_reasons(comparison):
    said, missing = split_lines(comparison)
    assert said == "The last 20 % is held out. 900 users are judged. There are dislikes."
    assert missing == "Not in the table: als (it does not | fit)."


def test_plain_values_hold_everything(comparison):
    (plain,) = Benchmark((comparison,), (), "published").plain["comparisons"]
    assert plain["best"]["ndcg_at_10"] == ["ease"]
    assert plain["costs"]["ease"]["fit_seconds"] == 1.5
    assert len(plain["figures"]) == len(NAMES) * len(METRICS)
    assert (plain["data_set"], plain["released"], plain["baseline"]) == (
        "my|data*", "item_knn", "popularity",
    )  # fmt: skip
