"""Dagster's own storage: runs, events, ticks and logs in one folder below a root."""

from pathlib import Path
from typing import Any, Final

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef

from recsys_pipeline.errors import SetupError

FOLDER: Final = ".dagster"
FILE_NAME: Final = "dagster.yaml"
TEMPLATE: Final = Path(__file__).parent / "templates" / FILE_NAME


def instance_for(root: Path) -> dg.DagsterInstance:
    """The instance that dagster.yaml in `root` describes; written there first if missing.

    Relative folders in that file count from `root`, wherever the process was started.

    Raises:
        SetupError: the file cannot be written or is not valid.
    """
    path = root / FILE_NAME
    try:
        if not path.exists():
            path.write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
        config = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        (root / FOLDER).mkdir(exist_ok=True)
    except (OSError, yaml.YAMLError) as error:
        raise SetupError(
            f"{path} cannot be used: {error}", "Mend or remove the file; it is then written anew."
        ) from error
    try:
        reference = InstanceRef.from_dir(
            str(root / FOLDER), config_dir=str(root), overrides=_absolute(config, root)
        )
        return dg.DagsterInstance.from_ref(reference)
    except (dg.DagsterInvalidConfigError, ValueError) as error:
        raise SetupError(
            f"{path} is not valid: {error}", "Mend or remove the file; it is then written anew."
        ) from error


def _absolute(node: Any, root: Path) -> Any:
    """`node` with every relative ``base_dir`` in it counted from `root`."""
    if not isinstance(node, dict):
        return node
    return {
        key: str(root / value)
        if key == "base_dir" and isinstance(value, str)
        else _absolute(value, root)
        for key, value in node.items()
    }
