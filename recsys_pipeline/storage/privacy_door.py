"""Privacy of an installation: its key, its stores, and every place where people's data lie."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

from recsys_pipeline.errors import SetupError
from recsys_pipeline.pipeline.erasure import ErasureStore
from recsys_pipeline.pipeline.online import EventStore
from recsys_pipeline.pipeline.privacy import Privacy
from recsys_pipeline.pipeline.privacy_gone import NOBODY, Gone, LeavingOut
from recsys_pipeline.pipeline.privacy_keys import PrivacyKey
from recsys_pipeline.pipeline.protocols import ReleaseStore
from recsys_pipeline.pipeline.state import StateStore
from recsys_pipeline.settings import Settings
from recsys_pipeline.sources import Source
from recsys_pipeline.storage.folders import (
    docs_folder,
    is_remote,
    key_file,
    local_data,
    lock_file,
    orchestrator_folder,
)
from recsys_pipeline.storage.privacy_places import Caches, Happened, NotOurs, Releases
from recsys_pipeline.storage.run_lock import run_lock
from recsys_pipeline.storage.stored_tables import StoredTables
from recsys_pipeline.storage.traces import Traces

_KEY_STATE = "privacy_key"


def privacy_of(
    settings: Settings,
    releases: ReleaseStore,
    events: EventStore,
    erasures: ErasureStore,
    state: StateStore,
) -> Privacy:
    """People's data of an installation.

    Args:
        settings: of the installation.
        releases, events, erasures, state: its stores.

    Raises:
        SetupError: the key by which erased people are known is gone.
    """
    return Privacy(
        key=key_of(settings, erasures, state),
        erasures=erasures,
        places=(
            StoredTables(settings.data / "assets"),
            Releases(releases),
            _traces(settings),
            # Towards the end, as events may come in until then.
            Happened(events),
            Caches(settings.serving.cache.seconds, settings.serving.poll_seconds),
            NotOurs(settings),
        ),
        events=events,
        exclusive=partial(run_lock, lock_file(settings), f"erasure-{uuid4().hex}"),
    )


@contextmanager
def opened_privacy(
    settings: Settings, releases: ReleaseStore, *, make: bool = False
) -> Iterator[Privacy | None]:
    """People's data of an installation; None where nobody was erased and nothing has come in.

    That is known without opening a database where none was ever made, unless one is to be made.

    Raises:
        StorageError: the database cannot be opened.
        SetupError: the key by which erased people are known is gone.
    """
    from recsys_pipeline.storage.database import database_of
    from recsys_pipeline.storage.erasures import SqlErasureStore
    from recsys_pipeline.storage.events import SqlEventStore
    from recsys_pipeline.storage.state import SqlStateStore

    if not make and not database_exists(settings):
        yield None
        return
    with closing(database_of(settings)) as database:
        yield privacy_of(
            settings,
            releases,
            SqlEventStore(database),
            SqlErasureStore(database),
            SqlStateStore(database),
        )


def without_erased(settings: Settings, source: Source) -> Source:
    """`source` without the rows of erased people; who they are is looked up when it is read.

    For those who read a source outside a weekly run.
    """
    return LeavingOut(source, partial(gone_of, settings))


def gone_of(settings: Settings) -> Gone:
    """Who was erased in an installation.

    Raises:
        StorageError: the database cannot be opened.
        SetupError: the key by which erased people are known is gone.
    """
    from recsys_pipeline.storage.database import database_of
    from recsys_pipeline.storage.erasures import SqlErasureStore
    from recsys_pipeline.storage.state import SqlStateStore

    if not database_exists(settings):
        return NOBODY
    with closing(database_of(settings)) as database:
        erasures = SqlErasureStore(database)
        if not erasures.hashes():
            return NOBODY
        return Gone.of(key_of(settings, erasures, SqlStateStore(database)), erasures)


def database_exists(settings: Settings) -> bool:
    """Whether there is a database, without opening one; else nobody was erased, nothing posted."""
    from recsys_pipeline.storage.database import FILE_NAME

    return settings.database.url is not None or (local_data(settings) / FILE_NAME).exists()


def key_of(settings: Settings, erasures: ErasureStore, state: StateStore) -> PrivacyKey:
    """The privacy key: that of the settings, or the one beside the data, made if missing.

    Raises:
        SetupError: people were erased with a key that is gone, or with another one.
    """
    begun = bool(erasures.hashes())
    file = key_file(settings)
    key = _from_settings(settings) or PrivacyKey.read(file)
    if key is None:
        if begun:
            raise _lost(file)
        key = PrivacyKey.read_or_make(file)
    known = state.get(_KEY_STATE)
    if known != key.fingerprint:
        if begun and known is not None:
            raise _lost(file)
        state.put(_KEY_STATE, key.fingerprint)
    return key


def renew_key(settings: Settings, state: StateStore) -> None:
    """Go on with the key that is there, or with a new one; who was erased before is forgotten."""
    key = _from_settings(settings) or PrivacyKey.read_or_make(key_file(settings))
    state.put(_KEY_STATE, key.fingerprint)


def _from_settings(settings: Settings) -> PrivacyKey | None:
    secret = settings.privacy.key
    return None if secret is None else PrivacyKey(secret.get_secret_value().strip().encode())


def _lost(file: Path) -> SetupError:
    return SetupError(
        "The privacy key is not the one by which erased people are known: a run would bring them "
        "back.",
        f"Put {file} (or RECSYS_PRIVACY__KEY) back from a backup. If it is lost for good, "
        "`recsys privacy new-key` goes on without knowing who was erased.",
    )


def _traces(settings: Settings) -> Traces:
    """Files beside the tables: of Dagster, MLflow, the Data Docs, and logs."""
    from recsys_pipeline.storage.database import FILE_NAME

    data = local_data(settings)
    own = settings.database.url
    database = data / FILE_NAME
    if own is not None and own.get_secret_value().startswith("sqlite:///"):
        database = Path(own.get_secret_value().removeprefix("sqlite:///"))
    folders = [data, orchestrator_folder(settings)]
    if settings.tracking.uri is None:
        folders.append(settings.mlruns)
    outer = [
        each for each in folders if not any(each.is_relative_to(o) and each != o for o in folders)
    ]
    apart = [database.absolute(), key_file(settings)]
    if not is_remote(settings):
        apart += [data / "assets", data / "releases"]
    return Traces(outer, docs_folder(settings), apart, orchestrator_folder(settings))
