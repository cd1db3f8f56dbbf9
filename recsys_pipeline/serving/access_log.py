"""One JSON line for each request and each fault, written by a thread; nothing that tells who."""

import sys
import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from typing import Any, BinaryIO, Final

import orjson

_LINES: Final = 100_000
"""Lines that wait at most; where the reader of the log stands still, further ones are counted."""
_FRAMES = 8
_OPTIONS: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class AccessLog:
    """Structured lines of JSON, one each, flushed at least each second and when closed.

    A line is made at once, as whoever calls would have to wait for the thread that made it anyway;
    the thread only writes. JSON escapes every control character: no value starts a line of its own.

    Args:
        stream: where lines go, such as ``sys.stdout.buffer``; it is not closed.
        requests: whether requests write lines; faults always do.
        seconds: between two writes.
    """

    def __init__(self, stream: BinaryIO, requests: bool = True, seconds: float = 0.25) -> None:
        self._stream = stream
        self._requests = requests
        self._seconds = seconds
        self._lines: deque[bytes] = deque()
        self._stopped = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None
        self.lost = 0
        """Lines that were not written."""

    def start(self) -> None:
        """Write from now on."""
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        self._thread.start()

    def request(self, now: float, fields: Mapping[str, Any]) -> None:
        """A request was answered.

        Args:
            now: seconds since 1970.
            fields: what to write of it; plain JSON values.
        """
        if self._requests:
            self._add(now, "request", fields)

    def fault(self, now: float, request_id: str, route: str, error: BaseException) -> None:
        """A request ended in an error that nobody foresaw.

        Its message may hold what somebody sent, so only its class and its way through the code are
        written.
        """
        frames = extract_tb(error.__traceback__)[-_FRAMES:]
        way = [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in frames]
        fields = {"request_id": request_id, "route": route, "error": type(error).__name__}
        self._add(now, "fault", {**fields, "way": way})

    def note(self, now: float, event: str, **fields: Any) -> None:
        """Anything else that whoever watches should know, such as a release that was switched."""
        self._add(now, event, fields)

    def flush(self) -> None:
        """Write the lines that wait."""
        with self._writing:
            lines = self._lines
            chunk = b"".join([lines.popleft() for _ in range(len(lines))])
            if not chunk:
                return
            try:
                self._stream.write(chunk)
                self._stream.flush()
            except (OSError, ValueError):
                # Nowhere is left to say so but the metric: the log itself is what is broken.
                self.lost += chunk.count(b"\n")

    def close(self) -> None:
        """Write what waits, and stop."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            if self._thread.is_alive():
                # Whoever reads the stream stands still; shutting down does not wait for that.
                self.lost += len(self._lines)
                return
        self.flush()

    def _add(self, now: float, event: str, fields: Mapping[str, Any]) -> None:
        if len(self._lines) >= _LINES:
            self.lost += 1
            return
        line = {"time": datetime.fromtimestamp(now, UTC), "event": event, **fields}
        self._lines.append(orjson.dumps(line, default=str, option=_OPTIONS))

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            self.flush()


def standard_output() -> BinaryIO:
    """Where a server writes its log."""
    return sys.stdout.buffer
