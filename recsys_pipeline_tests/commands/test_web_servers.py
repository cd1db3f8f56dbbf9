"""Servers that live and die together, with tiny ones in place of the real."""

import os
import signal
import socket
import sys
import urllib.request

import pytest

from recsys_pipeline.commands.web import HOST, Server, Servers, docs_server, free_port
from recsys_pipeline.errors import SetupError

_DIES = "raise SystemExit('cannot find my data')"


def _dead(name: str, code: str = _DIES) -> Server:
    return Server(name, "a server that ends", free_port(0, False), [sys.executable, "-c", code])


def _answers(server: Server) -> int:
    with urllib.request.urlopen(server.url, timeout=20) as page:
        return page.status


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all(tmp_path, number):
    (tmp_path / "index.html").write_text("<p>here</p>", encoding="utf-8")
    first = docs_server(tmp_path, free_port(0, False))
    second = docs_server(tmp_path, free_port(0, False, [first.port]))
    before = signal.getsignal(number)
    seen = []

    def ready(server: Server) -> None:
        seen.append((server.port, _answers(server)))
        if len(seen) == 2:
            os.kill(os.getpid(), number)

    Servers([first, second], tmp_path, tmp_path / "logs").run(ready)

    assert sorted(seen) == sorted([(first.port, 200), (second.port, 200)])
    assert _is_free(first.port)
    assert _is_free(second.port)
    assert signal.getsignal(number) is before


def test_one_that_dies_takes_the_others_along(tmp_path):
    alive = docs_server(tmp_path, free_port(0, False))
    dead = _dead("Stub")

    with pytest.raises(SetupError, match="Stub ended with exit code 1") as caught:
        Servers([alive, dead], tmp_path, tmp_path / "logs").run(lambda _: None)

    assert "cannot find my data" in caught.value.message
    assert str(tmp_path / "logs" / "stub.log") in caught.value.hint
    assert _is_free(alive.port)


def test_a_command_that_does_not_exist_stops_the_others(tmp_path):
    alive = docs_server(tmp_path, free_port(0, False))
    absent = Server("Absent", "", free_port(0, False, [alive.port]), [str(tmp_path / "absent")])

    with pytest.raises(SetupError, match="Absent"):
        Servers([alive, absent], tmp_path, tmp_path / "logs").run(lambda _: None)

    assert _is_free(alive.port)


def test_a_port_in_use_is_replaced_unless_it_was_asked_for():
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        port = holder.getsockname()[1]

        assert free_port(port, asked=False) != port
        with pytest.raises(SetupError, match=f"Port {port} cannot be used"):
            free_port(port, asked=True)


def test_a_port_is_given_out_once():
    port = free_port(0, asked=False)

    assert free_port(port, asked=False, taken=[port]) != port


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_cannot_be(port):
    with pytest.raises(SetupError, match="cannot be used"):
        free_port(port, asked=True)
