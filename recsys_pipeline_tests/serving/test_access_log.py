"""Lines of the log: whole, one each, and nobody in them."""

import io
import json
import threading

import pytest

from recsys_pipeline.serving import access_log
from recsys_pipeline.serving.access_log import AccessLog
from recsys_pipeline.serving.pseudonyms import Pseudonyms


def lines_of(stream):
    return [json.loads(line) for line in stream.getvalue().split(b"\n")[:-1]]


def test_lines_cannot_be_forged():
    stream = io.BytesIO()
    log = AccessLog(stream)
    log.request(0.5, {"release": 'r1"}\n{"event":"forged"}\r\n\x1b[2J\u2028'})
    log.close()
    assert stream.getvalue().count(b"\n") == 1
    assert b"\x1b" not in stream.getvalue()
    (line,) = lines_of(stream)
    assert (line["time"], line["event"]) == ("1970-01-01T00:00:00.500000Z", "request")


def test_faults_tell_their_way_and_not_their_words():
    stream = io.BytesIO()
    log = AccessLog(stream, requests=False)

    def failing():
        raise KeyError("Eve, 4711")

    with pytest.raises(KeyError) as raised:
        failing()
    log.fault(0, "id-1", "/v1/popular", raised.value)
    log.request(0, {"status": 200})
    log.note(0, "release", release="r2")
    log.close()
    fault, note = lines_of(stream)
    assert fault["error"] == "KeyError"
    assert fault["way"][-1].startswith("test_access_log.py:")
    assert fault["way"][-1].endswith(" failing")
    assert b"4711" not in stream.getvalue()
    assert (note["event"], note["release"]) == ("release", "r2")


class Watched(io.BytesIO):
    """A stream that tells when it was flushed."""

    def __init__(self):
        super().__init__()
        self.flushed = threading.Event()

    def flush(self):
        super().flush()
        self.flushed.set()


def test_a_thread_writes_while_the_server_runs():
    stream = Watched()
    log = AccessLog(stream, seconds=0.01)
    log.start()
    try:
        log.note(0, "one")
        assert stream.flushed.wait(10)
        log.note(0, "two")
    finally:
        log.close()
    assert [line["event"] for line in lines_of(stream)] == ["one", "two"]


def test_lines_of_many_threads_stay_whole_and_none_is_lost():
    stream = Watched()
    log = AccessLog(stream, seconds=0.001)
    log.start()
    threads = [
        threading.Thread(target=lambda: [log.note(0, "x", n=n) for n in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert sorted(line["n"] for line in lines_of(stream)) == sorted(list(range(500)) * 4)
    assert log.lost == 0


def test_what_cannot_be_written_is_counted(monkeypatch):
    monkeypatch.setattr(access_log, "_LINES", 2)
    stream = io.BytesIO()
    log = AccessLog(stream)
    for _ in range(5):
        log.note(0, "x")
    assert log.lost == 3
    stream.close()
    log.close()
    assert log.lost == 5


def test_pseudonyms_need_the_key():
    one, two = Pseudonyms(b"1" * 32), Pseudonyms(b"2" * 32)
    assert one.of("42") == Pseudonyms(b"1" * 32).of("42")
    assert len({one.of("42"), two.of("42"), one.of("43")}) == 3
    assert len(one.of("42")) == 32
    assert one.shown("42") == one.of("42")[:12]
    assert one.of("\ud800")
    with pytest.raises(ValueError, match="16 to 64"):
        Pseudonyms(b"short")
