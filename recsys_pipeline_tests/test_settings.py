"""Settings: read once, every mistake named."""

import os
from pathlib import Path

import pytest

from recsys_pipeline.errors import SettingsError
from recsys_pipeline.settings import (
    FILE_NAME,
    Settings,
    environment_settings,
    find_settings_file,
    load_settings,
)
from recsys_pipeline.sources import FilesSource, SimulatedSource
from recsys_pipeline.storage.sources import build_source


def written(folder: Path, text: str) -> Path:
    path = folder / FILE_NAME
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(start=tmp_path)
    assert settings.root == tmp_path
    assert settings.learning.k == 10
    assert isinstance(build_source(settings), SimulatedSource)
    assert settings.mlruns == tmp_path / "mlruns"
    assert str(settings.data) == str(tmp_path / "data")


def test_the_nearest_file_upwards_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, "[learning]\nk = 7\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_settings_file(inner) == path
    settings = load_settings(start=inner)
    assert settings.learning.k == 7
    assert settings.root == tmp_path
    written(inner, "[learning]\nk = 8\n")
    assert load_settings(start=inner).learning.k == 8
    assert load_settings(path, start=inner).learning.k == 7


def test_a_variable_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "[learning]\nk = 7\n")
    monkeypatch.setenv("RECSYS_SETTINGS", str(path))
    settings = load_settings()
    assert settings.learning.k == 7
    assert settings.root == tmp_path


@pytest.mark.parametrize(
    ("text", "named", "hint"),
    [
        ("[learning]\nkk = 5", "unknown key 'learning.kk'", "'learning.k'"),
        ("[learnin]\nk = 5", "unknown key 'learnin'", "'learning'"),
        (
            "[learning.ranker]\niteration = 5",
            "unknown key 'learning.ranker.iteration'",
            "'learning.ranker.iterations'",
        ),
        (
            "[learning.recommenders.als]\nfactor = 5",
            "unknown key 'learning.recommenders.als.factor'",
            "'learning.recommenders.als.factors'",
        ),
        ("[source.simulated]\nuser = 5", "unknown key 'source.simulated.user'", "simulated.users'"),
        ("[tracking]\nzzzz = 5", "unknown key 'tracking.zzzz'", "docs/settings.md"),
        ("root = 'x'", "unknown key 'root'", "file's folder"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(
    tmp_path: Path, text: str, named: str, hint: str
) -> None:
    written(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(start=tmp_path)
    assert named in caught.value.message
    assert FILE_NAME in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[learning]\nk = 0", r"learning\.k: .*greater than or equal to 1 \(found 0\)"),
        ("[learning]\nk = 'ten'", r"learning\.k: .*\(found 'ten'\)"),
        ("[schedule]\ntimezone = 'Mars/Base'", "'Mars/Base' is not a time zone"),
        ("[source]\nkind = 'files'", r"there is no section \[source\.files\]"),
        ("[learning.recommenders]\nuse = ['als', 'als']", "named once"),
        ("[checks]\nallowed_share = 2", r"checks\.allowed_share"),
    ],
)
def test_a_value_that_is_not_valid_is_named(tmp_path: Path, text: str, named: str) -> None:
    written(tmp_path, text)
    with pytest.raises(SettingsError, match=named) as caught:
        load_settings(start=tmp_path)
    assert caught.value.hint


def test_several_mistakes_are_named_at_once(tmp_path: Path) -> None:
    written(tmp_path, "[learning]\nk = 0\nseed = -1")
    with pytest.raises(SettingsError, match=r"learning\.k.*\n.*learning\.seed"):
        load_settings(start=tmp_path)


def test_what_is_no_toml_is_refused_with_its_place(tmp_path: Path) -> None:
    written(tmp_path, "[learning]\nk = ten\n")
    with pytest.raises(SettingsError, match=r"not valid TOML: .*line 2") as caught:
        load_settings(start=tmp_path)
    assert "quotes" in caught.value.hint
    (tmp_path / FILE_NAME).write_bytes("k = 'é'".encode("latin-1"))
    with pytest.raises(SettingsError, match="cannot be read") as caught:
        load_settings(start=tmp_path)
    assert "UTF-8" in caught.value.hint
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings(tmp_path / "nowhere.toml")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"\xef\xbb\xbf[learning]\nk = 3\n")
    assert load_settings(start=tmp_path).learning.k == 3


def test_variables_win_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "[learning]\nk = 7\nseed = 5\n[learning.ranker]\niterations = 9\n")
    monkeypatch.setenv("RECSYS_LEARNING__K", "20")
    monkeypatch.setenv("RECSYS_LEARNING__RANKER__CANDIDATES", "33")
    monkeypatch.setenv("RECSYS_LEARNING__RECOMMENDERS__USE", '["als"]')
    settings = load_settings(start=tmp_path)
    assert settings.learning.k == 20
    assert settings.learning.seed == 5
    assert settings.learning.ranker.candidates == 33
    assert settings.learning.ranker.iterations == 9
    assert settings.learning.recommenders.use == ("als",)
    assert set(environment_settings()) == {name for name in os.environ if "RECSYS_" in name}
    assert len(environment_settings()) == 3


