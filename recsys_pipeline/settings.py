"""Every setting, once: recsys.toml, then RECSYS_* variables on top; unknown keys are refused."""

import difflib
import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from upath import UPath

from recsys_pipeline.business.config import BusinessConfig, GoalsConfig
from recsys_pipeline.errors import SettingsError
from recsys_pipeline.experiments.config import ExperimentsConfig
from recsys_pipeline.monitoring.config import MonitoringConfig
from recsys_pipeline.pipeline.config import Frozen, LearningConfig
from recsys_pipeline.pipeline.protocols import CheckLimits
from recsys_pipeline.pipeline.serving_config import DatabaseConfig, PrivacyConfig, ServingConfig
from recsys_pipeline.pipeline.tuning_config import TuningConfig
from recsys_pipeline.simulation import WorldConfig
from recsys_pipeline.sources import EventsConfig, FilesConfig, MovieLensConfig, SqlConfig

FILE_NAME = "recsys.toml"
PREFIX = "RECSYS_"
FILE_VARIABLE = "RECSYS_SETTINGS"
"""Variable that names the settings file; for processes that others start."""


class SourceSettings(Frozen):
    """Where the tables come from."""

    kind: Literal["simulated", "files", "movielens", "sql", "events"] = Field(
        "simulated", description="Which of the sources below is read."
    )
    simulated: WorldConfig = WorldConfig()
    files: FilesConfig | None = Field(None, description="The user's own files.")
    movielens: MovieLensConfig | None = Field(None, description="A MovieLens folder as downloaded.")
    sql: SqlConfig | None = Field(None, description="Tables or queries of a database.")
    events: EventsConfig = EventsConfig()

    @model_validator(mode="after")
    def _has_its_section(self) -> Self:
        key, kind = "source.kind", str(self.kind)
        if kind == "events" and self.events.merge != "none":
            key, kind = "source.events.merge", self.events.merge
        if getattr(self, kind) is None:
            raise ValueError(f"{key} is '{kind}' but there is no section [source.{kind}]")
        return self


class StorageSettings(Frozen):
    """Where tables, models and releases are written."""

    data: str = Field(
        "data", description="Folder (relative to recsys.toml) or fsspec URL, such as s3://bucket/x."
    )


class TrackingSettings(Frozen):
    """Where MLflow keeps runs and models."""

    folder: str = Field("mlruns", description="Folder, relative to recsys.toml.")
    uri: str | None = Field(
        None, description="Tracking server to use instead, such as http://127.0.0.1:5000."
    )
    experiment: str = Field("recsys", min_length=1, description="Name of the experiment.")
    model: str = Field("recsys", min_length=1, description="Name of the registered model.")


class ScheduleSettings(Frozen):
    """When the weekly run starts."""

    enabled: bool = Field(True, description="Whether the schedule is on from the start.")
    cron: str = Field("0 3 * * 1", description="When, as a cron line; Monday 03:00.")
    timezone: str = Field("UTC", description="Time zone of the cron line.")
    first_week: date = Field(
        date(2023, 1, 2), description="First week that can be run or backfilled."
    )

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"'{name}' is not a time zone, such as Europe/Paris") from error
        return name


class UiSettings(Frozen):
    """Where `recsys ui` serves, on 127.0.0.1; links between the pages use these ports."""

    dagster_port: int = Field(3000, ge=1, le=65535, description="Port of the Dagster UI.")
    mlflow_port: int = Field(5000, ge=1, le=65535, description="Port of the MLflow UI.")
    docs_port: int = Field(3001, ge=1, le=65535, description="Port of the Data Docs.")


class ChecksSettings(Frozen):
    """How much may be wrong with the data before a run stops."""

    allowed_share: float = Field(
        0.05, ge=0, le=1, description="Share of a table's rows that may break one rule."
    )
    shares: dict[str, float] = Field(
        {}, description='The same for single rules, such as "interactions.rating.out_of_range".'
    )
    shrink: float = Field(
        0.5, gt=0, le=1, description="Share of its rows that a table may lose in a week."
    )

    @property
    def limits(self) -> CheckLimits:
        return CheckLimits(self.allowed_share, self.shares, self.shrink)


