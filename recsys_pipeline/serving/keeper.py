"""Keeper: which release answers whom; a new one is loaded beside the old and takes over whole."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock

from recsys_pipeline.errors import RecsysError, ReleaseError
from recsys_pipeline.pipeline.protocols import Pointer, ReleaseStore
from recsys_pipeline.serving.arms import NOWHERE, ArmKeeper, Arms, Placed
from recsys_pipeline.serving.ramp import Ramp, RampState
from recsys_pipeline.serving.release import LoadedRelease

_AGAIN_SECONDS = 30.0
"""A release that could not be loaded is tried again after this long."""


@dataclass(frozen=True, slots=True)
class Served:
    """What answers at one moment; replaced whole, never changed.

    Attributes:
        current: the release in service, None before the first.
        before: the one before it, while the new one takes over step by step.
        percent: of the users that the new one answers.
        refused: a release that the pointer names and that cannot be loaded, or empty.
        why: why not, for people.
        ramp: how the last take-over by steps stands, None without one.
    """

    current: LoadedRelease | None = None
    before: LoadedRelease | None = None
    percent: int = 100
    refused: str = ""
    why: str = ""
    ramp: RampState | None = None


class Keeper:
    """Follows the pointer of the release store. Safe to use from several threads.

    Args:
        store: where releases lie.
        ramp: how a new release takes over; None switches at once.
        clock: seconds since 1970.
        tell: is told what happened, one line each.
        load: reads a release whole.
        arms: follows experiments; None knows of none.
    """

    def __init__(
        self,
        store: ReleaseStore,
        ramp: Ramp | None,
        clock: Callable[[], float],
        tell: Callable[[str], None],
        load: Callable[[ReleaseStore, str], LoadedRelease] = LoadedRelease.load,
        arms: ArmKeeper | None = None,
    ) -> None:
        self._store, self._ramp, self._clock, self._tell, self._load = (
            store,
            ramp,
            clock,
            tell,
            load,
        )
        self._refused_at = 0.0
        self._looking = Lock()
        self._follows = arms
        self.served, self.arms = Served(), Arms()
        self.looked_at = clock()
        """When it last followed the pointer, in seconds since 1970."""

    def placed(self, user_id: str) -> Placed:
        """In which arm of which experiment a user is; nobody who is not named is in any."""
        return self.arms.placed(user_id) if user_id else NOWHERE

    def of_user(self, user_id: str) -> LoadedRelease:
        """The release that answers a user: that of the user's arm, or the one in service.

        Raises:
            ReleaseError: there is none.
        """
        return self.placed(user_id).own or self.release(user_id)

    def release(self, user_id: str = "") -> LoadedRelease:
        """The release in service for a user: the same one until the next step of a take-over.

        Raises:
            ReleaseError: there is none.
        """
        served = self.served
        if served.current is None:
            raise ReleaseError(
                served.why or "There is no release yet.", "Make one with `recsys run`."
            )
        ramp, old = self._ramp, served.before
        if ramp is not None and old is not None:
            new = ramp.takes(user_id, served.current.id, served.percent)
            return served.current if new else old
        return served.current

    def instead_of(self, release: LoadedRelease) -> LoadedRelease | None:
        """The release before, where `release` is taking over from it; else None."""
        served = self.served
        return served.before if served.current is release else None

    def note(
        self,
        release: LoadedRelease,
        *,
        seconds: float = 0.0,
        error: bool = False,
        fallback: bool | None = None,
    ) -> None:
        """Count an answer; only those of a release that takes over step by step are.

        Args:
            seconds: that it took.
            error: whether it failed.
            fallback: whether it was not personal; None where nobody is named.
        """
        if self._ramp is not None and self.served.before is not None:
            self._ramp.note(release.id, seconds=seconds, error=error, fallback=fallback)

    def clicked(self, release: str) -> None:
        """Count a click on a movie of an answer of that release."""
        if self._ramp is not None and self.served.before is not None:
            self._ramp.note_click(release)

    def refresh(self) -> None:
        """Follow the pointer, and take the next step of a take-over.

        Nothing is raised for what cannot be read: the release in service stays, and `served` says
        why.
        """
        with self._looking:
            try:
                pointer = self._store.pointer()
                if pointer is not None:
                    self._follow(pointer)
                if self._ramp is not None:
                    self._step(self._ramp)
                if self._follows is not None and pointer is not None:
                    current = self.served.current
                    self.arms = self._follows.follow(self.arms, pointer, current, self)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look comes
                self._refuse("", error)
            self.looked_at = self._clock()

    def _follow(self, pointer: Pointer) -> None:
        served, now = self.served, self._clock()
        release = pointer.release
        if served.current is not None and served.current.id == release:
            self._renew()
            return
        if served.refused == release and now - self._refused_at < _AGAIN_SECONDS:
            return
        state = None if self._ramp is None else self._ramp.state()
        if state is not None and state.release == release and state.stopped and not state.moved:
            # It was stopped, and the worker that saw it has not moved the pointer yet, or died.
            self._take_back(state)
            return
        try:
            new = self.loaded(release)
        except Exception as error:  # noqa: BLE001 - a release that breaks anything is refused
            self._refuse(release, error)
            return
        now_named = self._store.pointer()
        if now_named is None or now_named.release != release:
            # It moved on while the release was being loaded: the next look follows it.
            return
        if state is not None and state.release != release and not state.over:
            # Whoever promotes that one again begins anew.
            self._ramp_over(state)
        before = self._taken_over(pointer, state)
        if self._ramp is None or before is None:
            self.served = Served(new, ramp=state)
            self._tell(f"release {release} answers")
            return
        begun = self._ramp.begun(release, before.id, now)
        percent = self._ramp.percent(begun, now)
        self.served = Served(new, before if percent < 100 else None, percent, ramp=begun)
        self._tell(f"release {release} answers {percent} % of the users")

    def _renew(self) -> None:
        """Read releases again from which people were erased since; an old refusal is over."""
        served = self.served
        current, before = [
            None if each is None else self.renewed(each) for each in (served.current, served.before)
        ]
        if (current, before) != (served.current, served.before) or served.why:
            self.served = replace(served, current=current, before=before, refused="", why="")

    def renewed(self, release: LoadedRelease) -> LoadedRelease:
        """The release, read again where somebody was erased from it since."""
        return release if self._is_whole(release) else self.loaded(release.id)

    def _taken_over(self, pointer: Pointer, state: RampState | None) -> LoadedRelease | None:
        """The release from which the new one takes over step by step; None where it does at once.

        It does at once where it is the first, or where a person has gone back to it.
        """
        if self._ramp is None or not pointer.before:
            return None
        old, current = pointer.before[0], self.served.current
        if current is not None:
            return current if current.id == old else None
        # A server that starts in the middle of a take-over goes on with it.
        if state is None or (state.release, state.before) != (pointer.release, old):
            return None
        try:
            return None if state.over else self.loaded(old)
        except RecsysError as error:
            self._tell(f"release {old} cannot be loaded, so {state.release} takes over: {error}")
            return None

    def loaded(self, release: str) -> LoadedRelease:
        """A release that answers already, or one read from the store."""
        for each in (self.served.current, self.served.before, self.arms.releases.get(release)):
            if each is not None and each.id == release and self._is_whole(each):
                return each
        return self._load(self._store, release)

    def _is_whole(self, release: LoadedRelease) -> bool:
        """Whether nobody was erased from it since it was read."""
        return self._store.erased(release.id) == release.manifest.erased

    def _refuse(self, release: str, error: Exception) -> None:
        served = self.served
        # What nobody foresaw may name anything: its class is enough.
        why = error.message if isinstance(error, RecsysError) else type(error).__name__
        if (served.refused, served.why) != (release, why):
            self._tell(f"release {release or '(pointer)'} is refused: {why}")
        self._refused_at = self._clock()
        self.served = replace(served, refused=release, why=why)

    def _ramp_over(self, state: RampState) -> None:
        if self._ramp is not None:
            self._ramp.end(state)

    def _step(self, ramp: Ramp) -> None:
        """Share what was seen; go on, end, or go back."""
        served, now = self.served, self._clock()
        if served.before is None or served.current is None:
            return
        state = ramp.shared(now)
        if state is None:
            return
        if state.stopped:
            self.served = Served(served.before, ramp=state)
            self._tell(f"release {state.release} is taken back: {state.stopped}")
            self._take_back(state)
            return
        percent = ramp.percent(state, now)
        if percent != served.percent:
            self._tell(f"release {state.release} answers {percent} % of the users")
        before = None if percent >= 100 else served.before
        self.served = Served(served.current, before, percent, ramp=state)

    def _take_back(self, state: RampState) -> None:
        """Move the pointer back; whichever worker does it first, the others find it done."""
        assert self._ramp is not None
        pointer = self._store.pointer()
        if pointer is not None and pointer.release == state.release:
            self._store.roll_back(state.before)
        self._ramp.moved(state)
