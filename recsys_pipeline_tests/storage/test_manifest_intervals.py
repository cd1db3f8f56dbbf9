"""Intervals of a release's figures are stored, and older manifests simply have none."""

import json
from dataclasses import replace

from recsys_pipeline.pipeline.protocols import Manifest
from recsys_pipeline.storage.manifests import manifest_json, manifest_of

BARE = Manifest(
    "2024-01-07-00000001", "", "files", "d", "s", "ease", 2, {}, {"auc": 0.7}, "yes", {}
)


def test_intervals_come_back_as_they_were():
    given = replace(BARE, intervals={"auc": (0.65, 0.75)})
    assert manifest_of(manifest_json(given), given.release) == given


def test_a_manifest_from_before_has_none():
    fields = json.loads(manifest_json(BARE))
    del fields["intervals"]
    assert manifest_of(json.dumps(fields).encode(), BARE.release) == BARE
    assert BARE.intervals == {}
