"""Reproducing: a release made again from what it was made of, and every difference by name."""

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pandas as pd
import scipy.linalg  # noqa: F401 - loads the library whose version is asked for
from pydantic import TypeAdapter
from threadpoolctl import threadpool_info

from recsys_pipeline.contracts import SOURCE_TABLES
from recsys_pipeline.contracts import names as n
from recsys_pipeline.data.build import build_dataset
from recsys_pipeline.data.fingerprint import fingerprint
from recsys_pipeline.data.frames import read_frame
from recsys_pipeline.data.stored import save_dataset
from recsys_pipeline.pipeline.config import LearningConfig
from recsys_pipeline.pipeline.content_digest import content_digest
from recsys_pipeline.pipeline.feature_matrix import make_feature_matrix
from recsys_pipeline.pipeline.fitting import Progress
from recsys_pipeline.pipeline.protocols import LISTS, LOCK, MODEL, PEOPLE, RECIPE, Manifest
from recsys_pipeline.pipeline.recipes import recipe_json
from recsys_pipeline.pipeline.releasing import to_parquet
from recsys_pipeline.pipeline.top_n import make_top_n
from recsys_pipeline.pipeline.training import Trained, load_cuts, train

PACKAGES: Final = (
    "recsys-pipeline",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "implicit",
    "skops",
    "pydantic",
)
"""The packages on which the bytes of a release depend."""

_ROOMS: Final = ("contracts", "data", "models", "evaluation", "ranking", "pipeline")
_MISSING: Final = "not there"


def environment() -> dict[str, str]:
    """What computes here: Python, system, linear algebra, our code, and versions of `PACKAGES`."""
    blas = {
        f"{each['internal_api']} {each['version']} {each.get('architecture', '')}".strip()
        for each in threadpool_info()
        if each["user_api"] == "blas"
    }
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "blas": ", ".join(sorted(blas)),
    }
    return found | {"code": _code()} | {name: _version_of(name) for name in PACKAGES}


