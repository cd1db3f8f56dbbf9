"""Tables on a terminal: no name is broken in the middle."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from recsys_pipeline.commands import show
from recsys_pipeline.commands.init import initialise


@pytest.mark.parametrize("width", [80, 100])
def test_settings_are_whole_words(files: Path, width: int) -> None:
    done = initialise([files / "in"], files, force=False)
    out = io.StringIO()
    show.initialised(done, Console(file=out, width=width))
    words = {line.split()[0] for line in out.getvalue().splitlines() if line.strip()}
    settings = [
        item.setting.removeprefix("source.").removeprefix("files.") for item in done.found.guessed
    ]
    assert len(settings) > 5
    assert set(settings) <= words
    assert max(map(len, out.getvalue().splitlines()[:-1])) <= width
