"""Export and erasure over any places: who is known, what a crash leaves, what a receipt says."""

import json
import stat
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys_pipeline.contracts import names as n
from recsys_pipeline.errors import SettingsError, SetupError, StorageError
from recsys_pipeline.pipeline.privacy import Privacy
from recsys_pipeline.pipeline.privacy_gone import NOBODY, Gone
from recsys_pipeline.pipeline.privacy_keys import PrivacyKey, canonical
from recsys_pipeline.sources import Tables
from recsys_pipeline.storage.memory_erasures import MemoryErasureStore
from recsys_pipeline.storage.memory_events import MemoryEventStore

AT = datetime(2024, 5, 6, 7, 8, tzinfo=UTC)
LATER = datetime(2024, 5, 7, tzinfo=UTC)
KEY = PrivacyKey(b"0123456789abcdef")
WHO = "marker-7f3a9c"


@dataclass
class Box:
    """A place that holds things of people."""

    name: str
    things: dict[str, int] = field(default_factory=dict)
    fails: bool = False
    asked: int = 0

    def export(self, user_id):
        return self.things.get(user_id)

    def erase(self, user_id):
        self.asked += 1
        if self.fails:
            raise StorageError("no room")
        return {"things": self.things.pop(user_id, 0)}

    def left(self, user_id):
        return [f"{self.name} has a copy"] if self.name == "b" else []


@dataclass
class Home:
    """Three places and a lock."""

    boxes: list[Box] = field(
        default_factory=lambda: [Box(name, {WHO: 2, "other": 3}) for name in "abc"]
    )
    erasures: MemoryErasureStore = field(default_factory=MemoryErasureStore)
    busy: bool = False

    @contextmanager
    def lock(self):
        if self.busy:
            raise SetupError("Another run is under way here.")
        yield

    @property
    def privacy(self) -> Privacy:
        return Privacy(KEY, self.erasures, self.boxes, MemoryEventStore(), self.lock)


def test_erasing_clears_every_place_and_the_receipt_names_nobody():
    home = Home()

    done = home.privacy.erase(f" {WHO} ", AT)

    assert done.done
    assert [box.things for box in home.boxes] == [{"other": 3}] * 3
    assert WHO not in json.dumps(home.privacy.receipts())
    assert done.receipt["steps"] == [{"step": s, "removed": {"things": 2}} for s in "abc"]
    assert done.receipt["left_to_people"][0] == "b has a copy"
    assert done.receipt["person"] == KEY.digest(WHO)
    assert done.receipt["erased_at"] == AT.isoformat()
    assert home.privacy.receipts() == [done.receipt]
    assert home.privacy.gone().holds(WHO)
    assert not home.privacy.gone().holds("other")


@pytest.mark.parametrize("broken", range(3))
def test_a_crash_at_any_step_is_taken_up_again(broken):
    home, whole = Home(), Home()
    home.boxes[broken].fails = True

    with pytest.raises(StorageError):
        home.privacy.erase(WHO, AT)
    assert home.privacy.gone().holds(WHO)
    assert home.privacy.export(WHO, AT)["erasure"] == {"under_way": True, "receipts": []}
    home.boxes[broken].fails = False
    (done,) = home.privacy.resume(AT)

    assert done.receipt == whole.privacy.erase(WHO, AT).receipt
    assert [box.asked for box in home.boxes] == [2 if i == broken else 1 for i in range(3)]
    assert home.privacy.resume(LATER) == []


def test_while_a_run_is_under_way_the_erasure_waits():
    home = Home(busy=True)

    begun = home.privacy.erase(WHO, AT)

    assert (begun.done, begun.receipt) == (False, {})
    assert "under way" in begun.why
    assert home.privacy.gone().holds(WHO)
    assert home.boxes[0].things[WHO] == 2
    with pytest.raises(SetupError):
        home.privacy.resume(LATER)
    # The run itself holds the lock, and takes it up.
    (done,) = home.privacy.resume(LATER, locked=True)
    assert done.done
    assert WHO not in home.boxes[0].things


def test_erasing_twice_gives_two_receipts_and_nobody_is_erased_by_nothing():
    home = Home()
    first, second = home.privacy.erase(WHO, AT), home.privacy.erase(WHO, LATER)

    assert (first.number, second.number) == (1, 2)
    assert second.receipt["steps"][0]["removed"] == {"things": 0}
    assert len(home.privacy.export(WHO, AT)["erasure"]["receipts"]) == 2
    with pytest.raises(SettingsError):
        home.privacy.erase("  ", AT)
    with pytest.raises(SettingsError):
        home.privacy.export("", AT)


def test_export_is_one_document():
    found = Home().privacy.export(WHO, AT)

    assert found == {
        n.USER_ID: WHO,
        "exported_at": AT.isoformat(),
        **dict.fromkeys("abc", 2),
        "erasure": {"under_way": False, "receipts": []},
    }


