"""Where assets lie between steps: tables as Parquet, fitted models as folders.

Both work on a local folder and on any fsspec URL, and keep one file or folder per week:
``<base>/<asset>/<week>.parquet`` and ``<base>/<asset>/<week>``.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Protocol
from uuid import uuid4

import dagster as dg
import pandas as pd
from fsspec.implementations.local import LocalFileSystem
from upath import UPath

from recsys_pipeline.data.frames import read_frame, write_frame
from recsys_pipeline.defs.columns import SCHEMA_KEY, frame_schema

_UNFINISHED = ".tmp"


class TableIOManager(dg.UPathIOManager):
    """DataFrames as Parquet: every dtype that contracts use comes back as it was.

    Args:
        base: folder or URL above the assets' folders.
    """

    extension: ClassVar[str] = ".parquet"

    def __init__(self, base: UPath) -> None:
        super().__init__(base_path=base)

    def dump_to_path(self, context: dg.OutputContext, obj: pd.DataFrame, path: UPath) -> None:
        """Write `obj` whole or not at all."""
        if not _is_local(path):
            with path.open("wb") as file:
                write_frame(obj, file)
            return
        beside = _beside(path)
        try:
            write_frame(obj, beside)
            beside.replace(Path(path.path))
        finally:
            beside.unlink(missing_ok=True)

    def load_from_path(self, context: dg.InputContext, path: UPath) -> pd.DataFrame:
        """The frame that was written."""
        with path.open("rb") as file:
            return read_frame(file)

    def get_metadata(self, context: dg.OutputContext, obj: pd.DataFrame) -> dict[str, Any]:
        """Rows and columns, for the UI; never a value."""
        declared = (context.definition_metadata or {}).get(SCHEMA_KEY)
        if isinstance(declared, dg.TableSchemaMetadataValue):
            declared = declared.schema
        return {
            "dagster/row_count": len(obj),
            SCHEMA_KEY: frame_schema(obj, declared),
        }


class Savable(Protocol):
    """What a folder is written from."""

    def save(self, folder: Path) -> None:
        """Write everything into `folder`."""
        ...


class FolderIOManager(dg.UPathIOManager):
    """Objects that save themselves into a folder.

    The one written last is kept at hand for the steps of the same process, as long as its folder is
    the one that was written.

    Args:
        base: folder or URL above the assets' folders.
        load: reads the object from a local folder, which it must not need afterwards.
    """

    def __init__(self, base: UPath, load: Callable[[Path], Any]) -> None:
        super().__init__(base_path=base)
        self._load = load
        self._kept: tuple[str, int, Any] | None = None

    def dump_to_path(self, context: dg.OutputContext, obj: Savable, path: UPath) -> None:
        """Write the folder; a local one appears whole."""
        if not _is_local(path):
            with TemporaryDirectory() as folder:
                obj.save(Path(folder))
                if path.fs.exists(path.path):
                    path.fs.rm(path.path, recursive=True)
                path.fs.put(f"{folder}/", f"{path.path}/", recursive=True)
            return
        beside, final = _beside(path), Path(path.path)
        try:
            obj.save(beside)
            if final.exists():
                shutil.rmtree(final)
            beside.rename(final)
            # The steps that follow in this process need not read what is still at hand.
            self._kept = (str(final), final.stat().st_mtime_ns, obj)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def load_from_path(self, context: dg.InputContext, path: UPath) -> Any:
        """The object that was saved. Raises FileNotFoundError if there is none."""
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist")
        if _is_local(path):
            local = Path(path.path)
            kept = self._kept
            if kept is not None and kept[:2] == (str(local), local.stat().st_mtime_ns):
                return kept[2]
            return self._load(local)
        with TemporaryDirectory() as folder:
            path.fs.get(f"{path.path}/", f"{folder}/", recursive=True)
            return self._load(Path(folder))


def _is_local(path: UPath) -> bool:
    return isinstance(path.fs, LocalFileSystem)


def _beside(path: UPath) -> Path:
    """A name in the same folder, so that a rename puts it in place at once."""
    return Path(path.path).with_name(f".{path.name}.{uuid4().hex}{_UNFINISHED}")


def remove_unfinished(base: UPath) -> None:
    """Remove what a killed run left half-written below `base`; call it under the run's lock."""
    if not _is_local(base):
        return
    for path in Path(base.path).glob(f"*/.*{_UNFINISHED}"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
