"""How a fitted model lies in its folder: `model.json` with settings, `model.npz` with arrays."""

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import BaseModel

from recsys_pipeline.errors import ModelError

_JSON = "model.json"
_ARRAYS = "model.npz"
_FORMAT = 1

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class ModelFiles:
    """What a saved model consists of.

    Attributes:
        name: name of the recommender.
        config: its settings as plain values.
        arrays: its fitted arrays, by name.
        state: further fitted values as JSON has them.
    """

    name: str
    config: Mapping[str, Any]
    arrays: Mapping[str, Array]
    state: Mapping[str, Any]


def write_model(
    folder: Path,
    name: str,
    config: BaseModel,
    arrays: Mapping[str, Array],
    state: Mapping[str, Any] | None = None,
) -> None:
    """Write a fitted model into `folder`; equal models give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / _ARRAYS, allow_pickle=False, **dict(arrays))
    text = json.dumps(
        {
            "format": _FORMAT,
            "name": name,
            "config": config.model_dump(mode="json"),
            "arrays": sorted(arrays),
            "state": state or {},
        },
        indent=1,
        sort_keys=True,
        allow_nan=False,
        ensure_ascii=False,
    )
    (folder / _JSON).write_text(text + "\n", encoding="utf-8")


def read_name(folder: Path) -> str:
    """Name of the recommender that was saved in `folder`. Raises ModelError if there is none."""
    return str(_read_json(folder)["name"])


def read_model(folder: Path, name: str) -> ModelFiles:
    """The model that `write_model` wrote.

    Raises:
        ModelError: a file is missing or damaged, or the model is another one than `name`.
    """
    head = _read_json(folder)
    if head["name"] != name:
        raise ModelError(
            f"{folder / _JSON} holds the model {head['name']!r}, not {name!r}.",
            "Load it with load_recommender, which reads the name.",
        )
    try:
        # Opened here: numpy leaves the file open where it is damaged.
        with (folder / _ARRAYS).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in head["arrays"]}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelError(f"{folder / _ARRAYS} cannot be read: {error}", _HINT) from error
    return ModelFiles(head["name"], head["config"], arrays, head["state"])


_HINT = "Train again, or restore the folder from a copy of the release."


def _read_json(folder: Path) -> dict[str, Any]:
    path = folder / _JSON
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}", _HINT) from error
    if not isinstance(head, dict) or not {"name", "config", "arrays", "state"} <= set(head):
        raise ModelError(f"{path} does not describe a model.", _HINT)
    if head.get("format") != _FORMAT:
        raise ModelError(
            f"{path} has format {head.get('format')!r}; this version reads format {_FORMAT}.",
            "Train again with this version, or load it with the version that wrote it.",
        )
    return head


def csr_arrays(name: str, matrix: sp.csr_matrix) -> dict[str, Array]:
    """A CSR matrix as arrays to save, under names that begin with `name`."""
    return {
        f"{name}_data": matrix.data,
        f"{name}_indices": matrix.indices,
        f"{name}_indptr": matrix.indptr,
        f"{name}_shape": np.array(matrix.shape, dtype=np.int64),
    }


def csr_from(name: str, arrays: Mapping[str, Array]) -> sp.csr_matrix:
    """The CSR matrix that `csr_arrays` took apart."""
    parts = (arrays[f"{name}_data"], arrays[f"{name}_indices"], arrays[f"{name}_indptr"])
    return sp.csr_matrix(parts, shape=tuple(int(size) for size in arrays[f"{name}_shape"]))
