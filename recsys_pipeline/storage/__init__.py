"""Where releases lie: on a disk, in an object store, or in memory for tests."""

from recsys_pipeline.storage.manifests import MANIFEST
from recsys_pipeline.storage.memory import MemoryReleaseStore
from recsys_pipeline.storage.releases import FileReleaseStore

__all__ = ["MANIFEST", "FileReleaseStore", "MemoryReleaseStore"]
