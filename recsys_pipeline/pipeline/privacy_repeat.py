"""Repeating erasures after an older backup was restored: what it brought back goes again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recsys_pipeline.errors import SettingsError, SetupError
from recsys_pipeline.pipeline.privacy import Erased, Privacy

_DIGITS = 64


@dataclass(frozen=True)
class Repeated:
    """What became of a repetition.

    Attributes:
        erased: of those whom something still held was about, in the order of their ids.
        learned: how many receipts were not known here; these people cannot come back now.
    """

    erased: Sequence[Erased]
    learned: int


def repeat(
    privacy: Privacy, receipts: Sequence[Mapping[str, Any]], held: Iterable[str], at: datetime
) -> Repeated:
    """Erase again whoever was erased before and is held all the same. Doing it twice does no harm.

    Args:
        privacy: of the installation, as it was restored.
        receipts: `Privacy.receipts` of a later time than the backup; those known here count too.
        held: the ids of all about whom anything is held.
        at: the time on the clock.

    Raises:
        SettingsError: something in `receipts` is no receipt.
        SetupError: the receipts were made with another privacy key, by which nobody is found.
    """
    given = {_person(each): each for each in receipts}
    own = privacy.key.fingerprint
    if any(each["key"] != own for each in receipts):
        raise SetupError(
            "The receipts were made with another privacy key than the one here.",
            "Put privacy.key (or RECSYS_PRIVACY__KEY) back from a backup as young as the receipts.",
        )
    gone = privacy.gone()
    wanted = gone.finished | set(given)
    back = sorted({user for user in held if user and privacy.key.digest(user) in wanted})
    erased = [privacy.erase(user, at) for user in back]
    unknown = sorted(set(given) - privacy.gone().begun)
    for digest in unknown:
        # Nothing is held about them and nobody here knows who they are.
        job = privacy.erasures.begin(digest, "", at)
        kept = {name: value for name, value in given[digest].items() if name != "number"}
        privacy.erasures.finish(job.number, json.dumps(kept, ensure_ascii=False), at)
    return Repeated(erased, len(set(given) - gone.begun))


def _person(receipt: object) -> str:
    if isinstance(receipt, Mapping) and {"person", "key", "steps", "erased_at"} <= set(receipt):
        digest = receipt["person"]
        if isinstance(digest, str) and len(digest) == _DIGITS and digest.isalnum():
            return digest
    raise SettingsError(
        "The file holds something that is no receipt of an erasure.",
        "Name the output of `recsys privacy receipts --json`.",
    )
