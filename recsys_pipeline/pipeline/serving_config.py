"""Settings of serving and of what is kept about people; this module loads nothing that learns."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from recsys_pipeline.pipeline.config import Frozen


class DatabaseConfig(Frozen):
    """Where events, answers, API keys and receipts of erasure are kept."""

    url: SecretStr | None = Field(
        None,
        description="SQLAlchemy URL such as postgresql+psycopg://user@host/name; without one, a "
        "SQLite file in the data folder. One with a password belongs in RECSYS_DATABASE__URL.",
    )


class CacheConfig(Frozen):
    """Answers kept for a while."""

    url: SecretStr | None = Field(
        None, description="redis://host:6379/0 for a cache that servers share; else one each."
    )
    seconds: float = Field(60.0, ge=0, description="How long an answer is kept; 0 keeps none.")
    entries: int = Field(10_000, ge=1, description="Answers that one server keeps at most.")


class LimitsConfig(Frozen):
    """How much one key may ask."""

    requests_per_minute: int = Field(
        6_000, ge=0, description="Requests of one key a minute and worker; 0 is any number."
    )
    body_bytes: int = Field(1_000_000, ge=1_000, description="Size of a body at most.")
    batch: int = Field(1_000, ge=1, le=10_000, description="Events in one request at most.")
    k: int = Field(100, ge=1, le=1_000, description="Length of a list at most.")


class RampConfig(Frozen):
    """How a new release takes over: for a share of the users first, or for all at once.

    The stop criteria compare what the new release's answers did since its start; one that is
    broken takes the new release back by itself.
    """

    percent: tuple[int, ...] = Field(
        (), description="Shares of the users in %, such as [5, 25, 100]; empty switches at once."
    )
    step_minutes: float = Field(60.0, gt=0, description="How long each share is kept.")
    least_requests: int = Field(
        200, ge=1, description="Answers of the new release before a criterion is looked at."
    )
    most_errors: float = Field(0.01, ge=0, le=1, description="Share of failed answers at most.")
    most_milliseconds: float = Field(
        250.0, gt=0, description="Time of 99 of 100 answers at most, in milliseconds."
    )
    most_fallback: float = Field(
        0.5, ge=0, le=1, description="Share of answers that are not personal at most."
    )
    least_clicks: float = Field(
        0.0, ge=0, le=1, description="Clicks per answer at least; 0 looks at no clicks."
    )

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        steps = self.percent
        if steps and (list(steps) != sorted(set(steps)) or steps[0] < 1 or steps[-1] != 100):
            raise ValueError("percent ascends from at least 1 to 100, such as [5, 25, 100]")
        return self


class ServingConfig(Frozen):
    """The server behind `recsys serve`."""

    host: str = Field("127.0.0.1", description="Address to listen on; beyond it keys are needed.")
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="Processes that answer.")
    require_keys: bool = Field(
        False, description="Ask for a key on this machine too; elsewhere one is always needed."
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Web sites whose pages may call the API, such as https://shop.example."
    )
    access_log: bool = Field(True, description="Whether each request writes a line.")
    poll_seconds: float = Field(
        1.0, gt=0, le=60, description="How often the server looks for a new release and events."
    )
    cache: CacheConfig = CacheConfig()
    limits: LimitsConfig = LimitsConfig()
    ramp: RampConfig = RampConfig()


class PrivacyConfig(Frozen):
    """How long what is known of people is kept; applied by every weekly run."""

    key: SecretStr | None = Field(
        None,
        description="Key of the hashes by which erased people are known; belongs in "
        "RECSYS_PRIVACY__KEY. Without one, a file privacy.key is made beside the data.",
    )
    events_days: int | None = Field(
        730, ge=1, description="Days that events are kept; no value keeps them for ever."
    )
    shown_days: int | None = Field(180, ge=1, description="Days that answers are kept.")
    releases: int | None = Field(
        26, ge=2, description="Releases kept, with the one in service and the one before it."
    )
    weeks: int | None = Field(
        26, ge=1, description="Weeks of tables between the steps that are kept, the newest first."
    )
