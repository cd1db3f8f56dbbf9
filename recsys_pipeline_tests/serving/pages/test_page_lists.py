"""Pages about people and movies over HTTP, without scripts."""

from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest

PAGES = (
    "/", "/users?search=zzz", "/users/7", "/users/7?fresh=true&diversity=0.8",
    "/users/nobody", "/new", "/new?genres=Drama&age_band=18-24", "/movies", "/movies?search=the",
    "/movies/3", "/releases", "/sign-in",
)  # fmt: skip


def titles(page):
    return [each.text for each in page.one(id="list").all("h3")]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_by_everybody(guest, path, language):
    guest.language = language
    page = guest.see(path)
    assert page.one("html")["lang"] == language
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert page.one(landmark)
    assert page.one("title").text
    assert page.all("a")[0]["href"] == "#main"
    levels = [int(each.name[1]) for each in page.all("h1", "h2", "h3", "h4")]
    assert all(b - a <= 1 for a, b in pairwise(levels))
    ids = [each["id"] for each in page.all() if each.get("id")]
    assert len(ids) == len(set(ids))
    labelled = {each.get("for") for each in page.all("label")}
    wrapped = {id(each) for label in page.all("label") for each in label.all("input")}
    for each in page.all("input", "select"):
        hidden = each.get("type") == "hidden"
        assert hidden or id(each) in wrapped or each.get("id") in labelled
    for table in page.all("table"):
        assert table.one("caption").text
        assert all(each.get("scope") for each in table.all("th"))
    for name in ("aria-describedby", "aria-labelledby"):
        assert {each[name] for each in page.all() if each.get(name)} <= set(ids)
    assert all(each.text or each.get("aria-label") for each in page.all("a", "button"))
    assert all(each.get("alt") is not None for each in page.all("img"))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_nothing_from_elsewhere_and_nothing_inline(guest, path):
    answer = guest.ask("GET", path)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    page = guest.see(path)
    for each in page.all():
        assert not [name for name in each.attributes if name.startswith("on") or name == "style"]
        for name in ("href", "src", "action"):
            assert urlsplit(each.get(name) or "").netloc == ""
    assert all(each.get("src") and not each.text for each in page.all("script"))
    assert not page.all("style")


def test_files_for_the_browser_are_kept_by_their_content(guest):
    page = guest.see("/")
    for each in (*page.all("link"), *page.all("script")):
        address = each.get("href") or each["src"]
        assert "immutable" in guest.ask("GET", address).headers["cache-control"]
        bare = guest.ask("GET", urlsplit(address).path)
        assert (bare.status_code, bare.headers["cache-control"]) == (200, "no-cache")
    for wrong in ("/static/page.py", "/static/..%2Ftexts.py", "/static/"):
        assert guest.ask("GET", wrong).status_code == 404


def test_the_first_page_offers_users_and_says_which_release(guest, shared_api):
    page = guest.see("/")
    about = shared_api.get("/v1/releases/current")
    told = page.one("p", class_="release").text
    assert about["id"] in told
    assert "made 60 min ago" in told
    people = page.one("ul", class_="people").all("a")
    assert len(people) == 8
    assert guest.ask("GET", people[3]["href"]).status_code == 200
    assert len(page.all("ol", class_="movies")) == 2


def test_a_user_is_found_by_id_or_by_its_beginning(guest):
    assert guest.ask("GET", "/users?search=7").headers["location"] == "/users/7"
    page = guest.see("/users?search=0")
    assert "No user" in page.text
    assert page.all("a", href="/users/0")
    assert guest.see("/users?search=").all("ul", class_="people") == []
    assert guest.see(f"/users/{'9' * 1_000}", 422).one("h1").text == "A value is not valid"
    guest.see("/users/", 404)


def test_a_users_page_shows_what_the_api_answers(guest, shared_api):
    page = guest.see("/users/7")
    answer = shared_api.get("/v1/users/7/recommendations")
    history = shared_api.get("/v1/users/7/history?limit=30")["events"]
    items = page.one(id="list").all("li", class_="movie")
    assert [each["data-movie"] for each in items] == [
        str(each["movie_id"]) for each in answer["items"]
    ]
    for shown, each in zip(items, answer["items"], strict=True):
        assert each["title"] in shown.one("h3").text
        assert each["reason"] in shown.text
        assert f"{100 * each['score']:.0f}%" in shown.text
        assert bool(shown.all("span", class_="badge exploring")) == ("exploring" in each["badges"])
    rows = page.one("table", class_="history").one("tbody").all("tr")
    assert [row.all("a")[0].text for row in rows] == [each["title"] for each in history]
    badges = page.one("p", class_="badges").text
    assert "personal" in badges
    assert "stored" in badges


def test_a_list_on_the_page_is_an_answer_like_any_other(visitor, api):
    page = visitor.see("/users/7?diversity=0.9")
    (form, *_) = page.all("form", class_="feedback")
    told = api.get("/v1/users/7/shown")["answers"]
    assert [each["answer_id"] for each in told] == [form.one("input", name="answer_id")["value"]]
    shown = [str(each["movie_id"]) for each in told[0]["items"]]
    assert shown == [each["data-movie"] for each in page.all("li", class_="movie")]


