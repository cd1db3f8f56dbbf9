// Makes the form that adjusts a list live. Without this script the same form works by its button.
"use strict";

(() => {
  const form = document.getElementById("adjust");
  if (!form) return;
  const list = document.getElementById(form.dataset.list);
  const status = document.getElementById(form.dataset.status);
  const pause = 120;
  let timer = 0;
  let asked = null;

  const movies = () => [...list.querySelectorAll("[data-movie]")];
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  const query = () => {
    const fields = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...fields]) if (!value) fields.delete(name);
    return fields;
  };

  const say = (before) => {
    const now = movies();
    const came = now.filter((movie) => !before.includes(movie.dataset.movie));
    for (const movie of came) {
      movie.classList.add("came");
      const badge = document.createElement("span");
      badge.className = "badge came";
      badge.textContent = form.dataset.new;
      movie.querySelector(".facts").append(" ", badge);
    }
    const same = !came.length && before.length === now.length;
    status.textContent = same
      ? form.dataset.unchanged
      : fill(form.dataset.changed, { count: came.length, of: now.length });
  };

  const renew = async () => {
    const fields = query();
    const address = new URL(location.pathname, location.href);
    address.search = fields;
    const part = new URL(address);
    part.searchParams.set("part", "list");
    asked?.abort();
    const mine = (asked = new AbortController());
    list.classList.add("loading");
    try {
      const answer = await fetch(part, { signal: mine.signal, headers: { accept: "text/html" } });
      if (!answer.ok && answer.status !== 422) throw new Error(String(answer.status));
      const text = await answer.text();
      const before = movies().map((movie) => movie.dataset.movie);
      list.innerHTML = text;
      history.replaceState(null, "", address);
      say(before);
    } catch (error) {
      if (error.name !== "AbortError") status.textContent = form.dataset.failed;
    } finally {
      if (mine === asked) list.classList.remove("loading");
    }
  };

  form.addEventListener("input", (event) => {
    const shown = event.target.dataset.output;
    if (shown) {
      const output = document.getElementById(shown);
      const space = output.textContent.replace(/^[\d\s,.]*\d/, "");
      output.textContent = Math.round(event.target.value * 100) + space;
    }
    clearTimeout(timer);
    timer = setTimeout(renew, pause);
  });

  form.addEventListener("submit", (event) => {
    if (event.submitter?.name) return;
    event.preventDefault();
    clearTimeout(timer);
    renew();
  });
})();
