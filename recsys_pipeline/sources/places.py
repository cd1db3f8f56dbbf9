"""Places: from the paths in the settings to the files that they name, local or remote."""

import difflib
import glob
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import fsspec

from recsys_pipeline.errors import SourceError

_NO_DATA_SUFFIXES = (
    ".md",
    ".html",
    ".pdf",
    ".png",
    ".jpg",
    ".json",
    ".toml",
    ".crc",
    ".sql",
    ".py",
)
_NO_DATA_STEMS = ("readme", "license", "licence", "changelog", "checksums", "md5sums")
_STAMPS = ("size", "ETag", "etag", "mtime", "LastModified", "last_modified", "created", "md5Hash")


@dataclass(frozen=True)
class Place:
    """One file.

    Attributes:
        name: how people know it: relative to the folder of recsys.toml where it lies below it.
        url: absolute local path, or URL.
        remote: whether `url` is a URL.
    """

    name: str
    url: str
    remote: bool

    def read(self) -> bytes:
        """The whole content. Raises SourceError where it cannot be read."""
        if self.remote:
            return _remote_bytes(self.url)
        try:
            return Path(self.url).read_bytes()
        except PermissionError as error:
            raise SourceError(
                f"{self.name} cannot be opened: permission denied.",
                "Give the user that runs this the right to read the file.",
            ) from error
        except OSError as error:
            raise SourceError(
                f"{self.name} cannot be read: {error.strerror or error}.",
                "Check the file and the disk that it lies on.",
            ) from error

    def stamp(self) -> str:
        """A text that changes when the file does; its content is not read."""
        if self.remote:
            filesystem, path = _filesystem(self.url)
            try:
                info = filesystem.info(path)
            except Exception as error:
                raise _unreachable(self.url, error) from error
            found = [f"{key}={info[key]}" for key in _STAMPS if info.get(key) is not None]
            return f"{self.name} {' '.join(found)}"
        try:
            status = Path(self.url).stat()
        except OSError as error:
            raise SourceError(
                f"{self.name} cannot be read: {error.strerror or error}.",
                "Check the file and the disk that it lies on.",
            ) from error
        return f"{self.name} {status.st_size} {status.st_mtime_ns}"


def fingerprint(places: Iterable[Place]) -> str:
    """Sixteen hexadecimal digits from the stamps of `places`."""
    text = "\n".join(sorted(place.stamp() for place in places))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_url(path: str) -> bool:
    """Whether `path` is a URL for fsspec, not a local path."""
    return "://" in path


def find_places(paths: Iterable[str], root: Path) -> tuple[list[Place], list[str]]:
    """The files that `paths` name, each once, in order; and notes on files left out of folders.

    Raises:
        SourceError: a path names nothing, or a folder without data files.
    """
    found: dict[str, Place] = {}
    notes: list[str] = []
    for path in paths:
        for place in _remote_places(path) if is_url(path) else _local_places(path, root, notes):
            found.setdefault(place.url, place)
    return list(found.values()), notes


def local_path(path: str, root: Path) -> Path:
    """Absolute path of `path`, which starts at `root` where it is relative."""
    return Path(root, Path(path).expanduser()).absolute()


def data_files(folder: Path) -> tuple[list[Path], list[str]]:
    """Files directly in `folder` that may hold rows, sorted; and the names of the others.

    Hidden files, files that start with ``_`` (such as Spark's ``_SUCCESS``), read-me files and
    files of kinds that hold no rows count as others.
    """
    files: list[Path] = []
    others: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            continue
        name = path.name.lower()
        skipped = (
            name.startswith((".", "_"))
            or name.endswith(_NO_DATA_SUFFIXES)
            or name.split(".")[0] in _NO_DATA_STEMS
        )
        if skipped:
            others.append(path.name)
        else:
            files.append(path)
    return files, others


def display_name(path: Path, root: Path) -> str:
    """`path` from `root` where it lies below it, else absolute; with forward slashes."""
    absolute = path.absolute()
    base = root.absolute()
    return (absolute.relative_to(base) if absolute.is_relative_to(base) else absolute).as_posix()


