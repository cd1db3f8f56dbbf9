"""Who may pass the gate."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from recsys_pipeline.serving.gate_rules import scope_needed
from recsys_pipeline.serving.limiting import Limiter

ADDRESSES = {
    "read": [
        ("GET", "/v1/users/7/recommendations"),
        ("HEAD", "/v1/popular"),
        ("POST", "/v1/session/recommendations"),
        ("GET", "/metrics"),
        ("GET", "/users/7"),
        ("GET", "/v1/movies/shown"),
        ("GET", "/v1/users/a/b/history/recommendations"),
    ],
    "write": [
        ("POST", "/v1/events"),
        ("POST", "/v1/events/batch"),
        ("POST", "/v1/anything"),
        ("POST", "/feedback"),
    ],
    "admin": [
        ("GET", "/v1/admin"),
        ("POST", "/v1/admin/releases"),
        ("GET", "/v1/users/7/shown"),
        ("GET", "/v1/users/7/history"),
        ("GET", "/v1/users/a/b/recommendations/history"),
        ("GET", "/v1/users/7"),
        ("POST", "/v1/users/7/recommendations"),
        ("GET", "/v1/shown/01a2"),
        ("GET", "/v1/events/e1"),
        ("DELETE", "/v1/users/7/recommendations"),
        ("POST", "/releases/promote"),
        ("PUT", "/v1/popular"),
    ],
}
EACH = [(needed, *each) for needed, some in ADDRESSES.items() for each in some]


@pytest.mark.parametrize("needed, method, path", EACH)
def test_each_address_needs_its_scope(needed, method, path):
    assert scope_needed(method, path) == needed


@pytest.mark.parametrize("held", ["read", "write", "admin"])
@pytest.mark.parametrize("needed, method, path", EACH)
def test_a_key_passes_where_it_has_the_scope(world, kit, held, needed, method, path):
    world.store.add(kit.key(held))
    gate = world.gate(keys_required=True)
    answer = kit.ask(gate, path, method, kit.bearer(f"k{held}"))
    if held in (needed, "admin"):
        assert answer.status == 200
        assert world.states[0]["key_id"] == f"k{held}"
        assert needed in world.states[0]["scopes"]
    else:
        assert answer.status == 403
        assert needed in answer.json["detail"]
        assert world.states == []


def test_a_key_is_taken_from_either_header(world, kit):
    world.store.add(kit.key("read"))
    gate = world.gate(keys_required=True)
    secret = kit.bearer("kread")["authorization"].removeprefix("Bearer ")
    for headers in (
        {"authorization": f"bearer {secret}"},
        {"x-api-key": secret},
        {"authorization": "Basic dXNlcjpwYXNz", "x-api-key": secret},
    ):
        assert kit.ask(gate, headers=headers).status == 200


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(
    "sent",
    [
        "rk_kread_" + "t" * 43,
        "rk_kread_",
        "rk_kother_" + "s" * 43,
        "rk_kread",
        "kread_" + "s" * 43,
        "xx_kread_" + "s" * 43,
        "rk_kread_" + "s" * 100_000,
        "rk__" + "s" * 43,
        "rk_" + "é" * 8 + "_" + "s" * 43,
    ],
)
def test_a_wrong_key_is_refused_also_where_none_is_needed(world, kit, required, sent):
    world.store.add(kit.key("read"))
    answer = kit.ask(world.gate(keys_required=required), headers={"x-api-key": sent})
    assert answer.status in (401, 431)
    if answer.status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "sss" not in answer.body.decode()
    assert world.states == []


def test_a_revoked_or_expired_key_is_refused(world, kit):
    expiring = kit.key("read", expires_at=datetime.fromtimestamp(world.now + 10, UTC))
    world.store.add(expiring)
    gate = world.gate(keys_required=True)
    assert kit.ask(gate, headers=kit.bearer("kread")).status == 200
    world.now += 10
    assert kit.ask(gate, headers=kit.bearer("kread")).status == 401
    world.now -= 10
    world.store.revoke("kread")
    assert kit.ask(gate, headers=kit.bearer("kread")).status == 200
    world.keyring.refresh()
    assert kit.ask(gate, headers=kit.bearer("kread")).status == 401


def test_where_keys_are_needed_only_open_paths_pass_without(world, kit):
    gate = world.gate(keys_required=True)
    assert kit.ask(gate).status == 401
    for path in ("/", "/static/page.css", "/health/live"):
        assert kit.ask(gate, path).status == 200
    for path in ("/static", "/statics/x", "/health/live/", "/v1", "//", "/metrics"):
        assert kit.ask(gate, path).status == 401


def test_without_keys_everything_but_administering_is_open(world, kit):
    gate = world.gate()
    far = {"client": ("203.0.113.9", 4000)}
    for method, path in ADDRESSES["read"] + ADDRESSES["write"]:
        assert kit.ask(gate, path, method, **far).status == 200
    for method, path in ADDRESSES["admin"]:
        assert kit.ask(gate, path, method, **far).status == 403
        assert kit.ask(gate, path, method).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-for": "127.0.0.1"},
        {"forwarded": "for=127.0.0.1"},
        {"x-real-ip": "127.0.0.1"},
        {"via": "1.1 proxy"},
        {"host": "recsys.example"},
        {"host": "127.0.0.1.example:8000"},
        {"host": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
def test_administering_without_a_key_takes_somebody_on_this_machine(world, kit, headers):
    gate = world.gate()
    assert kit.ask(gate, "/v1/admin/releases", "GET", headers).status == 403
    assert kit.ask(gate, "/v1/admin/releases", "GET", client=None).status == 403
    own = {"origin": "http://127.0.0.1:8000"}
    assert kit.ask(gate, "/v1/admin/releases", "POST", own).status == 200
    there = {"host": "[::1]:8000"}
    answer = kit.ask(gate, "/v1/admin/releases", "GET", there, client=("::1", 9))
    assert answer.status == 200


def test_a_page_of_another_site_posts_nothing_without_a_key(world, kit):
    gate = world.gate(cors_origins=("https://shop.example",))
    for origin, status in (
        ("https://evil.example", 403),
        ("https://shop.example", 200),
        ("http://127.0.0.1:8000", 200),
    ):
        answer = kit.ask(gate, "/v1/events", "POST", {"origin": origin}, [b"{}"])
        assert answer.status == status
    world.store.add(kit.key("write"))
    headers = {"origin": "https://evil.example", **kit.bearer("kwrite")}
    assert kit.ask(world.gate(), "/v1/events", "POST", headers, [b"{}"]).status == 200


def test_a_prefix_of_the_server_hides_no_address(world, kit):
    world.store.add(kit.key("read"))
    gate = world.gate(keys_required=True)
    answer = kit.ask(gate, "/api/v1/admin/x", "GET", kit.bearer("kread"), root_path="/api")
    assert answer.status == 403
    assert kit.ask(gate, "/api/static/a.css", root_path="/api").status == 200


def test_requests_are_counted_by_key_and_else_by_address(world, kit):
    for name in ("read", "write"):
        world.store.add(replace(kit.key(name), scopes=("read",)))
    gate = world.gate(limiter=Limiter(2))
    first = kit.ask(gate, headers=kit.bearer("kread"))
    assert first.headers["ratelimit-policy"] == '"minute";q=2;w=60'
    assert first.headers["ratelimit"].startswith('"minute";r=1;t=')
    assert kit.ask(gate, headers=kit.bearer("kread")).status == 200
    over = kit.ask(gate, headers=kit.bearer("kread"))
    assert over.status == 429
    assert over.json["type"] == "/problems/too-many-requests"
    assert 1 <= int(over.headers["retry-after"]) <= 120
    assert kit.ask(gate, headers=kit.bearer("kwrite")).status == 200
    assert kit.ask(gate).status == 200
    assert kit.ask(gate, client=("::ffff:127.0.0.1", 1)).status == 200
    assert kit.ask(gate).status == 429
    assert kit.ask(gate, "/health/live").status == 200
    assert kit.ask(gate, "/static/page.css").status == 429


def test_wrong_keys_are_counted_too(world, kit):
    gate = world.gate(keys_required=True, limiter=Limiter(3))
    seen = [kit.ask(gate, headers=kit.bearer(f"k{turn}")).status for turn in range(5)]
    assert seen == [401, 401, 401, 429, 429]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil", ""])
def test_without_keys_nobody_is_answered_who_calls_this_machine_by_a_foreign_name(world, kit, host):
    """A page of evil.example whose name was bound to this machine is of the same origin."""
    named = {"host": host, "origin": f"http://{host}", "sec-fetch-site": "same-origin"}
    gate = world.gate()
    for method, path in ADDRESSES["read"] + ADDRESSES["write"] + ADDRESSES["admin"]:
        if path != "/metrics":
            assert kit.ask(gate, path, method, named).status == 403
    assert world.states == []
    for path in ("/metrics", "/health/live"):
        assert kit.ask(gate, path, "GET", named).status == 200
    for own in ("localhost:8000", "127.0.0.1", "[::1]:8000"):
        assert kit.ask(gate, headers={"host": own}).status == 200


def test_a_key_may_come_by_any_name(world, kit):
    world.store.add(kit.key("read"))
    headers = {"host": "recsys.example", **kit.bearer("kread")}
    for required in (True, False):
        assert kit.ask(world.gate(keys_required=required), headers=headers).status == 200
