"""Shapes: cells, counts and design effects."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys_pipeline.contracts import INTERACTIONS, MOVIES, USERS
from recsys_pipeline.contracts import names as n
from recsys_pipeline.monitoring.columns import column_shapes
from recsys_pipeline.monitoring.shapes import MOST_VALUES, Shape, design_effect


def test_numbers_fall_into_cells_between_the_deciles() -> None:
    shape = Shape.of_numbers(np.array([*np.arange(1.0, 101.0), np.nan]))
    assert shape.edges == (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99)
    assert shape.counts == (1, 9, 10, 10, 10, 10, 10, 10, 10, 10, 9, 1)
    assert (shape.rows, shape.missing, shape.units, shape.mean) == (101, 1, 100, 50.5)
    assert shape.is_number


def test_a_value_that_many_rows_have_is_a_cell_of_its_own() -> None:
    price = np.full(50, 9.99)
    shape = Shape.of_numbers(price)
    assert [sum(Shape.of_numbers(price * by, edges=shape.edges).counts[:1]) for by in (0.5, 1)] == [
        50,
        0,
    ]
    assert Shape.of_numbers(price * 2, edges=shape.edges).counts[-1] == 50


def test_texts_are_counted_by_name_and_the_rare_ones_together() -> None:
    texts = pd.Series(["war", "drama", "drama", "art"])
    place = np.array([0, 0, 1, 3])
    shape = Shape.of_texts(5, texts, place, known=("horror",), fewest=2)
    assert shape.values == ("horror", "drama")
    assert shape.counts == (0, 2)
    assert (shape.rest, shape.missing, shape.singles, shape.total) == (2, 2, 2, 4)


def test_no_more_texts_get_a_cell_than_is_said() -> None:
    texts = pd.Series([f"{number:03}" for number in range(80) for _ in range(2)])
    shape = Shape.of_texts(160, texts, np.arange(160))
    assert len(shape.values) == MOST_VALUES
    assert shape.rest == 2 * (80 - MOST_VALUES)


def test_users_who_repeat_themselves_count_once() -> None:
    # Each of 40 users has one value three times over: 120 values say as much as 40.
    cell = np.repeat(np.arange(40) % 4, 3)
    mean, variation = design_effect(np.repeat(np.arange(40), 3), cell, np.bincount(cell))
    assert mean == pytest.approx(3)
    assert variation == pytest.approx(0)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=8, max_size=60))
def test_design_effects_are_those_of_the_covariance(pairs: list[tuple[int, int]]) -> None:
    unit, cell = np.array(pairs).T
    counts = np.bincount(cell, minlength=4)
    held = np.flatnonzero(counts)
    mean, variation = design_effect(unit, cell, counts)
    if len(held) < 2:
        assert (mean, variation) == (1, 0)
        return
    share = counts[held] / len(cell)
    covariance = np.zeros((len(held), len(held)))
    for each in np.unique(unit):
        own = np.bincount(cell[unit == each], minlength=4)[held]
        off = own - share * own.sum()
        covariance += np.outer(off, off)
    alone = len(cell) * (np.diag(share) - np.outer(share, share))
    eigenvalues = np.linalg.eigvals(np.linalg.pinv(alone) @ covariance).real
    df = len(held) - 1
    if eigenvalues.sum() > 1e-6:
        assert mean == pytest.approx(max(1, eigenvalues.sum() / df))
        expected = (eigenvalues**2).sum() / df / (eigenvalues.sum() / df) ** 2 - 1
        assert variation == pytest.approx(expected, abs=1e-6)


def test_columns_of_every_kind_are_counted_and_names_of_people_are_not() -> None:
    users = pd.DataFrame(
        {
            n.USER_ID: range(60),
            n.AGE: np.arange(60.0),
            n.COUNTRY: pd.array(["FR"] * 55 + ["IS"] * 5, dtype="str"),
            n.SIGNUP_AT: pd.Series([pd.NaT] * 60, dtype="datetime64[us, UTC]"),
            "email": pd.array([f"{number}@example.org" for number in range(60)], dtype="str"),
            "paying": pd.array([True, False] * 30, dtype="boolean"),
        }
    )
    made = column_shapes(USERS, users, {})
    assert list(made) == [
        f"users.{name}" for name in (n.AGE, n.COUNTRY, n.SIGNUP_AT, "email", "paying")
    ]
    assert made["users.country"].values == ("FR",)
    assert made["users.country"].rest == 5
    assert made["users.email"].values == ()
    assert made["users.signup_at"].missing == 60
    assert dict(zip(made["users.paying"].values, made["users.paying"].counts, strict=True)) == {
        "False": 30,
        "True": 30,
    }


def test_few_rows_about_people_get_no_name_but_movies_do() -> None:
    movies = pd.DataFrame(
        {n.MOVIE_ID: [1, 2], n.GENRES: pd.Series([["War"], ["Art"]]), "label": ["a", "a"]}
    )
    events = pd.DataFrame({n.USER_ID: [1], n.MOVIE_ID: [1], n.EVENT_TYPE: ["secret"]})
    assert column_shapes(MOVIES, movies, {})["movies.genres"].values == ("Art", "War")
    assert column_shapes(MOVIES, movies, {})["movies.label"].counts == (2,)
    shape = column_shapes(INTERACTIONS, events, {}, units=np.array([0]))["interactions.event_type"]
    assert (shape.values, shape.rest) == ((), 1)
