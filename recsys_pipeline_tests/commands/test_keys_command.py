"""`recsys keys` as a user types it, on a SQLite file."""

import hashlib
import json

import pytest
from typer.testing import CliRunner

from recsys_pipeline.commands import keys_app
from recsys_pipeline.errors import RecsysError, SettingsError
from recsys_pipeline.serving.keyring import Keyring
from recsys_pipeline.settings import load_settings
from recsys_pipeline.storage.database import database_of
from recsys_pipeline.storage.keys import SqlKeyStore


@pytest.fixture
def call(tmp_path):
    (tmp_path / "recsys.toml").write_text("")

    def called(*arguments):
        done = CliRunner().invoke(
            keys_app.app, [*arguments, "--settings", str(tmp_path / "recsys.toml")]
        )
        if isinstance(done.exception, RecsysError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    return called


@pytest.fixture
def stored(tmp_path):
    database = database_of(load_settings(tmp_path / "recsys.toml", tmp_path))
    yield SqlKeyStore(database)
    database.close()


def test_a_key_is_made_shown_once_listed_and_revoked(call, tmp_path, request):
    out = call("create", "--name", "shop [red]", "--scope", "write", "--scope", "read")
    (secret,) = [line for line in out.splitlines() if line.startswith("rk_")]
    key_id, rest = secret.split("_", 2)[1:]
    assert len(rest) == 43
    listed = call("list")
    assert key_id in listed
    assert "shop [red]" in listed
    assert rest not in listed
    store = request.getfixturevalue("stored")
    (key,) = store.keys()
    assert key.digest == hashlib.sha256(rest.encode()).hexdigest()
    ring = Keyring(store, lambda: key.created_at.timestamp(), lambda error: None)
    ring.refresh()
    found = ring.find(secret.encode())
    assert found is not None
    assert found.scopes == {"read", "write"}
    assert "revoked" in call("revoke", key_id)
    ring.refresh()
    assert ring.find(secret.encode()) is None
    (told,) = json.loads(call("list", "--json"))
    assert told["state"] == "revoked"
    assert not {"digest", "secret"} & set(told)


def test_json_for_scripts(call):
    told = json.loads(call("create", "--name", "trial", "--expires", "90d", "--json"))
    assert told["scopes"] == ["read"]
    assert told["state"] == "valid"
    assert told["secret"].startswith(f"rk_{told['key_id']}_")
    assert told["expires_at"][:4] > told["created_at"][:4] or (
        told["expires_at"] > told["created_at"]
    )
    (listed,) = json.loads(call("list", "--json"))
    assert {**listed, "secret": told["secret"]} == told


def test_no_keys_yet(call):
    assert "recsys keys create" in call("list")
    assert json.loads(call("list", "--json")) == []


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["create", "--name", "x", "--scope", "root"], "no scope 'root'"),
        (["create", "--name", " "], "--name"),
        (["create", "--name", "x" * 101], "--name"),
        (["create", "--name", "a\nb"], "--name"),
        (["create", "--name", "x", "--expires", "3y"], "no duration"),
        (["revoke", "knope"], "no key 'knope'"),
    ],
)
def test_mistakes_are_told(call, arguments, told):
    with pytest.raises(SettingsError, match=told):
        call(*arguments)
    assert json.loads(call("list", "--json")) == []
