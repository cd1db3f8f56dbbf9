"""Ramp: a new release answers a share of the users first; written criteria take it back."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from threading import Lock
from typing import Final

from recsys_pipeline.pipeline.serving_config import RampConfig
from recsys_pipeline.pipeline.state import StateStore

KEY: Final = "ramp"
_ATTEMPTS: Final = 20


@dataclass(frozen=True)
class Counts:
    """What the answers of the new release did since its start, of one worker or of all.

    Attributes:
        answers: given with it, failed ones too.
        errors: answers that failed.
        slow: answers that took longer than the criterion allows 1 in 100.
        named: answers for somebody who is named.
        fallback: answers of those that were not personal.
        clicks: on movies of its answers.
    """

    answers: int = 0
    errors: int = 0
    slow: int = 0
    named: int = 0
    fallback: int = 0
    clicks: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Counts)))


@dataclass(frozen=True)
class RampState:
    """How a take-over stands; shared by all workers as JSON.

    Attributes:
        release, before: the new one and the old one.
        started_at: seconds since 1970.
        criteria: what takes it back, one sentence each; written before the start.
        counts: of each worker.
        stopped: why it was taken back, or empty.
        moved: whether the pointer was moved back since.
        ended: whether a person moved the pointer elsewhere.
    """

    release: str
    before: str
    started_at: float
    criteria: tuple[str, ...]
    counts: dict[str, Counts] = field(default_factory=dict)
    stopped: str = ""
    moved: bool = False
    ended: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it: another promotion of the release begins anew."""
        return bool(self.stopped) or self.ended

    @property
    def total(self) -> Counts:
        """What all workers saw."""
        total = Counts()
        for counts in self.counts.values():
            total = total.plus(counts)
        return total


class Ramp:
    """The take-over of one release at a time.

    Args:
        config: the steps and the criteria.
        store: where workers share how it stands.
        worker: names this process.
    """

    def __init__(self, config: RampConfig, store: StateStore, worker: str) -> None:
        self.config, self._store, self._worker = config, store, worker
        self._lock, self._release, self._counts = Lock(), "", Counts()

    @property
    def criteria(self) -> tuple[str, ...]:
        """What takes a new release back, for people."""
        config = self.config
        told = [
            f"more than {config.most_errors:.1%} of its answers fail",
            f"more than 1 % of its answers take longer than {config.most_milliseconds:g} ms",
            f"more than {config.most_fallback:.0%} of its answers for users are not personal",
        ]
        if config.least_clicks:
            told.append(f"fewer than {config.least_clicks:g} clicks per answer")
        return tuple(told)

    def takes(self, user_id: str, release: str, percent: int) -> bool:
        """Whether a user is among the first `percent` for that release; sticky, salted by it."""
        digest = hashlib.blake2b(f"{release}\n{user_id}".encode(), digest_size=4).digest()
        return int.from_bytes(digest, "big") % 10_000 < percent * 100

    def percent(self, state: RampState, now: float) -> int:
        """The share of the users in % that the new release answers at `now`."""
        step = int(max(0.0, now - state.started_at) // (self.config.step_minutes * 60))
        return self.config.percent[min(step, len(self.config.percent) - 1)]

    def note(self, release: str, *, seconds: float, error: bool, fallback: bool | None) -> None:
        """Count an answer of this worker; `fallback` is None where nobody is named."""
        slow = seconds * 1e3 > self.config.most_milliseconds
        named = fallback is not None
        self._count(release, Counts(1, int(error), int(slow), int(named), int(bool(fallback))))

    def note_click(self, release: str) -> None:
        """Count a click on a movie of an answer."""
        self._count(release, Counts(clicks=1))

    def _count(self, release: str, counts: Counts) -> None:
        with self._lock:
            if release == self._release:
                self._counts = self._counts.plus(counts)

    def state(self) -> RampState | None:
        """How the last take-over stands, or None.

        Raises:
            StorageError: the database cannot be read.
        """
        return _read(self._store.get(KEY))

    def begun(self, release: str, before: str, now: float) -> RampState:
        """The take-over of `release`, begun by this worker or by another one.

        Raises:
            StorageError: the database cannot be read or written.
        """
        with self._lock:
            self._release, self._counts = release, Counts()
        new = RampState(release, before, now, self.criteria)
        for _ in range(_ATTEMPTS):
            text = self._store.get(KEY)
            state = _read(text)
            if state is not None and state.release == release and not state.over:
                return state
            if self._store.swap(KEY, text, _written(new)):
                return new
        return new

    def shared(self, now: float) -> RampState | None:
        """Share what this worker counted; how the take-over stands with all workers, or None.

        Raises:
            StorageError: the database cannot be read or written.
        """
        for _ in range(_ATTEMPTS):
            text = self._store.get(KEY)
            state = _read(text)
            if state is None or state.release != self._release:
                return None
            if state.over:
                return state
            with self._lock:
                own = self._counts
            new = replace(state, counts={**state.counts, self._worker: own})
            new = replace(new, stopped=self.breach(new.total))
            if new == state or self._store.swap(KEY, text, _written(new)):
                return new
        return None

    def moved(self, state: RampState) -> None:
        """Note that the pointer was moved back after a stop."""
        self._note(state, lambda found: replace(found, moved=True))

    def end(self, state: RampState) -> None:
        """Note that a person moved the pointer elsewhere."""
        self._note(state, lambda found: replace(found, ended=True))

    def _note(self, state: RampState, noted: Callable[[RampState], RampState]) -> None:
        """Note something of this take-over, and of no other."""
        for _ in range(_ATTEMPTS):
            text = self._store.get(KEY)
            found = _read(text)
            if found is None or (found.release, found.started_at) != (
                state.release,
                state.started_at,
            ):
                return
            if self._store.swap(KEY, text, _written(noted(found))):
                return

    def breach(self, counts: Counts) -> str:
        """Which criterion is broken, with the figure; empty for none, or while little is known."""
        config, total = self.config, counts.answers
        if total < config.least_requests:
            return ""
        found: Sequence[tuple[bool, str]] = (
            (
                counts.errors > config.most_errors * total,
                f"{counts.errors / total:.1%} of {total:,} answers failed "
                f"(at most {config.most_errors:.1%})",
            ),
            (
                counts.slow > 0.01 * total,
                f"{counts.slow / total:.1%} of {total:,} answers took longer than "
                f"{config.most_milliseconds:g} ms (at most 1 %)",
            ),
            (
                counts.fallback > config.most_fallback * counts.named,
                f"{counts.fallback / max(counts.named, 1):.0%} of {counts.named:,} answers for "
                "somebody who is named were not personal "
                f"(at most {config.most_fallback:.0%})",
            ),
            (
                counts.clicks < config.least_clicks * total,
                f"{counts.clicks / total:.3f} clicks per answer of {total:,} "
                f"(at least {config.least_clicks:g})",
            ),
        )
        return next((text for broken, text in found if broken), "")


def _written(state: RampState) -> str:
    return json.dumps(asdict(state), sort_keys=True)


def _read(text: str | None) -> RampState | None:
    if text is None:
        return None
    values = json.loads(text)
    values["counts"] = {worker: Counts(**each) for worker, each in values["counts"].items()}
    values["criteria"] = tuple(values["criteria"])
    return RampState(**values)
