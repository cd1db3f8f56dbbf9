"""The API under load: stored lists by wrk, lists made anew at a steady rate.

    python bench_serving.py [--project FOLDER] [--seconds 10] [--runs 3] [--rate 100]

One worker serves a release of 10,000 users (the default world; made in a temporary folder if no
project is named) with everything on: a key, the rate limit, metrics, request ids, the record of
what was shown in SQLite, and the access log into a file. wrk asks for stored lists over 8
connections from the same machine, its users at random; then lists are made anew at a steady rate,
sent at their time whether or not the one before has come back. Beside it, in turn, an async FastAPI
handler that returns ready bytes: the most that a framework gives on this machine now.

Needs wrk (Debian: apt install wrk).
"""

import argparse
import asyncio
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import httpx
import numpy as np

RECSYS = Path(sys.executable).with_name("recsys")
PARTS = "recsys_pipeline.commands.serve_api, recsys_pipeline.serving.server"
BARE = """
from fastapi import FastAPI, Response
app = FastAPI()
ITEMS = b",".join([b'{"movie_id":%d,"title":"A movie"}' % number for number in range(10)])
BODY = b'{"items":[' + ITEMS + b"]}"

@app.get("/v1/users/{user_id}/recommendations")
async def bare(user_id: str) -> Response:
    return Response(BODY, media_type="application/json")
"""
LUA = """
math.randomseed(SEED)
request = function()
  return wrk.format("GET", "/v1/users/" .. math.random(1, 10000) .. "/recommendations")
end
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path, url: str) -> Iterator[int]:
    """The process id of a server that answers at `url`."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=out, stderr=out
        )
    try:
        for _ in range(1_200):
            if process.poll() is not None:
                raise SystemExit(f"The server ended:\n{log.read_text()[-2_000:]}")
            try:
                if httpx.get(url, timeout=2).status_code == 200:
                    break
            except httpx.TransportError:
                # Nobody listens yet.
                continue
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def wrk(port: int, seconds: int, folder: Path, seed: int, key: str) -> tuple[float, float, int]:
    """Requests a second, the 99th percentile in ms, and how many answers were not 200."""
    script = folder / "users.lua"
    script.write_text(LUA.replace("SEED", str(seed)))
    command = ["wrk", "-t1", "-c8", f"-d{seconds}s", "--latency", "-s", str(script)]
    if key:
        command += ["-H", f"Authorization: Bearer {key}"]
    told = subprocess.run(
        [*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    tail = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
    assert rate is not None, told
    assert tail is not None, told
    unit = {"us": 1e-3, "ms": 1.0, "s": 1e3}[tail[2]]
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    lost = re.search(r"Socket errors: .*", told)
    return float(rate[1]), float(tail[1]) * unit, int(wrong[1]) if wrong else bool(lost)


async def steady(port: int, rate: int, seconds: int, key: str) -> np.ndarray:
    """Milliseconds of each of `rate` times `seconds` fresh lists, counted from when it was due.

    Bare sockets: a client library takes as long for a question as the server for its answer.
    """
    idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(32):
        idle.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    times: list[float] = []
    start = perf_counter()

    async def one(number: int) -> None:
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - perf_counter()))
        reader, writer = await idle.get()
        path = f"/v1/users/{1 + number * 7_919 % 10_000}/recommendations?fresh=true"
        lines = (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}", "", "")
        writer.write("\r\n".join(lines).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert head.startswith(b"HTTP/1.1 200"), head
        assert length is not None, head
        await reader.readexactly(int(length[1]))
        times.append((perf_counter() - due) * 1e3)
        idle.put_nowait((reader, writer))

    await asyncio.gather(*(one(number) for number in range(rate * seconds)))
    while not idle.empty():
        idle.get_nowait()[1].close()
    return np.array(times)


def resident(pid: int) -> float:
    """Memory of a process in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    assert found is not None
    return int(found[1]) / 1e3


def imports() -> float:
    started = perf_counter()
    subprocess.run([sys.executable, "-c", f"import {PARTS}"], check=True)
    return perf_counter() - started


def shown(project: Path) -> int:
    with sqlite3.connect(project / "data" / "events.db") as database:
        return int(database.execute("select count(*) from shown").fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, help="A folder with a release in data/.")
    for name, value in (("seconds", 10), ("runs", 3), ("rate", 100)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given, _ = parser.parse_known_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not on this machine (Debian: apt install wrk).")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = given.project or folder / "project"
        if given.project is None:
            project.mkdir()
            subprocess.run([str(RECSYS), "run"], cwd=project, check=True, stdout=subprocess.DEVNULL)
        measure(project, folder, given.seconds, given.runs, given.rate)


def measure(project: Path, folder: Path, seconds: int, runs: int, rate: int) -> None:
    made = subprocess.run(
        [str(RECSYS), "keys", "create", "--name", "bench", "--json"],
        cwd=project, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found = re.search(r"rk_[A-Za-z0-9]+_[A-Za-z0-9_-]+", made)
    assert found is not None
    key, port, other = found[0], free_port(), free_port()
    (folder / "bare.py").write_text(BARE)
    environment = {
        "RECSYS_SERVING__REQUIRE_KEYS": "true",
        "RECSYS_SERVING__LIMITS__REQUESTS_PER_MINUTE": "100000000",
    }
    before, importing, started = shown_if_any(project), imports(), perf_counter()
    ours, bare = [], []
    os.chdir(project)
    serve = [str(RECSYS), "serve", "--port", str(port)]
    ready = f"http://127.0.0.1:{port}/v1/health/ready"
    with running(serve, environment, folder / "access.log", ready) as pid:
        waited = perf_counter() - started
        print(f"ready {waited:.1f} s after the start, {importing:.1f} s of it imports")
        command = [sys.executable, "-m", "uvicorn", "bare:app", "--app-dir", str(folder)]
        command += ["--port", str(other), "--no-access-log", "--loop", "uvloop"]
        ask = f"http://127.0.0.1:{other}/v1/users/1/recommendations"
        with running(command, {}, folder / "bare.log", ask):
            for run in range(runs):
                ours.append(wrk(port, seconds, folder, run, key))
                bare.append(wrk(other, max(2, seconds // 3), folder, run, ""))
                print(
                    f"run {run + 1}: {ours[-1][0]:,.0f} requests/s, p99 {ours[-1][1]:.1f} ms, "
                    f"{ours[-1][2]} errors; bare handler {bare[-1][0]:,.0f}, {bare[-1][1]:.1f} ms"
                )
        times = asyncio.run(steady(port, rate, seconds, key))
        memory = resident(pid)
    lines = sum(b'"request"' in line for line in (folder / "access.log").open("rb"))
    stored = shown_if_any(project) - before
    print(
        f"median: {median(each[0] for each in ours):,.0f} requests/s, "
        f"p99 {median(each[1] for each in ours):.1f} ms, "
        f"{median(a[0] / b[0] for a, b in zip(ours, bare, strict=True)):.2f} of the bare handler\n"
        f"fresh at {rate}/s: p50 {np.percentile(times, 50):.1f} ms, "
        f"p99 {np.percentile(times, 99):.1f} ms, longest {times.max():.1f} ms\n"
        f"memory at most {memory:.0f} MB; {stored:,} answers recorded, {lines:,} lines logged"
    )


def shown_if_any(project: Path) -> int:
    return shown(project) if (project / "data" / "events.db").is_file() else 0


if __name__ == "__main__":
    main()
