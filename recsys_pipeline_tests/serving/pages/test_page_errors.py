"""What is wrong is told on a page to browsers, and as problem details to everybody else."""

import pytest


def test_a_browser_gets_a_page_and_a_program_a_problem(guest, shared_api):
    page = guest.see("/movies/none", 404)
    assert page.one("h1").text == "No movie has this id"
    problem = shared_api.ask("GET", "/movies/none", headers={"accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    for path in ("/v1/movies/none", "/problems/none", "/static/none"):
        answer = guest.ask("GET", path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("language, said", [("en", "nothing at this"), ("fr", "rien à cette")])
def test_an_address_without_a_page_says_so(guest, language, said):
    guest.language = language
    page = guest.see("/no/such/page", 404)
    assert said in page.one("h1").text
    assert page.one("main").one("a")["href"] == "/"
    assert page.one("main").one("code").text


def test_a_page_takes_no_other_method(guest):
    assert guest.ask("DELETE", "/users/7").status_code in (403, 405)
    assert guest.ask("POST", "/new").status_code in (403, 405)


def test_without_a_release_the_page_says_what_to_do(tmp_path, opening, visiting):
    api = opening(tmp_path)
    try:
        visitor = visiting(api)
        for path in ("/", "/users/7", "/new", "/movies/3"):
            page = visitor.see(path, 503)
            assert page.one("h1").text == "There is no release yet"
            assert "recsys run" in page.text
        assert "recsys run" in visitor.see("/?lang=fr", 503).text
        assert visitor.see("/releases").one("h1").text == "Releases"
    finally:
        api.close()
