"""Check, without a network, that the locks hold what pyproject.toml asks for.

Each requirement has a pin that satisfies it, no pin is there for a requirement that is gone,
every pin has a hash, the locks agree with each other, and none names a registry.
Exit code 1 with one line per fault.
"""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
SERVED = ("postgres", "redis", "tuning")
"""Extras that the image of the server has."""
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?P<marker>[^\\\n]*)", re.MULTILINE)


def pins(text: str) -> dict[str, set[str]]:
    """Versions by name; more than one where they depend on the platform."""
    found: dict[str, set[str]] = {}
    for match in PIN.finditer(text):
        found.setdefault(canonicalize_name(match["name"]), set()).add(match["version"])
    return found


def entries(text: str) -> list[str]:
    """The lock cut into one text per pin, each with its hashes and its origins."""
    starts = [match.start() for match in PIN.finditer(text)]
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]


def faults(lock: str, text: str, wanted: list[Requirement]) -> list[str]:
    """What is wrong with one lock, one sentence each."""
    found = pins(text)
    problems = [f"{lock}: `{line}` names a place" for line in re.findall(r".*://.*", text)]
    names = {canonicalize_name(requirement.name) for requirement in wanted}
    for requirement in wanted:
        versions = found.get(canonicalize_name(requirement.name), set())
        if not versions:
            problems.append(f"{lock}: nothing pins {requirement}")
        problems += [
            f"{lock}: {requirement.name}=={version} is not {requirement}"
            for version in sorted(versions)
            if not requirement.specifier.contains(version, prereleases=True)
        ]
    for entry in entries(text):
        name = canonicalize_name(entry.partition("==")[0])
        if "--hash=sha256:" not in entry:
            problems.append(f"{lock}: {name} has no hash")
        if "recsys-pipeline (pyproject.toml" in entry and name not in names:
            problems.append(f"{lock}: {name} is pinned for a requirement that is gone")
    return problems


def main() -> int:
    """Check all locks and print what is wrong."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    setup = [Requirement(line) for line in project["dependency-groups"]["setup"]]
    base = [Requirement(line) for line in project["project"]["dependencies"]]
    extras = project["project"]["optional-dependencies"]
    dev = [*base, *setup, *(Requirement(line) for line in extras["dev"])]
    served = (Requirement(line) for extra in SERVED for line in extras[extra])
    wanted = {
        "requirements-setup.lock": setup,
        "requirements.lock": base,
        "requirements-server.lock": [*base, *served],
        "requirements-dev.lock": dev,
    }
    texts = {lock: (ROOT / lock).read_text(encoding="utf-8") for lock in wanted}
    problems = [line for lock in wanted for line in faults(lock, texts[lock], wanted[lock])]
    pinned = pins(texts["requirements-dev.lock"])
    problems += [
        f"{lock}: {name} is pinned to another version than in requirements-dev.lock"
        for lock in wanted
        for name, versions in pins(texts[lock]).items()
        if versions != pinned.get(name)
    ]
    for line in problems:
        print(line, file=sys.stderr)
    if problems:
        print("Run `make lock` (it needs the network).", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