def test_the_dial_changes_the_list_and_rests_where_the_release_has_it(guest):
    standing = guest.see("/users/7")
    dial = standing.one("input", type="range")["value"]
    assert titles(guest.see(f"/users/7?diversity={dial}")) == titles(standing)
    assert "stored" in guest.see(f"/users/7?diversity={dial}&genre=&year_from=").text
    turned = [guest.see(f"/users/{each}?diversity=0") for each in range(1, 6)]
    plain = [guest.see(f"/users/{each}") for each in range(1, 6)]
    assert [titles(each) for each in turned] != [titles(each) for each in plain]
    assert turned[0].one("input", type="range")["value"] == "0.0"


def test_a_part_of_the_page_is_the_list_alone(guest):
    part = guest.see("/users/7?diversity=1&part=list")
    assert not part.all("html")
    whole = guest.see("/users/7?diversity=1").one(id="list")
    assert [each.text for each in part.all("h3")] == [each.text for each in whole.all("h3")]


def test_filters_hold_for_every_movie_of_the_list(guest, shared_api):
    genre = shared_api.get("/v1/catalogue")["genres"][0]
    page = guest.see(f"/users/7?genre={genre.lower()}&year_from=1995")
    facts = [each.text for each in page.one(id="list").all("p", class_="facts")]
    assert facts
    for each in facts:
        year, *genres = each.split(" · ")
        assert int(year) >= 1995
        assert any(genre in one for one in genres)
    chosen = [each for each in page.one("select").all("option") if each.get("selected") is not None]
    assert len(chosen) == 1
    assert "No movie passes" in guest.see("/users/7?year_from=2500").text


@pytest.mark.parametrize(
    "query", ["diversity=abc", "diversity=7", "genre=Nothing", "year_from=soon", "diversity=nan"]
)
def test_a_value_that_cannot_be_used_is_named_and_left_out(guest, query):
    page = guest.see(f"/users/7?{query}", 422)
    (fault,) = page.all(role="alert")
    assert fault.text
    assert titles(page) == titles(guest.see("/users/7"))


def test_nobody_is_unknown(guest):
    page = guest.see("/users/no%2Fbody%20here")
    assert "no/body here" in page.one("h1").text
    assert "cold start" in page.one("p", class_="badges").text
    assert "Nothing is known" in page.one(id="list").text
    assert len(titles(page)) == 5


def test_ids_and_searches_are_never_markup(guest):
    ids = "/users/%3Cscript%3Ea()%3C%2Fscript%3E"
    for path in (ids, "/movies?search=%3Cb%3E%22", "/users?search=%3Cb%3E"):
        page = guest.see(path)
        assert all(each.get("src") for each in page.all("script"))
        assert "<b>" in page.text or "<script>" in page.text


def test_what_is_said_of_a_movie_changes_the_list(visitor, api):
    page = visitor.see("/users/7?diversity=0.5&genre=")
    first = page.all("form", class_="feedback")[0]
    movie = first.one("input", name="movie_id")["value"]
    answer = visitor.submit(first, "/users/7", "not_for_me")
    where = urlsplit(answer.headers["location"])
    assert where.path == "/users/7"
    assert parse_qs(where.query)["diversity"] == ["0.5"]
    after = visitor.see(answer.headers["location"])
    assert "is not for this user" in after.one(role="status", class_="note good").text
    assert movie not in [each["data-movie"] for each in after.all("li", class_="movie")]
    events = api.get("/v1/users/7/history")["events"]
    assert (str(events[0]["movie_id"]), events[0]["kind"]) == (movie, "not_for_me")
    assert "not for me" in after.one("table", class_="history").one("tbody").all("tr")[0].text


def test_feedback_names_the_answer_that_showed_the_movie(visitor, api):
    form = visitor.see("/users/8").all("form", class_="feedback")[2]
    visitor.submit(form, "/users/8", "useful")
    (event,) = api.server.service.events.events_of("8")
    assert (event.kind, event.rank, event.release) == (
        "useful", 3, api.get("/v1/releases/current")["id"],
    )  # fmt: skip
    assert event.request_id == form.one("input", name="answer_id")["value"]


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8000"},
        {"sec-fetch-site": "none"},
    ],
)
def test_no_other_site_says_anything_of_a_movie(visitor, api, headers):
    fields = {"user_id": "7", "movie_id": "3", "kind": "useful"}
    answer = visitor.ask("POST", "/feedback", data=fields, headers=headers)
    assert answer.status_code == 403
    assert api.server.service.events.last_number() == 0


def test_feedback_that_is_none_is_refused(visitor, api):
    for fields in ({}, {"user_id": "7", "movie_id": "3", "kind": "loved"}, {"user_id": "7"}):
        assert "not valid" in visitor.send("/feedback", 422, **fields).text
    wrong = visitor.ask("POST", "/feedback", json={"user_id": "7"})
    assert wrong.status_code == 415
    assert api.server.service.events.last_number() == 0


