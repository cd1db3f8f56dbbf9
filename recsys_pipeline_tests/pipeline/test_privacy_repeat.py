"""Repeating erasures: who is found, what is learned, and which receipts are refused."""

from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.pipeline.privacy import Privacy
from recsys_pipeline.pipeline.privacy_keys import PrivacyKey
from recsys_pipeline.pipeline.privacy_repeat import repeat
from recsys_pipeline.storage.memory_erasures import MemoryErasureStore
from recsys_pipeline.storage.memory_events import MemoryEventStore

AT, LATER = datetime(2024, 5, 6, tzinfo=UTC), datetime(2024, 5, 7, tzinfo=UTC)


def home(key: bytes = b"0123456789abcdef", lock=nullcontext) -> Privacy:
    return Privacy(PrivacyKey(key), MemoryErasureStore(), [], MemoryEventStore(), lock)


def test_people_who_are_held_are_erased_and_the_others_are_remembered():
    newer, older = home(), home()
    for user in ("12", "gone"):
        newer.erase(user, AT)
    older.erase("before", AT)

    done = repeat(older, newer.receipts(), {"12", "13", "before", ""}, LATER)

    key = older.key
    assert [each.receipt["person"] for each in done.erased] == [
        key.digest("12"),
        key.digest("before"),
    ]
    assert all(each.done for each in done.erased)
    assert done.learned == 2
    assert older.gone().finished == {key.digest(user) for user in ("12", "gone", "before")}
    (kept,) = [r for r in older.receipts() if r["person"] == key.digest("gone")]
    assert kept["erased_at"] == AT.isoformat()
    again = repeat(older, newer.receipts(), {"13"}, LATER)
    assert (again.erased, again.learned) == ([], 0)


def test_a_run_that_is_under_way_is_waited_for():
    def busy():
        raise SetupError("Another run is under way here.")

    newer, older = home(), home(lock=busy)
    newer.erase("12", AT)

    (begun,) = repeat(older, newer.receipts(), {"12"}, LATER).erased

    assert not begun.done
    assert older.gone().holds("12")


def test_receipts_of_another_key_find_nobody_and_are_refused():
    newer, older = home(b"another key, of another place"), home()
    newer.erase("12", AT)

    with pytest.raises(SetupError, match="another privacy key"):
        repeat(older, newer.receipts(), {"12"}, LATER)
    assert older.gone().begun == frozenset()


@pytest.mark.parametrize("wrong", [1, {}, {"person": "x"}, {"person": 5, "key": ""}])
def test_what_is_no_receipt_is_refused(wrong):
    with pytest.raises(SettingsError, match="no receipt"):
        repeat(home(), [wrong], (), AT)