class Settings(BaseSettings):
    """All settings of one installation; `load_settings` makes one."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__"
    )

    root: Path = Field(description="Folder of recsys.toml; relative paths start there.")
    source: SourceSettings = SourceSettings()
    storage: StorageSettings = StorageSettings()
    tracking: TrackingSettings = TrackingSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    checks: ChecksSettings = ChecksSettings()
    ui: UiSettings = UiSettings()
    learning: LearningConfig = LearningConfig()
    tuning: TuningConfig = TuningConfig()
    database: DatabaseConfig = DatabaseConfig()
    serving: ServingConfig = ServingConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    monitoring: MonitoringConfig = MonitoringConfig()
    experiments: ExperimentsConfig = ExperimentsConfig()
    goals: GoalsConfig = GoalsConfig()
    business: BusinessConfig = BusinessConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """RECSYS_* variables win over what the file says."""
        return env_settings, init_settings

    @property
    def data(self) -> UPath:
        """The data folder: absolute local path, or URL."""
        if "://" in self.storage.data:
            return UPath(self.storage.data)
        return UPath(self.root / self.storage.data)

    @property
    def mlruns(self) -> Path:
        """The tracking folder, absolute."""
        return self.root / self.tracking.folder

    @property
    def learning_fingerprint(self) -> str:
        """SHA-256 (hex) of all settings that decide what is learned."""
        return hashlib.sha256(self.learning.model_dump_json().encode()).hexdigest()

    def with_learning(self, changes: Mapping[str, Any]) -> Self:
        """A copy with other learning settings.

        Args:
            changes: nested like the settings, such as ``{"evaluation": {"split": "random"}}``.

        Raises:
            SettingsError: a change is not a valid setting.
        """
        merged = _merge(self.learning.model_dump(), changes)
        try:
            learning = LearningConfig.model_validate(merged)
        except ValidationError as error:
            raise SettingsError(*_explain(error, "the run config", prefix="learning.")) from error
        return self.model_copy(update={"learning": learning})


def find_settings_file(start: Path) -> Path | None:
    """The nearest recsys.toml in `start` or a folder above it, or None."""
    for folder in (start, *start.parents):
        # A folder of that name is found too: reading it fails, which is better than defaults.
        if (folder / FILE_NAME).exists():
            return folder / FILE_NAME
    return None


def settings_file(path: Path | None = None, start: Path | None = None) -> Path | None:
    """The file that `load_settings` reads, absolute; None where defaults hold."""
    if path is None and os.environ.get(FILE_VARIABLE):
        path = Path(os.environ[FILE_VARIABLE])
    return path.resolve() if path is not None else find_settings_file(start or Path.cwd())


def load_settings(path: Path | None = None, start: Path | None = None) -> Settings:
    """The settings of a file with RECSYS_* variables on top.

    Args:
        path: the file; None takes the one that RECSYS_SETTINGS names, or looks for recsys.toml
            in `start` and the folders above it, or takes the defaults if there is none.
        start: the working folder; None is the current one.

    Raises:
        SettingsError: the file is missing or not TOML, a key is unknown or a value is not valid.
    """
    start = (start or Path.cwd()).resolve()
    _refuse_unknown_variables()
    found = settings_file(path, start)
    values: dict[str, Any] = {}
    if found is not None:
        values = _read(found)
        if "root" in values:
            raise SettingsError(
                f"{found}: unknown key 'root'.", "Relative paths start at the file's folder."
            )
    root = found.parent if found is not None else start
    where = found.name if found is not None else "the environment"
    try:
        return Settings(root=root, **values)
    except ValidationError as error:
        raise SettingsError(*_explain(error, where)) from error
    except ValueError as error:
        raise SettingsError(
            f"a {PREFIX}* variable cannot be read: {error}.",
            f"Nested settings are written like {PREFIX}LEARNING__K=20; lists as JSON.",
        ) from error


def _refuse_unknown_variables() -> None:
    for variable in environment_settings():
        section = variable.removeprefix(PREFIX).split("__")[0].lower()
        known = [name for name in Settings.model_fields if name != "root"]
        if section not in known and variable != FILE_VARIABLE:
            close = difflib.get_close_matches(section, known, n=1)
            raise SettingsError(
                f"{variable} names no setting.",
                f"Did you mean {PREFIX}{close[0].upper()}__…?"
                if close
                else f"Variables look like {PREFIX}LEARNING__K.",
            )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{path} does not exist.", "Name a settings file, or write one with `recsys init`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.", "Save it as UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path} is not valid TOML: {error}.",
            "Texts need quotes, sections look like [source], keys like k = 10.",
        ) from error


def _merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _explain(error: ValidationError, where: str, prefix: str = "") -> tuple[str, str]:
    """Message and hint for the first faults of `error`, each naming its key and where it is set.

    Args:
        where: where values come from that no RECSYS_* variable sets.
        prefix: what the keys begin with, of settings that are neither in a file nor in variables.
    """
    lines, hint = [], "See the comments in recsys.toml, or docs/settings.md."
    for fault in error.errors()[:5]:
        key = prefix + ".".join(str(part) for part in fault["loc"])
        place = where if prefix else _variable_of(fault["loc"]) or where
        if fault["type"] == "extra_forbidden":
            lines.append(f"{place}: unknown key '{key}'.")
            close = _closest(LearningConfig if prefix else Settings, fault["loc"])
            if close:
                hint = f"Did you mean '{prefix}{close}'?"
        else:
            message = fault["msg"].removeprefix("Value error, ")
            value = fault.get("input")
            shown = f" (found {value!r})" if isinstance(value, str | int | float | bool) else ""
            lines.append(f"{place}: {key}: {message}{shown}." if key else f"{place}: {message}.")
    return "\n".join(lines), hint


def _variable_of(location: tuple[int | str, ...]) -> str | None:
    """The RECSYS_* variable that sets the value at `location`, or None."""
    keys = [str(part) for part in location]
    for variable, value in environment_settings().items():
        path = variable.removeprefix(PREFIX).lower().split("__")
        if keys[: len(path)] == path and _holds(value, keys[len(path) :]):
            return variable
    return None


def _holds(value: str, keys: list[str]) -> bool:
    """Whether the text of a variable says something of what lies below it at `keys`."""
    if not keys:
        return True
    try:
        inner = json.loads(value)
    except json.JSONDecodeError:
        return False
    for key in keys:
        if not isinstance(inner, dict):
            return True
        if key not in inner:
            return False
        inner = inner[key]
    return True


def _closest(model: type[BaseModel], location: tuple[int | str, ...]) -> str | None:
    """The known key of `model` nearest to an unknown one, with its section."""
    for part in location[:-1]:
        inner = _inner_model(model, str(part))
        if inner is None:
            return None
        model = inner
    close = difflib.get_close_matches(str(location[-1]), model.model_fields, n=1)
    return ".".join([*(str(part) for part in location[:-1]), close[0]]) if close else None


def _inner_model(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    field = model.model_fields.get(name)
    if field is None:
        return None
    candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def environment_settings() -> dict[str, str]:
    """The RECSYS_* variables that are set, for `recsys doctor`."""
    return {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