def _code() -> str:
    """A digest of our own code that learns and makes lists: between versions it changes too."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted((package / room).glob("*.py")):
            digest.update(f"{room}/{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _MISSING


@dataclass(frozen=True)
class Lock:
    """With what a release was made.

    Attributes:
        environment: see `environment`.
        tables: the fingerprint of each clean table, by name.
    """

    environment: Mapping[str, str]
    tables: Mapping[str, str]

    @classmethod
    def of(cls, tables: Mapping[str, pd.DataFrame]) -> "Lock":
        """Of this environment and the clean tables."""
        return cls(environment(), {name: fingerprint({name: tables[name]}) for name in tables})

    def to_json(self) -> bytes:
        """For the file `LOCK` of a release; equal locks give equal bytes."""
        fields = {"environment": dict(self.environment), "tables": dict(self.tables)}
        return (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> "Lock | None":
        """What `to_json` wrote; None where there is none, it cannot be read or lacks a table."""
        try:
            lock = TypeAdapter(cls).validate_json(path.read_bytes())
        except (OSError, ValueError):
            return None
        return lock if all(contract.name in lock.tables for contract in SOURCE_TABLES) else None


@dataclass(frozen=True)
class Compared:
    """One thing then and now.

    Attributes:
        kind: ``table``, ``package`` or ``file``.
        name: which one.
        then, now: a fingerprint, a version, or words; empty where it is not known.
        same: whether they are equal; None where that is not known.
    """

    kind: str
    name: str
    then: str
    now: str
    same: bool | None


@dataclass(frozen=True)
class Reproduction:
    """What came of making a release again.

    Attributes:
        release: its id.
        compared: tables, packages and files, in this order.
        made: whether it was made again; not where the tables are other ones.
        users: users with a list, then or now.
        other_lists: of those, how many have another list: other movies, order or scores.
    """

    release: str
    compared: tuple[Compared, ...]
    made: bool
    users: int = 0
    other_lists: int = 0

    @property
    def same(self) -> bool:
        """Whether every file came out the same; see `content_digest` for what that means."""
        files = [each.same for each in self.compared if each.kind == "file"]
        return self.made and bool(files) and all(files)

    def differing(self, kind: str) -> tuple[Compared, ...]:
        """Those of a kind that differ."""
        return tuple(each for each in self.compared if each.kind == kind and each.same is False)

    @property
    def sentence(self) -> str:
        """The outcome for people."""
        if self.same:
            count = sum(each.kind == "file" for each in self.compared)
            return f"Release {self.release} came out the same, in all of its {count} files."
        if not self.made:
            names = ", ".join(each.name for each in self.differing("table")) or "some values"
            return (
                f"Release {self.release} was not made again: in its tables {names} changed since "
                "(a later run of the same week writes them anew)."
            )
        return f"Release {self.release} came out otherwise: {'; '.join(self._reasons())}."

    def _reasons(self) -> list[str]:
        files = ", ".join(each.name for each in self.differing("file"))
        found = [f"{files} differ" if "," in files else f"{files} differs"]
        if self.other_lists:
            found.append(f"{self.other_lists:,} of {self.users:,} users have another list")
        elif any(each.name == LISTS for each in self.differing("file")):
            found.append("the lists in it are equal, only how they are written differs")
        packages = self.differing("package")
        if packages:
            shown = ", ".join(f"{each.name} {each.then} → {each.now}" for each in packages)
            found.append(f"other versions: {shown}")
        elif any(each.kind == "package" and each.same is None for each in self.compared):
            found.append("the release does not say with which versions it was made")
        else:
            found.append(
                "every version is the same, so the processor or its number of cores may be another"
            )
        return found


@dataclass(frozen=True)
class Original:
    """A release as it is stored.

    Attributes:
        manifest: its files with their SHA-256, and what it was made from.
        learning: its recipe.
        lists: its lists, contract `TOP_N`.
        folder: where its files lie.
        lock: versions and tables; None where it does not say.
    """

    manifest: Manifest
    learning: LearningConfig
    lists: pd.DataFrame
    folder: Path
    lock: Lock | None = None


def reproduce(
    original: Original,
    tables: Mapping[str, pd.DataFrame],
    progress: Progress,
    *,
    here: Mapping[str, str] | None = None,
    fits: Callable[..., Trained] = train,
) -> Reproduction:
    """Make the release again from `tables` and compare it file by file.

    Where the tables are not those that it was made from, they are named and nothing is made.

    Args:
        original: the release.
        tables: the clean tables of its week as they lie there now: users, movies, interactions.
        progress: is told each step, one line.
        here: the environment to compare with, by default this one.
        fits: trains a recipe; see `train`.
    """
    manifest, learning = original.manifest, original.learning
    told = [*_tables(original, tables), *_packages(original.lock, here or environment())]
    if fingerprint(dict(tables)) != manifest.data_fingerprint:
        return Reproduction(manifest.release, tuple(told), made=False)
    as_of = pd.Timestamp(manifest.as_of) if manifest.as_of else None
    frames = [tables[contract.name] for contract in SOURCE_TABLES]
    progress("the tables are those of the release; training")
    cuts = load_cuts(frames[0], frames[1], frames[2], learning, as_of)
    trained = fits(cuts, make_feature_matrix(cuts, learning), learning, progress)
    progress("making the lists")
    data = build_dataset(frames[0], frames[1], frames[2], learning.likes, as_of)
    lists = to_parquet(make_top_n(trained.released, data, learning.k, manifest.release))
    files = {LISTS: lists, RECIPE: recipe_json(learning)}
    with TemporaryDirectory() as folder:
        trained.released.save(Path(folder) / MODEL)
        save_dataset(data, Path(folder) / PEOPLE)
        for path in sorted(each for each in Path(folder).rglob("*") if each.is_file()):
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    told += _files(original, files)
    both = _by_user(original.lists), _by_user(read_frame(BytesIO(lists)))
    users = sorted({*both[0], *both[1]})
    return Reproduction(
        manifest.release,
        tuple(told),
        made=True,
        users=len(users),
        other_lists=sum(both[0].get(user) != both[1].get(user) for user in users),
    )


def _files(original: Original, made: Mapping[str, bytes]) -> list[Compared]:
    """Each file then and now; the lock is left out, as its parts are compared one by one."""
    stored = original.manifest.files
    found = []
    for name in sorted({*stored, *made} - {LOCK}):
        then = stored.get(name, "")
        now = hashlib.sha256(made[name]).hexdigest() if name in made else ""
        if then and now and then != now:
            content = (original.folder / name).read_bytes()
            if hashlib.sha256(content).hexdigest() == then:
                then, now = content_digest(name, content), content_digest(name, made[name])
        found.append(Compared("file", name, then, now, then == now))
    return found


def _by_user(lists: pd.DataFrame) -> dict[str, tuple[tuple[str, float], ...]]:
    """Movies and scores of each user's list, in order."""
    found: dict[str, list[tuple[str, float]]] = {}
    ordered = lists[[n.USER_ID, n.MOVIE_ID, n.SCORE]].itertuples(index=False, name=None)
    for user, movie, score in ordered:
        found.setdefault(str(user), []).append((str(movie), float(score)))
    return {user: tuple(entries) for user, entries in found.items()}


def _tables(original: Original, tables: Mapping[str, pd.DataFrame]) -> list[Compared]:
    """Each table then and now, by its fingerprint, or by its rows where that is not known."""
    manifest, lock = original.manifest, original.lock
    whole = fingerprint(dict(tables)) == manifest.data_fingerprint
    found = []
    for contract in SOURCE_TABLES:
        name = contract.name
        rows, before = len(tables[name]), manifest.rows.get(name, 0)
        now, then = fingerprint({name: tables[name]}), "" if lock is None else lock.tables[name]
        same = True if whole else then == now if then else None if rows == before else False
        found.append(
            Compared(
                "table",
                name,
                f"{before:,} rows {then[:12]}".strip(),
                f"{rows:,} rows {now[:12]}",
                same,
            )
        )
    return found


def _packages(lock: Lock | None, here: Mapping[str, str]) -> list[Compared]:
    then = {} if lock is None else lock.environment
    return [
        Compared(
            "package",
            name,
            then.get(name, ""),
            here.get(name, _MISSING),
            then[name] == here.get(name) if name in then else None,
        )
        for name in sorted({*then, *here})
    ]