@pytest.mark.parametrize(
    ("variable", "value", "named", "hint"),
    [
        ("RECSYS_LERNING__K", "5", "RECSYS_LERNING__K names no setting", "RECSYS_LEARNING__"),
        ("RECSYS_QQQ", "5", "RECSYS_QQQ names no setting", "RECSYS_LEARNING__K"),
        (
            "RECSYS_LEARNING__KK",
            "5",
            "RECSYS_LEARNING__KK: unknown key 'learning.kk'",
            "learning.k",
        ),
        (
            "RECSYS_LEARNING",
            '{"kk": 5}',
            "RECSYS_LEARNING: unknown key 'learning.kk'",
            "learning.k",
        ),
        ("RECSYS_LEARNING__K", "ten", "RECSYS_LEARNING__K: learning.k: ", ""),
        ("RECSYS_LEARNING", "{not json", "cannot be read", "RECSYS_LEARNING__K=20"),
    ],
)
def test_a_variable_that_is_wrong_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable, value, named, hint
) -> None:
    monkeypatch.setenv(variable, value)
    written(tmp_path, "[learning]\nk = 7\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(start=tmp_path)
    assert named in caught.value.message
    assert FILE_NAME not in caught.value.message
    assert hint in caught.value.hint


def test_a_mistake_in_the_file_is_not_put_down_to_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, "[learning]\nkk = 7\nseed = -1\n")
    monkeypatch.setenv("RECSYS_LEARNING", '{"k": 5}')
    monkeypatch.setenv("RECSYS_LEARNING__RANKER__CANDIDATES", "33")
    with pytest.raises(SettingsError) as caught:
        load_settings(start=tmp_path)
    lines = caught.value.message.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(FILE_NAME) for line in lines)


def test_the_root_cannot_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_ROOT", "/elsewhere")
    with pytest.raises(SettingsError, match="RECSYS_ROOT"):
        load_settings(start=tmp_path)


def test_other_learning_settings_for_one_run(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path)
    changed = settings.with_learning({"k": 3, "evaluation": {"split": "random"}})
    assert changed.learning.k == 3
    assert changed.learning.evaluation.split == "random"
    assert changed.learning.evaluation.max_users == settings.learning.evaluation.max_users
    assert settings.learning.k == 10
    assert settings.with_learning({}) == settings


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kk": 3}, "unknown key 'learning.kk'"),
        ({"evaluation": {"split": "odd"}}, "learning.evaluation.split"),
        ({"evaluation": 5}, "learning.evaluation"),
    ],
)
def test_a_change_that_is_wrong_is_named(tmp_path: Path, changes: dict, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(root=tmp_path).with_learning(changes)
    assert named in caught.value.message
    assert "the run config" in caught.value.message


def test_a_change_with_an_unknown_key_gets_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(root=tmp_path).with_learning({"ranker": {"iteration": 3}})
    assert "'learning.ranker.iterations'" in caught.value.hint


def test_the_fingerprint_is_of_what_is_learned_only(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path)
    same = Settings(root=tmp_path / "elsewhere", tracking={"experiment": "other"})
    assert settings.learning_fingerprint == same.learning_fingerprint
    for changes in ({"seed": 1}, {"ranker": {"iterations": 1}}, {"likes": {"min_rating": 3}}):
        other = settings.with_learning(changes)
        assert other.learning_fingerprint != settings.learning_fingerprint


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "seen.csv").write_text("user_id,movie_id\n1,2\n1,3\n", encoding="utf-8")
    written(
        tmp_path,
        "[source]\nkind = 'files'\n[source.files.interactions]\npath = 'seen.csv'\n",
    )
    source = build_source(load_settings(start=tmp_path))
    assert isinstance(source, FilesSource)
    assert len(source.read(None).interactions) == 2


def test_data_may_lie_elsewhere(tmp_path: Path) -> None:
    written(tmp_path, "[storage]\ndata = 'memory://bucket/x'\n")
    assert str(load_settings(start=tmp_path).data).startswith("memory://bucket/x")