def tables(ids) -> Tables:
    users = pd.DataFrame({n.USER_ID: ids}).drop_duplicates(ignore_index=True)
    rows = pd.DataFrame({n.USER_ID: ids, n.MOVIE_ID: np.arange(len(ids))})
    movies = pd.DataFrame({n.MOVIE_ID: np.arange(len(ids))})
    return Tables(users, movies, rows, ("read",))


def gone(*users: str) -> Gone:
    digests = frozenset(KEY.digest(user) for user in users)
    return Gone(KEY, digests, digests)


def test_numbers_and_texts_are_the_same_person_but_a_leading_zero_is_another():
    numbers = gone("12").left_out(tables([11, 12, 12, 13]))
    texts = gone("12").left_out(tables(["012", "12", "a"]))

    assert numbers.users[n.USER_ID].tolist() == [11, 13]
    assert numbers.interactions[n.MOVIE_ID].tolist() == [0, 3]
    assert numbers.notes == ("read", "rows of an erased user left out")
    assert texts.users[n.USER_ID].tolist() == ["012", "a"]
    assert gone("12").holds(12)
    assert not gone("12").holds("012")


@given(st.lists(st.integers(-3, 3), max_size=20), st.sets(st.integers(-3, 3)))
def test_rows_of_the_erased_are_left_out_and_no_others(ids, erased):
    given_tables = tables(pd.Series(ids, dtype="int64"))
    left = gone(*map(str, erased)).left_out(given_tables)

    assert left.interactions[n.USER_ID].tolist() == [each for each in ids if each not in erased]
    assert gone(*map(str, erased)).resurrected(given_tables.users[n.USER_ID]) == len(
        erased & set(ids)
    )
    assert gone(*map(str, erased)).resurrected(left.users[n.USER_ID]) == 0


def test_ids_that_are_missing_or_could_not_be_read():
    frame = pd.DataFrame({n.USER_ID: pd.array([1, None, None], dtype="Int64")})
    frame[n.raw(n.USER_ID)] = pd.array([None, "no number", WHO], dtype="str")
    given_tables = Tables(frame, frame.head(0), frame)

    left = gone(WHO, "1").left_out(given_tables)

    assert left.users[n.raw(n.USER_ID)].tolist() == ["no number"]
    assert left.notes == ("rows of 2 erased users left out",)


def test_where_nobody_was_erased_nothing_is_copied_or_hashed():
    given_tables = tables([1, 2])

    assert NOBODY.left_out(given_tables) is given_tables
    assert gone("9").left_out(given_tables) is given_tables
    assert NOBODY.resurrected(given_tables.users[n.USER_ID]) == 0
    assert not NOBODY.holds("1")


def test_somebody_whose_erasure_has_only_begun_is_not_back():
    begun = Gone(KEY, frozenset({KEY.digest("1")}))

    assert begun.resurrected(pd.Series([1])) == 0
    assert len(begun.left_out(tables([1, 2])).users) == 1


def test_many_ids():
    assert gone("7", "29999", "x").resurrected(pd.Series(np.arange(30_000))) == 2


def test_digests_need_the_key():
    other = PrivacyKey(b"fedcba9876543210")

    assert KEY.digest(12) == KEY.digest("12")
    assert KEY.digest("12") != other.digest("12")
    assert KEY.fingerprint != other.fingerprint
    assert len(KEY.pseudonym("12")) == 12
    assert KEY.pseudonym("12") not in KEY.digest("12")
    assert len(KEY.for_logs) == 32
    assert "0123456789abcdef" not in repr(KEY)
    assert canonical(" a ") == "a"
    with pytest.raises(SettingsError):
        PrivacyKey(b"short")


@given(st.binary(min_size=16, max_size=200), st.lists(st.text(max_size=9), max_size=5))
def test_many_ids_are_hashed_as_one_is(secret, users):
    key = PrivacyKey(secret)
    digests = {key.digest(user) for user in users[:2]}

    found = key.known(pd.Index(users, dtype="object"), digests)

    assert found == {user: key.digest(user) for user in users if key.digest(user) in digests}
    assert set(found) >= set(users[:2])


def test_the_key_is_made_once_and_is_its_owners(tmp_path):
    file = tmp_path / "data" / "privacy.key"

    assert PrivacyKey.read(file) is None
    made = PrivacyKey.read_or_make(file)

    assert PrivacyKey.read_or_make(file) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["privacy.key"]


def test_a_key_that_cannot_be_read_or_written(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()

    with pytest.raises(SetupError, match="cannot be"):
        PrivacyKey.read_or_make(tmp_path / "file" / "privacy.key")
    with pytest.raises(SetupError, match="cannot be read"):
        PrivacyKey.read(tmp_path / "folder")


def test_a_lock_that_is_free_is_no_different():
    privacy = Privacy(KEY, MemoryErasureStore(), [], MemoryEventStore(), nullcontext)

    assert privacy.erase(WHO, AT).done
