"""Erasures in memory, for tests and trials."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock

from recsys_pipeline.errors import StorageError
from recsys_pipeline.pipeline.erasure import Erasure, ErasureJob


@dataclass
class MemoryErasureStore:
    """An `ErasureStore` that is gone with the process."""

    _open: dict[int, ErasureJob] = field(default_factory=dict)
    _finished: list[Erasure] = field(default_factory=list)
    _number: int = 0
    _lock: RLock = field(default_factory=RLock)

    def begin(self, digest: str, user_id: str, at: datetime) -> ErasureJob:
        """See `ErasureStore`."""
        with self._lock:
            for job in self._open.values():
                if job.digest == digest:
                    return job
            self._number += 1
            self._open[self._number] = ErasureJob(self._number, digest, user_id, (), at)
            return self._open[self._number]

    def done(self, number: int, step: str) -> None:
        """See `ErasureStore`."""
        with self._lock:
            job = self._job(number)
            if step not in job.steps:
                self._open[number] = replace(job, steps=(*job.steps, step))

    def open_jobs(self) -> list[ErasureJob]:
        """See `ErasureStore`."""
        with self._lock:
            return list(self._open.values())

    def finish(self, number: int, receipt: str, at: datetime) -> None:
        """See `ErasureStore`."""
        with self._lock:
            job = self._job(number)
            del self._open[number]
            self._finished.append(Erasure(number, job.digest, job.created_at, at, receipt))

    def hashes(self) -> set[str]:
        """See `ErasureStore`."""
        with self._lock:
            begun = {job.digest for job in self._open.values()}
            return begun | {erasure.digest for erasure in self._finished}

    def receipts(self) -> list[Erasure]:
        """See `ErasureStore`."""
        with self._lock:
            return sorted(self._finished, key=lambda each: each.number)

    def _job(self, number: int) -> ErasureJob:
        if number not in self._open:
            raise StorageError(
                f"There is no open erasure with the number {number}.",
                "It is finished, or was never begun; open ones are listed by `open_jobs`.",
            )
        return self._open[number]
