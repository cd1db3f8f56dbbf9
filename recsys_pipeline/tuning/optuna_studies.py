"""Studies over Optuna, kept in one SQLite file."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from recsys_pipeline.errors import SetupError
from recsys_pipeline.pipeline.search_space import Knob, Knobs, Numbers, Value
from recsys_pipeline.pipeline.studies import Asked, Tried

RANDOM_FIRST: Final = 8
"""Trials that are drawn at random before earlier ones are learned from."""
BEFORE_PRUNING: Final = 5
"""Trials with a figure on all users before one is broken off."""

_SQLITE: Final = b"SQLite format 3\0"
_WAIT_SECONDS: Final = 30
_INSTALL: Final = "Install it with `pip install recsys-pipeline[tuning]`."


def installed() -> bool:
    """Whether Optuna is there; it is not loaded."""
    return find_spec("optuna") is not None


class OptunaStudy:
    """A `Study`: a tree-structured Parzen estimator proposes, the median of earlier trials prunes.

    Bergstra et al., Algorithms for Hyper-Parameter Optimization, NeurIPS 2011. Each proposal has a
    seed of its own, made from that of the study and its number, so that a search in two sessions
    makes the same proposals as one in a single session.
    """

    def __init__(self, study: Any, knobs: Knobs, seed: int) -> None:
        self._study, self._seed = study, seed
        self._distributions = {key: _distribution(knob) for key, knob in knobs.items()}
        self._running: dict[int, Any] = {}

    def tried(self) -> Sequence[Tried]:
        """See `Study`."""
        from optuna.trial import TrialState

        ended = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return [
            Tried(
                trial.number,
                dict(trial.params),
                float(trial.value)
                if trial.state == TrialState.COMPLETE and trial.value is not None
                else None,
            )
            for trial in self._study.get_trials(deepcopy=False, states=ended)
        ]

    def know(self, values: Mapping[str, Value], figures: Sequence[float]) -> None:
        """See `Study`."""
        from optuna.trial import create_trial

        self._study.add_trial(
            create_trial(
                value=figures[-1],
                params=dict(values),
                distributions=self._distributions,
                intermediate_values=dict(enumerate(figures)),
            )
        )

    def ask(self) -> Asked:
        """See `Study`."""
        from optuna.samplers import TPESampler

        number = len(self._study.get_trials(deepcopy=False))
        own = np.random.SeedSequence([self._seed, number]).generate_state(1)[0]
        self._study.sampler = TPESampler(n_startup_trials=RANDOM_FIRST, seed=int(own))
        trial = self._study.ask(self._distributions)
        self._running[trial.number] = trial
        return Asked(trial.number, dict(trial.params))

    def report(self, asked: Asked, rung: int, figure: float) -> bool:
        """See `Study`."""
        from optuna.trial import TrialState

        trial = self._running[asked.number]
        trial.report(figure, rung)
        if not trial.should_prune():
            return True
        self._study.tell(self._running.pop(asked.number), state=TrialState.PRUNED)
        return False

    def tell(self, asked: Asked, figure: float) -> None:
        """See `Study`."""
        self._study.tell(self._running.pop(asked.number), figure)

    def give_up(self, asked: Asked) -> None:
        """See `Study`."""
        from optuna.trial import TrialState

        self._study.tell(self._running.pop(asked.number), state=TrialState.FAIL)


class OptunaStudies:
    """`Studies` in the file ``study.db`` of a folder; close it after use.

    Args:
        folder: made if missing.

    Raises:
        SetupError: Optuna is not installed, or the file is not one of its.
    """

    def __init__(self, folder: Path) -> None:
        if not installed():
            raise SetupError("`recsys tune` needs Optuna, which is not installed.", _INSTALL)
        self._path = folder / "study.db"
        with self._errors():
            folder.mkdir(parents=True, exist_ok=True)
            _refuse_foreign(self._path)
            self._storage = _storage(self._path)

    def open(self, name: str, knobs: Knobs, seed: int, *, fresh: bool = False) -> OptunaStudy:
        """See `Studies`."""
        import optuna

        with self._errors():
            if fresh and name in optuna.get_all_study_names(self._storage):
                optuna.delete_study(study_name=name, storage=self._storage)
            study = optuna.create_study(
                study_name=name,
                storage=self._storage,
                direction="maximize",
                pruner=optuna.pruners.MedianPruner(n_startup_trials=BEFORE_PRUNING),
                load_if_exists=True,
            )
        return OptunaStudy(study, knobs, seed)

    def close(self) -> None:
        """See `Studies`: the file is let go of."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns what Optuna says of a file that it cannot use into SetupError."""
        from optuna.exceptions import OptunaError

        try:
            yield
        # Optuna raises RuntimeError for the file of another version of it.
        except (OSError, OptunaError, RuntimeError) as error:
            raise SetupError(
                f"The studies in {self._path} cannot be used: {error}",
                "Move the file away: the trials in it are forgotten, nothing else.",
            ) from error


def _storage(path: Path) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.storages.RDBStorage(
        f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": _WAIT_SECONDS}}
    )


def _refuse_foreign(path: Path) -> None:
    """Raise OSError if the file is there and no database."""
    if not path.exists():
        return
    with path.open("rb") as file:
        start = file.read(len(_SQLITE))
    if start and start != _SQLITE:
        raise OSError("it is not an SQLite database")


def _distribution(knob: Knob) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not isinstance(knob, Numbers):
        return CategoricalDistribution(knob.values)
    if knob.whole:
        return IntDistribution(int(knob.low), int(knob.high), log=knob.log)
    return FloatDistribution(knob.low, knob.high, log=knob.log)
