"""While one release takes over from another, a page is of one of them and names that one."""

import shutil

import pytest

from recsys_pipeline.storage import FileReleaseStore


@pytest.fixture
def half_way(two_releases, tmp_path, opening, visiting):
    """Somebody before a server whose new release answers half of the users."""
    root, old, new = two_releases
    shutil.copytree(root / "data", tmp_path / "data")
    store = FileReleaseStore(tmp_path / "data" / "releases")
    store.roll_back(old)
    ramp = {"percent": (50, 100), "least_requests": 100_000}
    api = opening(tmp_path, serving={"ramp": ramp, "poll_seconds": 60})
    store.promote(new)
    api.server.service.keeper.refresh()
    yield visiting(api), {old, new}
    api.close()


def named(page) -> str:
    return page.one("p", class_="release").one("b").text


def test_a_users_page_names_the_release_of_its_list(half_way):
    visitor, both = half_way
    seen = set()
    for user in range(1, 13):
        page = visitor.see(f"/users/{user}")
        answered = {each["value"] for each in page.all("input", name="release")}
        assert answered == {named(page)}
        seen |= answered
    assert seen == both


@pytest.mark.parametrize("path", ["/", "/movies/3", "/new?genres=Drama"])
def test_a_page_for_nobody_names_the_release_of_its_lists(half_way, path):
    visitor, both = half_way
    seen = set()
    for _ in range(12):
        page = visitor.see(path)
        line = [each for each in visitor.api.lines() if each["event"] == "request"][-1]
        assert line["release"] == named(page)
        seen.add(named(page))
    assert seen == both
