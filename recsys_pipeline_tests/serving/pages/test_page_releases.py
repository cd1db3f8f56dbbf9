"""The pages about releases over HTTP."""

from dataclasses import replace

from recsys_pipeline.serving.ramp import Counts, RampState


def states(page):
    rows = page.one("table", class_="releases").one("tbody").all("tr")
    return {row.one("th").text: row.all("td")[0].text for row in rows}


def test_all_releases_are_shown_with_figures_and_what_changed(moving):
    page = moving.visitor.see("/releases")
    assert states(page) == {moving.new: "in service", moving.old: "was in service"}
    figures = page.one("section", **{"aria-labelledby": "figures"}).text
    assert "0.8000" in figures
    assert "0.7500 to 0.8500" in figures
    assert "95 % intervals" in figures
    changed = page.one("section", **{"aria-labelledby": "diff"}).text
    assert f"What changed since {moving.old}" in changed
    assert "of 60 users" in changed


def test_one_release_is_compared_with_the_one_in_service(moving):
    page = moving.visitor.see(f"/releases/{moving.old}")
    assert moving.old in page.one("h1").text
    assert f"What changed since {moving.new}" in page.text
    assert moving.visitor.see("/releases/2001-01-01-00000000", 404).one("h1").text == (
        "No release has this id"
    )


def test_going_back_asks_first_and_then_answers_follow(moving):
    visitor, old, new = moving.visitor, moving.old, moving.new
    back = f"/releases/{old}/roll-back"
    assert visitor.see("/releases").all("a", href=back)
    ask = visitor.see(back)
    assert ask.one("h1").text == f"Go back to {old}?"
    assert states(visitor.see("/releases"))[new] == "in service"
    answer = visitor.submit(ask.one("main").one("form"), back)
    done = visitor.see(answer.headers["location"])
    assert f"Release {old} is in service." in done.one(role="status").text
    assert states(done) == {old: "in service", new: "its recipe is held back"}
    assert old in visitor.see("/users/7").one("p", class_="release").text
    visitor.send(f"/releases/{new}/promote")
    assert states(visitor.see("/releases")) == {new: "in service", old: "was in service"}


def test_what_cannot_be_done_is_told(moving):
    visitor = moving.visitor
    assert visitor.see(f"/releases/{moving.new}/roll-back", 404)
    assert visitor.see(f"/releases/{moving.old}/delete", 404)
    visitor.send(f"/releases/{moving.old}/delete", 404)
    visitor.send("/releases/nothing/promote", 404)
    assert "cannot be put in service" in visitor.send(f"/releases/{moving.new}/roll-back", 409).text


def test_only_somebody_on_this_machine_moves_releases_without_a_key(moving):
    visitor, path = moving.visitor, f"/releases/{moving.old}/promote"
    proxied = {"x-forwarded-for": "10.0.0.9"}
    assert visitor.ask("POST", path, headers=proxied).status_code == 403
    assert visitor.ask("POST", path, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    page = visitor.see("/releases", headers=proxied)
    assert not page.all("a", href=path)
    assert "scope admin" in page.text
    assert "scope admin" in visitor.see(path, headers=proxied).text
    assert states(visitor.see("/releases"))[moving.new] == "in service"


def test_a_take_over_is_told_step_by_step(moving):
    keeper = moving.visitor.api.server.service.keeper
    served = keeper.served
    one = Counts(answers=300, errors=2, slow=1, named=300, fallback=4, clicks=30)
    counts = {"one": one, "two": Counts(answers=100, named=90, clicks=5)}
    state = RampState(moving.new, moving.old, 0.0, ("more than 1 % fail",), counts)
    keeper.served = replace(served, before=served.current, percent=25, ramp=state)
    said = moving.visitor.see("/releases").one("section", **{"aria-labelledby": "ramp"}).text
    assert "answers 25% of the users" in said
    assert "400 answers, 2 failed, 1 slow, 4 not personal, 35 clicks" in said
    assert "more than 1 % fail" in said
    keeper.served = replace(served, ramp=replace(state, stopped="9.0% of 400 answers failed"))
    assert "was taken back" in moving.visitor.see("/releases").text
    keeper.served = replace(served, ramp=state)
    assert "has taken over" in moving.visitor.see("/releases").text


def test_a_refused_release_is_told(moving):
    keeper = moving.visitor.api.server.service.keeper
    keeper.served = replace(keeper.served, refused="2024-01-07-aaaaaaaa", why="A file is missing.")
    told = moving.visitor.see("/releases").one(role="alert").text
    assert "2024-01-07-aaaaaaaa is refused" in told
    assert "A file is missing." in told
