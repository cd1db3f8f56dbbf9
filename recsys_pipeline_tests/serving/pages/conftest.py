"""Pages as a browser without scripts gets them, and what is in them."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

_EMPTY = frozenset(("br", "hr", "img", "input", "link", "meta", "rect", "path"))
BROWSER = {"accept": "text/html,application/xhtml+xml", "sec-fetch-site": "same-origin"}


@dataclass
class Element:
    """An element of a page with its attributes, its text and what is in it."""

    name: str
    attributes: dict[str, str]
    inside: "list[Element | str]" = field(default_factory=list)

    @property
    def text(self) -> str:
        parts = [each if isinstance(each, str) else each.text for each in self.inside]
        return " ".join(" ".join(parts).split())

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def get(self, name: str) -> str | None:
        return self.attributes.get(name)

    def all(self, *names: str, **attributes: str) -> "list[Element]":
        """Every element below of these names (any without) with these attributes."""
        found: list[Element] = []
        for each in self.inside:
            if isinstance(each, str):
                continue
            fits = all(each.get(name.rstrip("_")) == value for name, value in attributes.items())
            if fits and (not names or each.name in names):
                found.append(each)
            found += each.all(*names, **attributes)
        return found

    def one(self, *names: str, **attributes: str) -> "Element":
        (found,) = self.all(*names, **attributes)
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(made)
        if tag not in _EMPTY and tag != "option":
            self.open.append(made)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.open[-1].inside.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _EMPTY and tag != "option":
            assert self.open[-1].name == tag, f"</{tag}> closes <{self.open[-1].name}>"
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def read(html: str) -> Element:
    """The root of a page; every element that must be closed is, in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.root]
    return reader.root


@dataclass
class Visitor:
    """Somebody with a browser that keeps cookies and follows no redirects."""

    api: Any
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {**BROWSER, "accept-language": self.language, **options.pop("headers", {})}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.api.ask(method, path, headers=headers, **options)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        if any("Max-Age=0" in each for each in answer.headers.get_list("set-cookie")):
            self.cookies.pop("recsys_key", None)
        return answer

    def see(self, path: str, status: int = 200, **options: Any) -> Element:
        answer = self.ask("GET", path, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        return read(answer.text)

    def send(self, path: str, status: int = 303, **fields: str) -> httpx.Response:
        form = {"content-type": "application/x-www-form-urlencoded"}
        answer = self.ask("POST", path, content=urlencode(fields), headers=form)
        assert answer.status_code == status, answer.text
        return answer

    def submit(self, form: Element, page: str, button: str | None = None) -> httpx.Response:
        """Post a form as it stands on `page`, by the button with that value."""
        fields = {each["name"]: each.get("value") or "" for each in form.all("input")}
        if button is not None:
            pressed = form.one("button", value=button)
            fields[pressed["name"]] = button
        return self.send(form.get("action") or page, **fields)


@pytest.fixture(scope="session")
def reading() -> Callable[[str], Element]:
    """`read`."""
    return read


@pytest.fixture
def visitor(api: Any) -> Visitor:
    """Somebody who may change things."""
    return Visitor(api)


@pytest.fixture
def guest(shared_api: Any) -> Visitor:
    """Somebody who changes nothing that others look at."""
    return Visitor(shared_api)


@pytest.fixture
def visiting() -> Callable[..., Visitor]:
    """`Visitor`, for a server of the test's own."""
    return Visitor


@dataclass
class Moving:
    """A server with two releases of which the newer one is in service.

    Attributes:
        visitor: somebody on this machine.
        old, new: the releases.
    """

    visitor: Visitor
    old: str
    new: str


@pytest.fixture
def moving(two_releases: tuple[Path, str, str], tmp_path: Path, opening: Any) -> Iterator[Moving]:
    root, old, new = two_releases
    shutil.copytree(root / "data", tmp_path / "data")
    opened = opening(tmp_path)
    yield Moving(Visitor(opened), old, new)
    opened.close()
