"""The page in a real browser: by keyboard, live, in the dark, on a phone, in French."""

import re

import pytest
from playwright.sync_api import expect

PHONE = {"width": 360, "height": 740}
PATHS = ("/", "/users/7?diversity=0", "/new?genres=Drama", "/movies/3", "/releases", "/sign-in")


def movies(page):
    return page.eval_on_selector_all("#list [data-movie]", "all => all.map(e => e.dataset.movie)")


def focused(page):
    return page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")


def tab_to(page, wanted, most=40):
    """Press Tab until that element has the focus; what had it on the way."""
    passed = []
    while focused(page) != wanted:
        assert len(passed) < most, passed
        page.keyboard.press("Tab")
        passed.append(focused(page))
    return passed


def luminance(colour):
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    parts = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


CONTROLS = "main button, main .button, main select, main input:not([type=hidden], [type=checkbox])"
SMALL = """all => all.map(e => e.getBoundingClientRect()).filter(r => r.height < 24 || r.width < 24)
"""
TEXTS = """() => {
  const solid = (e) => {
    for (; e; e = e.parentElement) {
      const style = getComputedStyle(e);
      if (style.backgroundImage !== "none") return null;
      const colour = style.backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.checkVisibility() || e.closest(".hidden")) continue;
    const back = solid(e);
    if (back) found.push([walk.currentNode.data.trim(), getComputedStyle(e).color, back]);
  }
  return found;
}"""


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_for_every_eye_ear_and_screen(opened, path):
    page = opened(path)
    told = page.locator("body").aria_snapshot()
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        assert f"- {landmark}" in told
    asked = "button|link|textbox|slider|combobox|checkbox|spinbutton"
    assert not re.search(rf"- ({asked})(:|$)", told, re.MULTILINE)
    assert len(re.findall(r"- heading .*\[level=1\]", told)) == 1
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        behind = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (luminance(behind) < 0.1) == (scheme == "dark")
        texts = page.evaluate(TEXTS)
        assert len(texts) > 5
        assert [each for each in texts if contrast(each[1], each[2]) < 4.5] == []
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.eval_on_selector_all(CONTROLS, SMALL) == []


def test_the_keyboard_comes_past_everything_to_the_dial(opened):
    page = opened("/users/7")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    expect(page.locator(".skip")).to_be_in_viewport()
    passed = tab_to(page, "diversity")
    for name in ("Home", "New here?", "Releases", "Français"):
        assert name in passed
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"
    order = tab_to(page, "Apply")
    assert order == ["genre", "year_from", "year_to", "Apply"]


def test_the_skip_link_leads_past_the_navigation(opened):
    page = opened("/users/7")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "diversity"


def test_arrow_keys_turn_the_dial_and_the_list_changes_at_once(opened):
    page = opened("/users/7")
    before = movies(page)
    page.locator("#diversity").focus()
    page.keyboard.press("Home")
    status = page.locator("#status")
    expect(status).to_have_text(re.compile(r"movies changed|stays the same"))
    expect(page.locator("#diversity-value")).to_have_text("0%")
    expect(page).to_have_url(re.compile(r"diversity=0\b"))
    after = movies(page)
    assert len(after) == len(before) == 5
    new = set(after) - set(before)
    count = len(new)
    if count:
        expect(status).to_have_text(f"{count} of 5 movies changed.")
    expect(page.locator("#list .badge.came")).to_have_count(count)
    assert focused(page) == "diversity"
    assert status.get_attribute("aria-live") == "polite"
    page.reload()
    assert movies(page) == after
    assert page.locator("#diversity").input_value() == "0"


def test_a_genre_changes_the_list_at_once(opened):
    page = opened("/users/7")
    genre = page.locator("#genre option").nth(2).inner_text()
    page.locator("#genre").select_option(genre)
    expect(page.locator("#status")).to_have_text(re.compile("movies changed|stays the same"))
    facts = page.locator("#list .facts").all_inner_texts()
    assert facts
    assert all(genre in each for each in facts)
    page.locator("#year_from").fill("2500")
    expect(page.locator("#list")).to_contain_text("No movie passes these filters")


