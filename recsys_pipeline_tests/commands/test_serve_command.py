"""`recsys serve` as somebody meets it who types it."""

import json
import shutil
import signal
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def held_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder of an installation in which nothing was run yet."""
    (tmp_path / "recsys.toml").write_text("[serving]\npoll_seconds = 0.2\n", encoding="utf-8")
    return tmp_path


def test_a_port_in_use_is_named(bare, call, held_port) -> None:
    told = call(bare, "serve", "--port", held_port)
    assert told.code == 7
    assert f"127.0.0.1:{held_port} cannot be listened on" in told.text
    assert "--port" in told.text


def test_beyond_this_machine_a_key_is_needed(bare, call, held_port) -> None:
    told = call(bare, "serve", "--host", "0.0.0.0", "--port", held_port)
    assert told.code == 7
    assert "recsys keys create" in told.text
    # A key that is not valid any more is none.
    made = json.loads(call(bare, "keys", "create", "--name", "shop", "--json").out)
    assert call(bare, "keys", "revoke", made["key_id"]).code == 0
    told = call(bare, "serve", "--host", "0.0.0.0", "--port", held_port)
    assert "recsys keys create" in told.text


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[serving]\nprot = 8000\n", "serving.port"),
        ("[serving]\nport = 'x'\n", "serving.port"),
        ("[serving\n", "recsys.toml is not valid TOML"),
        ("[serving.ramp]\npercent = [50]\n", "ascends from at least 1 to 100"),
    ],
)
def test_a_broken_settings_file_is_named(bare, call, text, named) -> None:
    (bare / "recsys.toml").write_text(text, encoding="utf-8")
    told = call(bare, "serve")
    assert told.code == 2
    assert named in told.text


def test_a_database_that_cannot_be_reached_is_named_without_its_password(bare, call) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}/none"
        url = f"postgresql://who:secret-word@{address}"
        settings = f"[database]\nurl = '{url}'\n"
        (bare / "recsys.toml").write_text(settings, encoding="utf-8")
        told = call(bare, "serve")
    assert told.code == 9
    assert f"The database postgresql://{address} cannot be" in told.text
    assert "secret-word" not in told.text


def test_a_cache_that_is_none_stops_several_workers_too(bare, serving) -> None:
    server = serving(bare, "--workers", "2", RECSYS_SERVING__CACHE__URL="http://127.0.0.1/")
    server.start(wait=False)
    assert server.process.wait(60) == 7
    server.kill()
    said = "".join(server.err)
    assert "serving.cache.url is not the address of a Redis" in said
    assert "Traceback" not in said


def test_a_life(bare, served, call, serving) -> None:
    """No release, no Redis; then a release; keys are needed; Ctrl-C."""
    secret = call(bare, "keys", "create", "--name", "shop", "--json").json["secret"]
    key = {"authorization": f"Bearer {secret}"}
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"
        server = serving(bare, "--host", "0.0.0.0", RECSYS_SERVING__CACHE__URL=url)
        server.start()
        assert "with keys only. Ctrl-C stops it." in "".join(server.err)

        user = "/v1/users/7/recommendations"
        assert server.ask("GET", user)[0] == 401
        status, told = server.ask("GET", user, **key)
        assert (status, told["type"]) == (503, "/problems/no-release")
        status, told = server.ask("GET", "/v1/health/ready")
        assert (status, told["detail"]) == (503, "There is no release yet.")
        assert server.ask("GET", "/v1/health/live")[0] == 200

        shutil.copytree(served / "data" / "releases", bare / "data" / "releases")
        server.wait_for(lambda: server.ask("GET", "/v1/health/ready")[0] == 200)
        status, answer = server.ask("GET", user, **key)
        assert (status, answer["kind"], len(answer["items"])) == (200, "stored", 5)
        # A list that is made, which would be kept in Redis.
        assert server.ask("GET", f"{user}?diversity=0.5", **key)[0] == 200
        _, metrics = server.ask("GET", "/metrics", **key)
        assert 'recsys_cache_total{outcome="error"} 1.0' in metrics

    assert server.stop(signal.SIGINT) == 0
    server.wait_for(lambda: not server.left(), 10, ended=True)
    lines = [json.loads(line) for line in server.out]
    assert {"request", "release"} <= {line["event"] for line in lines}
    assert all(line["time"].endswith("Z") for line in lines)
    assert secret not in "".join(server.out + server.err)
    assert "Traceback" not in "".join(server.err)
    # What was shown is in the database, though the server was stopped at once.
    with sqlite3.connect(bare / "data" / "events.db") as database:
        rows = database.execute("SELECT kind FROM shown ORDER BY shown_at").fetchall()
    database.close()
    assert rows == [("stored",), ("fresh",)]