def _local_places(path: str, root: Path, notes: list[str]) -> list[Place]:
    full = local_path(path, root)
    if full.is_dir():
        return _folder_places(full, root, notes)
    if full.exists():
        return [Place(display_name(full, root), str(full), remote=False)]
    if glob.has_magic(path):
        pattern = Path(path).expanduser()
        # Only the user's own text is a pattern: the folder of recsys.toml may have brackets.
        base = Path(pattern.anchor) if pattern.is_absolute() else root
        inside = pattern.relative_to(pattern.anchor).as_posix()
        files = sorted(match.absolute() for match in base.glob(inside) if match.is_file())
        if files:
            return [Place(display_name(file, root), str(file), remote=False) for file in files]
        raise SourceError(
            f"No file matches {path}.", f"Patterns start at {root.absolute()}; check the spelling."
        )
    raise SourceError(f"{path} does not exist (looked for {full}).", _closest_names(full, root))


def _folder_places(folder: Path, root: Path, notes: list[str]) -> list[Place]:
    try:
        files, others = data_files(folder)
    except PermissionError as error:
        raise SourceError(
            f"The folder {display_name(folder, root)} cannot be opened: permission denied.",
            "Give the user that runs this the right to read the folder.",
        ) from error
    if not files:
        inside = ", ".join(sorted(item.name for item in folder.iterdir())[:8]) or "nothing"
        raise SourceError(
            f"The folder {display_name(folder, root)} holds no data files (it holds {inside}).",
            "Name a folder with CSV or Parquet files, or a pattern such as folder/**/*.parquet.",
        )
    if others:
        notes.append(
            f"Left out of the folder {display_name(folder, root)}, as they hold no rows: "
            f"{', '.join(others)}."
        )
    return [Place(display_name(file, root), str(file), remote=False) for file in files]


def _closest_names(path: Path, root: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either; relative paths start at {root}."
    there = sorted(item.name for item in folder.iterdir())
    lower = {name.lower(): name for name in there}
    close = difflib.get_close_matches(path.name.lower(), list(lower), n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(lower[name] for name in close)}?"
    return f"That folder holds {', '.join(there[:8]) or 'nothing'}."


def _filesystem(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise SourceError(
            f"{_shown(url)} cannot be opened: {error}.",
            "Install the fsspec package for that kind of URL, or name a local file.",
        ) from error
    return filesystem, str(path)


def _remote_places(url: str) -> list[Place]:
    filesystem, path = _filesystem(url)
    # fsspec's backends raise errors of their own kinds (botocore, aiohttp, …): all mean the same
    # to the user, and none of them is hidden.
    try:
        if glob.has_magic(path):
            found = sorted(str(match) for match in filesystem.glob(path))
        elif filesystem.isdir(path):
            listed = (str(item) for item in filesystem.ls(path, detail=False))
            found = sorted(
                item
                for item in listed
                if not item.rsplit("/", 1)[-1].startswith((".", "_")) and filesystem.isfile(item)
            )
        else:
            found = [path] if filesystem.exists(path) else []
    except Exception as error:
        raise _unreachable(url, error) from error
    if not found:
        raise SourceError(
            f"{_shown(url)} does not exist.", "Check the address and your access to it."
        )
    if found == [path]:
        return [Place(_shown(url), url, remote=True)]
    urls = [str(filesystem.unstrip_protocol(item)) for item in found]
    return [Place(_shown(item), item, remote=True) for item in urls]


def _shown(url: str) -> str:
    """`url` without user, password and query: those may hold secrets."""
    return re.sub(r"://[^/@]*@", "://", url.split("?", 1)[0])


def _remote_bytes(url: str) -> bytes:
    filesystem, path = _filesystem(url)
    try:
        content = filesystem.cat_file(path)
    except Exception as error:
        raise _unreachable(url, error) from error
    return bytes(content)


def _unreachable(url: str, error: Exception) -> SourceError:
    return SourceError(
        f"{_shown(url)} cannot be read: {type(error).__name__}: {error}.",
        "Check the address, the network and your access to it.",
    )