def test_a_server_that_does_not_answer_is_told(opened):
    page = opened("/users/7")
    before = movies(page)
    page.route("**/users/7?*part=list*", lambda route: route.fulfill(status=204))
    page.route("**/users/7?*part=list*", lambda route: route.abort("aborted"))
    page.locator("#diversity").fill("1")
    expect(page.locator("#status")).to_contain_text("could not be read")
    assert movies(page) == before


def test_without_scripts_the_dial_works_by_its_button(opened):
    page = opened("/users/7", java_script_enabled=False)
    page.locator("#diversity").fill("0")
    page.get_by_role("button", name="Apply").click()
    expect(page).to_have_url(re.compile(r"diversity=0&"))
    expect(page.locator("#diversity-value")).to_have_text("0%")
    expect(page.locator("#list .movie")).to_have_count(5)


def test_not_for_me_takes_the_movie_off_the_list(opened):
    page = opened("/users/11")
    first = page.locator("#list .movie").first
    title = first.get_by_role("heading").inner_text()
    first.get_by_role("button", name=f"Not for me: {title}").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{title} is not for this user")
    expect(page.locator("#list")).not_to_contain_text(title)
    row = page.get_by_role("row", name=title)
    expect(row).to_contain_text("not for me")
    expect(page.locator("#list .badge.fresh")).to_be_visible()


def test_useful_is_said_by_keyboard_with_the_dial_as_it_stands(opened):
    page = opened("/users/12?diversity=0.6")
    title = page.locator("#list .movie h3").nth(1).inner_text()
    page.get_by_role("button", name=f"Useful: {title}").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text(f"{title} is useful")
    assert page.locator("#diversity").input_value() == "0.6"


def test_a_user_is_found_and_a_movie_leads_to_similar_ones(opened):
    page = opened("/")
    page.get_by_label("User id").fill("7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("User 7")
    title = page.locator("#list h3").first.inner_text()
    page.locator("#list h3 a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    similar = page.locator(".movie h3 a").first
    wanted = similar.inner_text()
    similar.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(wanted)


def test_the_questionnaire_is_answered_by_keyboard_alone(opened):
    page = opened("/")
    tab_to(page, "Answer the questions")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("New here? Say what you like")
    page.get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    page.get_by_label("Movie 1").focus()
    page.keyboard.type("3")
    page.get_by_label("Age", exact=True).select_option("25-34")
    tab_to(page, "Show my list")
    page.keyboard.press("Enter")
    expect(page.locator("#yours .movie")).to_have_count(5)
    expect(page.locator("#yours")).to_contain_text("from your answers")
    expect(page.get_by_role("checkbox").first).to_be_checked()


def test_french_by_the_browser_and_by_choice(opened):
    page = opened("/users/7", locale="fr-FR")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("heading", level=2).first).to_have_text("Recommandés")
    page.locator("#diversity").fill("0")
    expect(page.locator("#status")).to_have_text(re.compile("ont changé|reste la même"))
    expect(page.locator("#diversity-value")).to_have_text(re.compile(r"^0\s%$"))
    page.get_by_role("link", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("link", name="Home").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_release_is_rolled_back_and_promoted_after_a_question(opened, site):
    page = opened("/releases")
    page.get_by_role("link", name=f"Roll back {site.old}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Go back to {site.old}?")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name=f"Roll back {site.old}").click()
    page.get_by_role("button", name="Yes, go back to it").click()
    expect(page.get_by_role("status")).to_contain_text(f"Release {site.old} is in service")
    expect(page.locator("header .release")).to_contain_text(site.old)
    page.get_by_role("link", name=f"Promote {site.new}").click()
    page.get_by_role("button", name="Yes, put it in service").click()
    expect(page.locator("header .release")).to_contain_text(site.new)
    expect(page.locator(".releases").get_by_role("row", name=site.new)).to_contain_text(
        "in service"
    )
