"""The machine that a benchmark ran on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_PACKAGES: Final = (
    "recsys-pipeline", "numpy", "scipy", "pandas", "scikit-learn", "implicit",
)  # fmt: skip


def machine() -> dict[str, str]:
    """Processor, cores, memory, and the versions that figures depend on."""
    found = {"processor": _processor(), "cores": str(os.cpu_count() or "unknown")}
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        found["memory"] = f"{size / 1e9:.1f} GB"
    versions = [f"Python {platform.python_version()}"]
    for package in _PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} (not installed)")
    return found | {"versions": ", ".join(versions)}


def _processor() -> str:
    """The processor's name as the system states it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    stated = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return stated[0] if stated else platform.processor() or platform.machine()
