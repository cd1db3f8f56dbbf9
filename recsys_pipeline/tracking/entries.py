"""What may be logged: legal names, texts that fit, finite figures, and no row of a user."""

import math
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pandas as pd

from recsys_pipeline.contracts import TOP_N
from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import ModelError

PARAM_LIMIT: Final = 6000
"""Longest text of a param, in characters; MLflow's own limit."""
TAG_LIMIT: Final = 8000
"""Longest text of a tag, in characters; MLflow's own limit."""
NAME_LIMIT: Final = 250
"""Longest name of a param, metric or tag, in characters; MLflow's own limit."""
TABLE_SUFFIXES: Final = (".csv", ".json")
FIGURE_SUFFIXES: Final = (".png", ".svg", ".pdf")

_PART = r"[A-Za-z0-9_\-][A-Za-z0-9_\-.]*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")


def metric_values(metrics: Mapping[str, float]) -> dict[str, float]:
    """The finite figures as Python floats.

    >>> metric_values({"ndcg_at_10": 0.25, "lift": float("nan")})
    {'ndcg_at_10': 0.25}

    Raises:
        ModelError: a name is not legal; MLflow refuses ``ndcg@10``.
    """
    for name in metrics:
        _check_name("metric", name)
    return {name: float(value) for name, value in metrics.items() if math.isfinite(value)}


def param_texts(params: Mapping[str, Any]) -> dict[str, str]:
    """Every param as text, cut with an ellipsis at `PARAM_LIMIT`.

    Raises:
        ModelError: a name is not legal.
    """
    return _texts("param", params, PARAM_LIMIT)


def tag_texts(tags: Mapping[str, Any]) -> dict[str, str]:
    """Every tag as text, cut with an ellipsis at `TAG_LIMIT`.

    Raises:
        ModelError: a name is not legal.
    """
    return _texts("tag", tags, TAG_LIMIT)


def changed_params(known: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    """The params of `new` that `known` does not have.

    Raises:
        ModelError: a param is known with another value: a run's params are written once.
    """
    for name in sorted(known.keys() & new.keys()):
        if known[name] != new[name]:
            raise ModelError(
                f"Param {name!r} of the tracked run is {known[name]!r} and cannot become "
                f"{new[name]!r}.",
                "A run's params are written once: log a figure that changes as a metric.",
            )
    return {name: value for name, value in new.items() if name not in known}


def check_path(path: str, suffixes: tuple[str, ...] = ()) -> str:
    """`path` within a run's artifacts: relative, with ``/``, inside the run.

    Raises:
        ModelError: it leads out of the run, or it ends in none of `suffixes`.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or not pure.parts or ".." in pure.parts or "\\" in path:
        raise ModelError(
            f"The artifact path {path!r} leads out of the tracked run.",
            "Give a relative path such as figures/lift.png.",
        )
    if suffixes and pure.suffix not in suffixes:
        raise ModelError(
            f"The artifact path {path!r} does not end in {' or '.join(suffixes)}.",
            "The ending decides how the tracker shows it.",
        )
    return path


def check_table(table: pd.DataFrame) -> None:
    """Refuse a table of users: only figures are logged.

    Raises:
        ModelError: the table has user ids.
    """
    if n.USER_ID in table.columns or n.USER_ID in table.index.names:
        raise ModelError(
            f"A table with the column {n.USER_ID!r} is not logged.",
            "Personal data stays in the tables: log figures about groups of users.",
        )


def check_released_folder(folder: Path, example: pd.DataFrame) -> None:
    """Refuse what must not go into the registry.

    Raises:
        ModelError: `folder` is missing or holds lists of users, or the example has user ids.
    """
    if not folder.is_dir():
        raise ModelError(
            f"There is no model folder {folder}.", "Save the released model there first."
        )
    lists = next(folder.rglob(f"{TOP_N.name}*"), None)
    if lists is not None:
        raise ModelError(
            f"The model folder {folder} holds the lists of users: {lists.name}.",
            "Log only the model's own folder: personal data stays in the release.",
        )
    check_table(example)


def _texts(kind: str, entries: Mapping[str, Any], limit: int) -> dict[str, str]:
    texts = {}
    for name, value in entries.items():
        _check_name(kind, name)
        text = str(value)
        texts[name] = text if len(text) <= limit else text[: limit - 1] + "…"
    return texts


def _check_name(kind: str, name: str) -> None:
    if len(name) > NAME_LIMIT or not _NAME.fullmatch(name):
        raise ModelError(
            f"The tracker refuses the {kind} name {name!r}.",
            f"Use letters, digits and _ - . / only, such as ndcg_at_10, "
            f"at most {NAME_LIMIT} characters.",
        )