def test_what_is_kept_of_the_address_is_only_what_adjusts(visitor):
    fields = {"user_id": "7/8", "movie_id": "3", "kind": "useful"}
    kept = "genre=Drama&next=//evil.example&fresh=true&diversity=0.3%0d%0aset-cookie:a"
    where = visitor.send("/feedback", **fields, kept=kept).headers["location"]
    assert where.startswith("/users/7%2F8?genre=Drama&diversity=0.3%0D%0A")
    assert "evil" not in where


def test_somebody_new_gets_a_list_from_answers(guest, shared_api):
    page = guest.see("/new")
    assert not page.all("ol", class_="movies")
    genre = shared_api.get("/v1/catalogue")["genres"][0]
    title = shared_api.get("/v1/movies/3")["title"]
    page = guest.see("/new", params={"genres": genre, "likes": title, "age_band": "25-34"})
    assert len(page.one(id="yours").all("li", class_="movie")) == 5
    assert "from your answers" in page.one("p", class_="badges").text
    assert page.one("input", type="checkbox", value=genre).get("checked") is not None
    assert page.one("input", id="like1")["value"] == title


def test_answers_that_mean_nothing_are_named(guest):
    page = guest.see("/new?likes=No+Such+Movie+At+All", 422)
    assert "No movie has the id or title" in page.one(role="alert").text
    assert page.one("input", id="like1")["value"] == "No Such Movie At All"
    assert guest.see("/new?age_band=old&genres=Nothing", 422).all(role="alert")


def test_a_movie_shows_facts_and_leads_to_similar_ones(guest, shared_api):
    page = guest.see("/movies/3")
    assert page.one("h1").text == shared_api.get("/v1/movies/3")["title"]
    similar = shared_api.get("/v1/movies/3/similar?k=10")["items"]
    links = [each.one("a")["href"] for each in page.all("h3")]
    assert links == [f"/movies/{each['movie_id']}" for each in similar]
    assert guest.see(links[0]).one("h1").text == similar[0]["title"]


def test_movies_are_found_by_a_part_of_their_title(guest, shared_api):
    title = shared_api.get("/v1/movies/3")["title"]
    found = guest.see("/movies", params={"search": title[2:].upper()}).one("ul", class_="found")
    assert title in found.text


def test_french_is_spoken_throughout_and_remembered(visitor):
    page = visitor.see("/users/7?lang=fr&diversity=0.9")
    assert page.one("h1").text == "Utilisateur 7"
    reasons = " ".join(each.text for each in page.all("p", class_="reason"))
    assert reasons
    assert not {"because", "you", "with"} & set(reasons.split())
    assert visitor.see("/").one("h1").text == "Des films pour chacun"
    links = visitor.see("/users/7?diversity=0.9&done=useful").one("ul", class_="languages")
    assert links.all("a")[0]["href"] == "/users/7?diversity=0.9&lang=en"
    assert visitor.see("/?lang=en").one("html")["lang"] == "en"


def test_a_visit_leaves_no_id_in_the_log(visitor, api):
    visitor.see("/users/marker-7f3a?diversity=0.4")
    fields = {"user_id": "marker-7f3a", "movie_id": "3", "kind": "useful"}
    visitor.send("/feedback", **fields)
    text = str(api.lines())
    assert "/users/{user_id}" in text
    assert "marker-7f3a" not in text


@pytest.fixture
def named(tmp_path, put, learn, opening, visiting):
    """A server whose users have texts as ids."""

    def rename(tables):
        return {
            name: table.assign(user_id="user-" + table["user_id"].astype("str"))
            if "user_id" in table
            else table
            for name, table in tables.items()
        }

    put(tmp_path, learn(), change=rename)
    api = opening(tmp_path)
    yield visiting(api)
    api.close()


def test_users_are_found_by_the_beginning_of_a_text(named):
    people = named.see("/users?search=user").one("ul", class_="people").all("a")
    assert len(people) == 50
    assert people[0]["href"] == "/users/user-1"
    assert named.ask("GET", "/users?search=user-1").headers["location"] == "/users/user-1"
    assert named.see(people[0]["href"]).one("h1").text == "User user-1"


def test_nothing_is_told_or_taken_in_of_somebody_who_was_erased_elsewhere(
    visitor, api, monkeypatch
):
    """The release in memory still knows the person, until it is read again."""
    assert visitor.see("/users/7").all("dl", class_="profile")
    monkeypatch.setattr(api.server.service.people, "erased", lambda user_id: user_id == "7")
    history = api.get("/v1/users/7/history")
    assert (history["known"], history["events"], history["count"]) == (False, [], 0)
    page = visitor.see("/users/7")
    assert not page.all("dl", class_="profile")
    assert not page.all("table", class_="history")
    sent = visitor.send("/feedback", user_id="7", movie_id="3", kind="useful")
    assert "done" not in sent.headers["location"]
