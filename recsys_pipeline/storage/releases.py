"""The release store: releases that are whole, and the pointer to the one in service."""

import hashlib
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from upath import UPath

from recsys_pipeline.data.frames import read_frame
from recsys_pipeline.errors import RecsysError, ReleaseError
from recsys_pipeline.pipeline.protocols import LISTS, Manifest, Pointer
from recsys_pipeline.storage.disk import DiskShelf
from recsys_pipeline.storage.manifests import (
    MANIFEST,
    checked_id,
    checked_name,
    manifest_json,
    manifest_of,
    pointer_json,
    pointer_of,
)
from recsys_pipeline.storage.moves import advanced, armed, disarmed, promoted, rolled_back
from recsys_pipeline.storage.objects import ObjectShelf
from recsys_pipeline.storage.rewriting import Rewritten, held, rewritten
from recsys_pipeline.storage.shelf import Content, Shelf, sha256

_AGAIN = "Publish the release again, or promote another one."


class ShelfReleaseStore:
    """The `ReleaseStore` of the weekly job over any shelf."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def publish(self, manifest: Manifest, files: Mapping[str, bytes | Path]) -> Manifest:
        """See `ReleaseStore.publish`.

        A stored release of the same id stands if it is whole, has the same lists, byte for byte,
        and lacks no file; else the new one takes its place in one step.

        Raises:
            ReleaseError: a bad id or name, no lists among `files`, or the place cannot be
                written.
            SetupError: another process keeps writing.
        """
        release = checked_id(manifest.release)
        with self._writing(f"release {release}"):
            contents = _single_files(files)
            if LISTS not in contents:
                raise ReleaseError(
                    f"Release {release} has no {LISTS}.", "Every release holds the lists."
                )
            hashes = {name: sha256(contents[name]) for name in sorted(contents)}
            with self._shelf.exclusive():
                stored = self._whole(release)
                if stored is not None and _holds(stored, hashes):
                    return stored
                content = manifest_json(replace(manifest, files=hashes))
                self._shelf.put(release, contents, content)
        return manifest_of(content, release)

    def promote(self, release: str) -> None:
        """See `ReleaseStore.promote`; every file is compared with its hash first."""
        manifest = self._checked(release)
        with self._writing("the pointer"), self._shelf.exclusive():
            self._shelf.point(pointer_json(promoted(self._pointer(), manifest)))

    def advance(self, release: str, opponent: str) -> bool:
        """See `ReleaseStore.advance`; every file is compared with its hash first."""
        manifest = self._checked(release)
        with self._writing("the pointer"), self._shelf.exclusive():
            pointer = self._pointer()
            if pointer is not None and self._served() is None:
                # What it names is lost, so nobody can have decided against it.
                opponent = pointer.release
            pointer = advanced(pointer, manifest, opponent)
            if pointer is not None:
                self._shelf.point(pointer_json(pointer))
        return pointer is not None

    def roll_back(self, release: str) -> None:
        """See `ReleaseStore.roll_back`; every file is compared with its hash first."""
        manifest = self._checked(release)
        with self._writing("the pointer"), self._shelf.exclusive():
            self._shelf.point(pointer_json(rolled_back(self.pointer(), self._served(), manifest)))

    def arm(self, recipe: str, release: str) -> None:
        """See `ReleaseStore.arm`; every file is compared with its hash first."""
        self._checked(release)
        with self._writing("the pointer"), self._shelf.exclusive():
            self._shelf.point(pointer_json(armed(self.pointer(), recipe, release)))

    def disarm(self, recipe: str) -> None:
        """See `ReleaseStore.disarm`."""
        with self._writing("the pointer"), self._shelf.exclusive():
            pointer = self.pointer()
            if pointer is not None and recipe in pointer.arms:
                self._shelf.point(pointer_json(disarmed(pointer, recipe)))

    def pointer(self) -> Pointer | None:
        """See `ReleaseStore.pointer`."""
        try:
            content = self._shelf.pointer()
            return None if content is None else pointer_of(content)
        except (OSError, ValueError) as error:
            raise ReleaseError(
                f"The pointer current.json in {self._shelf.place} cannot be read: {error}.",
                "Run `recsys run`: its release writes it anew.",
            ) from error

    def current(self) -> Manifest | None:
        """See `ReleaseStore.current`.

        Raises:
            ReleaseError: the pointer cannot be read, or names a release that is not there.
        """
        pointer = self.pointer()
        return None if pointer is None else self._manifest(pointer.release)

    def manifest(self, release: str) -> Manifest:
        """See `ReleaseStore.manifest`."""
        return self._checked(release)

    def erased(self, release: str) -> int:
        """See `ReleaseStore.erased`."""
        return self._manifest(release).erased

    def manifests(self) -> Sequence[Manifest]:
        """See `ReleaseStore.manifests`; `verify` says what is wrong with those left out."""
        return _oldest_first(self._whole(release) for release in self.releases())

    def told(self) -> Sequence[Manifest]:
        """See `ReleaseStore.told`."""

        def read(release: str) -> Manifest | None:
            with suppress(ReleaseError):
                return self._manifest(release)
            return None

        return _oldest_first(read(release) for release in self.releases())

    def releases(self) -> list[str]:
        """The ids of all releases there, whole or not, sorted."""
        return self._shelf.releases()

    def read_lists(self, release: str) -> pd.DataFrame:
        """See `ReleaseStore.read_lists`; the file is compared with its hash first."""
        manifest = self._manifest(release)
        try:
            content = self._shelf.read(release, LISTS)
        except OSError as error:
            raise _unreadable(release, LISTS, error) from error
        if hashlib.sha256(content).hexdigest() != manifest.files.get(LISTS):
            raise ReleaseError(f"Release {release}: {LISTS} is not what the manifest says.", _AGAIN)
        return read_frame(io.BytesIO(content))

    def folder(self, release: str) -> Path:
        """See `ReleaseStore.folder`. Raises ReleaseError if there is no such release."""
        manifest = self._manifest(release)
        try:
            return self._shelf.local(release, manifest.files)
        except OSError as error:
            raise _unreadable(release, "a file", error) from error

    def verify(self, release: str) -> list[str]:
        """What is wrong with a release, one clause each; empty if it is whole.

        Every file is read and compared with its hash. Raises ReleaseError for a bad id.
        """
        try:
            manifest = manifest_of(self._shelf.read(checked_id(release), MANIFEST), release)
        except FileNotFoundError:
            return [f"{MANIFEST} is missing in {self._shelf.place}/{release}"]
        except (OSError, ValueError) as error:
            return [f"{MANIFEST} cannot be read ({error})"]
        problems = [] if LISTS in manifest.files else [f"{MANIFEST} names no {LISTS}"]
        for name, digest in manifest.files.items():
            try:
                if self._shelf.digest(release, checked_name(name)) != digest:
                    problems.append(f"{name} is not what the manifest says")
            except FileNotFoundError:
                problems.append(f"{name} is missing")
            except OSError as error:
                problems.append(f"{name} cannot be read ({error})")
            except ReleaseError as error:
                problems.append(f"{MANIFEST} names {name!r}: {error.message}")
        return problems

    def held(self, user_id: str) -> dict[str, dict[str, Any]]:
        """See `ReleaseStore.held`."""
        found = {}
        for manifest in self.manifests():
            theirs = held(self.folder(manifest.release), manifest.files, user_id)
            if theirs:
                found[manifest.release] = theirs
        return found

    def erase(self, user_id: str) -> dict[str, int]:
        """See `ReleaseStore.erase`.

        A file that was damaged before is damaged still: what the manifest says of the files that
        do not change stays as it is.
        """
        counts = {"releases": 0}
        for release in self.releases():
            with self._writing(f"release {release}"), self._shelf.exclusive():
                self._shelf.tidy(release)
                removed = self._erase(release, user_id)
                if removed.files:
                    self._shelf.tidy(release)
                    counts["releases"] += 1
                for table, rows in removed.rows.items():
                    counts[table] = counts.get(table, 0) + rows
        return counts

    def prune(self, keep: int, always: Collection[str] = ()) -> list[str]:
        """See `ReleaseStore.prune`."""
        pointer = self._pointer()
        if pointer is None:
            # Nobody knows what is in service, so nothing is old.
            return []
        kept = {pointer.release, *pointer.before[:1], *pointer.arms.values(), *always}
        ages = {release: self._age(release) for release in self.releases()}
        newest_first = sorted(ages, key=lambda release: ages[release], reverse=True)
        # Those of arms come beside those of the weeks, and go with the weeks that they belong to.
        own = [release for release in newest_first if not ages[release].of_an_arm]
        oldest = ages[own[keep - 1]].moment if len(own) >= keep > 0 else ""
        gone = {
            *own[keep:],
            *(each for each in ages.keys() - set(own) if ages[each].moment < oldest),
        }
        old = [release for release in newest_first if release in gone - kept]
        for release in old:
            with self._writing(f"release {release}"), self._shelf.exclusive():
                self._shelf.remove(release)
        return old

    def _age(self, release: str) -> "_Age":
        try:
            manifest = self._manifest(release)
        except ReleaseError:
            return _Age(release, release, False)
        moment = manifest.as_of or manifest.made_at
        return _Age(moment, release, bool(manifest.arm_of))

    def _erase(self, release: str, user_id: str) -> Rewritten:
        try:
            manifest = self._manifest(release)
            folder = self._shelf.local(release, manifest.files)
            removed = rewritten(folder, manifest.files, user_id)
        except (OSError, ValueError, RecsysError) as error:
            raise ReleaseError(
                f"Release {release} cannot be read, so nobody knows whom it holds: {error}",
                "Remove it, or restore it from a copy; then run `recsys privacy resume`.",
            ) from error
        if not removed.files:
            return removed
        hashes = dict(manifest.files)
        for name, content in removed.files.items():
            if self._shelf.digest(release, name) == hashes[name]:
                hashes[name] = sha256(content)
        new = replace(
            manifest,
            files=hashes,
            rows={name: max(n - removed.rows.get(name, 0), 0) for name, n in manifest.rows.items()},
            erased=manifest.erased + 1,
        )
        contents: dict[str, Content] = {
            name: removed.files.get(name, folder / name) for name in manifest.files
        }
        self._shelf.put(release, contents, manifest_json(new))
        return removed

    def _checked(self, release: str) -> Manifest:
        """The manifest of a whole release. Raises ReleaseError if it is not whole."""
        problems = self.verify(release)
        if problems:
            raise ReleaseError(f"Release {release} is not whole: {problems[0]}.", _AGAIN)
        return self._manifest(release)

    def _pointer(self) -> Pointer | None:
        """The pointer; None where it cannot be read: the next one takes its place."""
        try:
            return self.pointer()
        except ReleaseError:
            return None

    def _served(self) -> Manifest | None:
        """The release in service; None where it is lost: that keeps nobody from going back."""
        try:
            return self.current()
        except ReleaseError:
            return None

    def _whole(self, release: str) -> Manifest | None:
        return None if self.verify(release) else self._manifest(release)

    def _manifest(self, release: str) -> Manifest:
        """The manifest of a release. Raises ReleaseError if there is none."""
        try:
            return manifest_of(self._shelf.read(checked_id(release), MANIFEST), release)
        except FileNotFoundError as error:
            raise ReleaseError(
                f"There is no release {release} in {self._shelf.place}.", _AGAIN
            ) from error
        except (OSError, ValueError) as error:
            raise _unreadable(release, MANIFEST, error) from error

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ReleaseError(
                f"Cannot write {what} in {self._shelf.place}: {error}.",
                "Check the free space and the rights there; the release in service is unchanged.",
            ) from error


class _Age(NamedTuple):
    """What sorts releases: the moment that they look from, or at which they were made."""

    moment: str
    release: str
    of_an_arm: bool


class FileReleaseStore(ShelfReleaseStore):
    """Releases in a local folder or an object store.

    Args:
        root: the folder of releases, or a URL such as ``s3://bucket/releases``.
        cache: where releases of an object store are fetched to; the user's cache by default.
    """

    def __init__(self, root: str | Path | UPath, cache: Path | None = None) -> None:
        place = UPath(root)
        if place.protocol in ("", "file", "local"):
            super().__init__(DiskShelf(Path(place.path).absolute()))
            return
        digest = hashlib.sha256(str(place).encode()).hexdigest()[:16]
        home = cache or Path.home() / ".cache" / "recsys_pipeline"
        super().__init__(ObjectShelf(place, home / digest))


def _oldest_first(found: Iterable[Manifest | None]) -> list[Manifest]:
    there = [manifest for manifest in found if manifest is not None]
    return sorted(there, key=lambda manifest: (manifest.as_of, manifest.release))


def _holds(stored: Manifest, hashes: Mapping[str, str]) -> bool:
    """Whether a stored release has the same lists and every file of a new one."""
    return stored.files[LISTS] == hashes[LISTS] and hashes.keys() <= stored.files.keys()


def _single_files(files: Mapping[str, bytes | Path]) -> dict[str, Content]:
    """`files` with every folder replaced by the files in it. Raises OSError, ReleaseError."""
    single: dict[str, Content] = {}
    for name, content in files.items():
        if isinstance(content, Path) and content.is_dir():
            for path in sorted(content.rglob("*")):
                if path.is_file():
                    inner = f"{name}/{path.relative_to(content).as_posix()}"
                    single[checked_name(inner)] = path
        else:
            single[checked_name(name)] = content
    return single


def _unreadable(release: str, name: str, error: Exception) -> ReleaseError:
    return ReleaseError(f"Release {release}: {name} cannot be read: {error}.", _AGAIN)
