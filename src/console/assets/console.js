// Everything works without this; with it, by keyboard, and leases are kept while the page is open.
(() => {
  const $ = (selector) => document.querySelector(selector);
  const stored = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const form = $("#decision");

  // What a page asks for by itself keeps nobody's session: it says whether somebody did something since the last time.
  let here = false;
  // A pointer that lies still is moved by what moves under it.
  const does = (event) => { if (event.type !== "pointermove" || event.movementX || event.movementY) here = true; };
  for (const what of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) document.addEventListener(what, does, { capture: true, passive: true });
  const unasked = (fields) => {
    const film = $("#player :is(video, audio)");
    if (here || (film && !film.paused)) fields.append("active", "1");
    here = false;
    return fields;
  };
  const often = (lease) => Math.min(60000, Math.max(2000, Number(lease) / 3));
  // A page that loads itself anew says so in its address, and no longer than that.
  const named = (change) => { const to = new URL(location); change(to.searchParams); history.replaceState(null, "", to); };
  const anew = () => { named((query) => query.set("unasked", "1")); location.reload(); };
  if (new URL(location).searchParams.has("unasked")) named((query) => query.delete("unasked"));

  // hold to reveal; V reveals all of the page
  const stages = new Map();
  const show = (of, on) => {
    of.classList.toggle("shown", on);
    stages.get(of)?.setAttribute("aria-pressed", String(on));
  };
  const showAll = (on) => { for (const of of stages.keys()) show(of, on); };
  const veil = (of) => {
    const button = of.querySelector("[data-do=reveal]");
    if (!button) return;
    stages.set(of, button);
    button.addEventListener("pointerdown", () => show(of, true));
    for (const end of ["pointerup", "pointercancel", "pointerleave", "blur", "keyup"]) button.addEventListener(end, () => show(of, false));
    button.addEventListener("keydown", (event) => { if (event.key === " ") { event.preventDefault(); show(of, true); } });
  };
  for (const of of document.querySelectorAll(".stage")) veil(of);
  window.addEventListener("blur", () => showAll(false));

  // a picture that cannot be shown says why
  const media = $("#media");
  if (media) {
    const failed = async () => {
      media.hidden = true; for (const one of document.querySelectorAll(".drawn, .zoom")) one.remove(); $("#unshown").hidden = false; $("#reveal").hidden = true;
      let why = "nobody says why just now. Reload the page.";
      try {
        const answer = await fetch(media.src, { headers: { accept: "text/plain" } });
        if (!answer.ok && answer.headers.get("content-type")?.startsWith("text/plain")) why = await answer.text();
      } catch { /* it stays unsaid */ }
      $("#why-not").textContent = why;
    };
    media.addEventListener("error", failed);
    if (media.complete && media.naturalWidth === 0) failed();
  }

  // a film, an animation or sound: asked for, waited for, played
  const player = $("#player");
  const asks = player?.querySelector("form");
  const before = [...player?.childNodes ?? []];
  const clock = (at) => `${Math.floor(at / 60)}:${(at % 60).toFixed(1).padStart(4, "0")}`;
  // What moves by itself is taken away again to stop it. Where it came with the page, the link leads to the page without it.
  const moves = (of) => {
    const stop = () => {
      stages.delete(of);
      player.replaceChildren(...before);
      $("#making").hidden = true;
      asks.hidden = false;
    };
    of.querySelector("[data-do=stop]").addEventListener("click", (event) => {
      const goesOn = of.contains(document.activeElement);
      event.preventDefault();
      stop();
      if (goesOn) asks.querySelector("button").focus();
    });
    of.querySelector("img").addEventListener("error", () => { stop(); refuse("It cannot be shown just now. Try again."); });
  };
  const screen = () => {
    const video = player?.querySelector("video"), shown = player?.querySelector(".stage");
    if (shown && !video && asks) { veil(shown); moves(shown); }
    if (!video) return;
    const of = video.closest(".stage"), [button, range, sound] = ["[data-do=play]", "input[type=range]", "[data-do=sound]"].map((css) => of.querySelector(css));
    if (!stages.has(of)) veil(of);
    // The attribute is not heard of a video that a script brings in.
    video.muted = true;
    of.querySelector("figcaption").hidden = false;
    const put = () => {
      if (Number.isFinite(video.duration)) range.max = video.duration;
      range.value = video.currentTime;
      of.querySelector("[data-of=moment]").textContent = clock(video.currentTime);
      button.setAttribute("aria-pressed", String(!video.paused));
    };
    for (const when of ["loadedmetadata", "durationchange", "timeupdate", "seeked", "play", "pause", "ended"]) video.addEventListener(when, put);
    range.addEventListener("input", () => { video.currentTime = Number(range.value); });
    sound.addEventListener("change", () => { video.muted = !sound.checked; });
    button.addEventListener("click", () => { if (video.paused) video.play(); else video.pause(); });
  };
  screen();
  const refuse = (why) => {
    const said = Object.assign(document.createElement("p"), { id: "refused", className: "wrong", textContent: why });
    said.setAttribute("role", "alert");
    asks.before(said);
    asks.hidden = false;
  };
  const wait = async (goesOn) => {
    const said = $("#making");
    said.hidden = false;
    let leftOut = null;
    for (;;) {
      const answer = await fetch(player.dataset.film, { headers: { range: "bytes=0-0" } }).catch(() => null);
      if (answer?.status === 206) { leftOut = answer.headers.get("lazaret-left-out"); break; }
      if (answer?.status === 202) said.querySelector("span").textContent = await answer.text();
      // A service that is busy just now is asked again.
      else if (answer && answer.status < 500) { said.textContent = answer.status === 422 ? `It cannot be played: ${await answer.text()}` : "It cannot be played just now. Reload the page."; return; }
      await new Promise((later) => { setTimeout(later, 500); });
    }
    player.replaceChildren(player.querySelector("template").content.cloneNode(true));
    if (leftOut) player.prepend(Object.assign(document.createElement("p"), { className: "wrong", id: "left-out", textContent: `Not all of it is played: ${leftOut}.` }));
    screen();
    // Who pressed the button goes on where it was.
    if (goesOn) player.querySelector("[data-do=play], [data-do=stop], audio").focus();
    player.scrollIntoView({ block: "nearest" });
  };
  const ask = async () => {
    const goesOn = asks.contains(document.activeElement);
    asks.hidden = true;
    $("#refused")?.remove();
    const answer = await fetch(asks.action, { method: "POST", body: new URLSearchParams(new FormData(asks)), redirect: "manual" });
    if (answer.status < 400) { await wait(goesOn); return; }
    // What the page of the answer says.
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    refuse(page.querySelector("main p")?.textContent);
  };
  if (asks) asks.addEventListener("submit", (event) => { event.preventDefault(); event.stopPropagation(); ask(); });
  if (asks?.hidden) wait();
  const play = () => {
    const button = player?.querySelector("[data-do=play], [data-do=stop]"), sound = player?.querySelector("audio");
    if (button) button.click();
    else if (sound?.paused) sound.play();
    else if (sound) sound.pause();
    else if (asks && !asks.hidden) ask();
  };
  for (const link of document.querySelectorAll("[data-at]")) link.addEventListener("click", (event) => {
    const video = player?.querySelector("video");
    if (!video) return;
    event.preventDefault();
    video.pause();
    video.currentTime = Number(link.dataset.at);
    player.scrollIntoView({ block: "nearest" });
  });

  // a held item is kept while its page is open, and given back when it is left
  if (form && form.hasAttribute("data-holds")) {
    const base = form.dataset.base;
    const body = () => new URLSearchParams({ csrf: form.elements.csrf.value, fence: form.dataset.fence });
    let sent = false;
    const keep = async () => {
      try {
        const answer = await fetch(`${base}/extend`, { method: "POST", body: unasked(body()), redirect: "manual" });
        if (answer.status === 409) $("#over").hidden = false;
      } catch { /* the next one tells */ }
    };
    setInterval(keep, often(form.dataset.lease));
    // A dialog that is closed leaves nothing.
    document.addEventListener("submit", (event) => { if (event.target.method !== "dialog") sent = true; });
    window.addEventListener("pagehide", () => { if (!sent) navigator.sendBeacon(`${base}/leave`, body()); });
  }

  // how long one looks at what one does not hold counts as well
  const watched = $("[data-looks]");
  if (watched) {
    const { looks, csrf, lease } = watched.dataset;
    setInterval(() => { fetch(looks, { method: "POST", body: unasked(new URLSearchParams({ csrf })), redirect: "manual" }).catch(() => {}); }, often(lease));
  }

  // undo bars count down
  const undos = [...document.querySelectorAll("form.undo")];
  for (const undo of undos) {
    const end = Date.now() + Number(undo.dataset.undo) * 1000;
    const tick = setInterval(() => {
      const left = Math.ceil((end - Date.now()) / 1000);
      if (left <= 0) { clearInterval(tick); undo.remove(); return; }
      undo.querySelector(".left").textContent = `(${left} s left)`;
    }, 500);
  }

  // frames on the wall that are gone
  for (const img of document.querySelectorAll(".tile img")) img.addEventListener("error", () => { img.hidden = true; });

  // what changes while a page is open; where nobody tells, it is loaded anew
  const follow = (from, name, show) => {
    if (!from || !window.EventSource) return;
    const source = new EventSource(from.dataset.live);
    source.addEventListener(name, (event) => show(JSON.parse(event.data)));
    source.addEventListener("over", () => { source.close(); anew(); });
    source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) setTimeout(() => anew(), 10000); });
    window.addEventListener("pagehide", () => source.close());
  };
  const put = (place, text) => { if (place && place.textContent !== text) place.textContent = text; };
  follow($("#numbers"), "counts", (counts) => {
    for (const place of document.querySelectorAll("#numbers [data-of]")) put(place, String(counts[place.dataset.of]));
  });
  let soon;
  follow($("#wall"), "tiles", (tiles) => {
    const known = new Map([...document.querySelectorAll(".tile")].map((tile) => [tile.dataset.id, tile]));
    const others = tiles.length !== known.size || tiles.some((tile) => !known.has(tile.id));
    clearTimeout(soon);
    // Not under the hands of somebody who is about to decide, and not again and again where many come and go.
    if (others) soon = setTimeout(() => { if (!$(".tile details[open]")) anew(); }, Math.max(0, 5000 - performance.now()));
    put($("#live"), "live");
    for (const tile of tiles) {
      const of = known.get(tile.id);
      if (!of) continue;
      for (const name of ["standing", "because", "since", "counts"]) put(of.querySelector(`[data-of=${name}]`), tile[name]);
      const said = of.querySelector("[data-of=by_hand]"), hand = of.querySelector("form");
      put(said, tile.by_hand);
      said.hidden = !tile.by_hand;
      if (hand && Number(hand.elements.last.value) !== tile.ruled) {
        hand.elements.last.value = tile.ruled;
        // What was chosen before somebody else ruled is chosen anew.
        hand.elements.choice.value = "";
      }
      of.querySelector("[data-of=standing]").className = `tag ${{ cut: "high", warn: "medium" }[tile.standing] || "low"}`;
      const scores = tile.scores.map(([label, score]) => {
        const tag = document.createElement("span");
        tag.className = "tag";
        tag.textContent = `${label} ${score}`;
        return tag;
      });
      of.querySelector("[data-of=scores]").replaceChildren(...scores);
      const img = of.querySelector("img");
      if (tile.frame && img.dataset.n !== tile.frame) {
        img.dataset.n = tile.frame;
        img.src = `${img.dataset.src}&n=${tile.frame}`;
        img.hidden = false;
      }
    }
  });

  // keys
  const box = $("#keys-on");
  if (box) {
    box.checked = stored("keys") !== "off";
    box.addEventListener("change", () => { try { localStorage.setItem("keys", box.checked ? "on" : "off"); } catch { /* for this page only */ } });
  }
  const kinds = { a: "approve", q: "quarantine", e: "escalate", n: "note" };
  // Where there is one list of reasons, its keys need no other before.
  const lists = form ? form.querySelectorAll("fieldset[data-kind]") : [];
  let kind = lists.length === 1 ? lists[0].dataset.kind : null;
  const choices = (of) => form ? [...form.querySelectorAll(`fieldset[data-kind="${of}"]:not([disabled]) input[type=radio]`)] : [];
  const pick = (input) => { if (input) { input.checked = true; input.focus(); } };
  const press = (button) => { if (button) button.click(); };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || stored("keys") === "off") return;
    const at = event.target;
    if (event.key === "Escape" && at.id === "note") { at.blur(); return; }
    if (at.matches("textarea, select, input:not([type=radio]):not([type=checkbox])") || $("dialog[open]")) return;
    const key = event.key.toLowerCase();
    if (key === "v" && stages.size) { showAll(true); return; }
    if (event.repeat) return;
    if (key === "?") { const keys = $("#keys"); if (keys) keys.showModal(); return; }
    if (key === "p" && player) { play(); return; }
    if (key === "z" && stages.size) {
      const zooms = [...document.querySelectorAll(".zoom input")];
      const next = zooms[(zooms.findIndex((one) => one.checked) + 1) % zooms.length];
      if (next) next.checked = true;
      return;
    }
    if (key === "u") { press(undos.find((undo) => undo.isConnected)?.querySelector("button")); return; }
    if (key === "r") { press($("button[data-key=r]")); return; }
    if (!form) return;
    if (kinds[key]) { kind = kinds[key]; pick(choices(kind)[0]); }
    else if (/^[0-9]$/.test(key) && kind) { pick(choices(kind)[(Number(key) + 9) % 10]); }
    else if (key === "o") {
      const boxes = [...form.querySelectorAll("input[name=override]")];
      const on = !boxes.every((one) => one.checked);
      for (const one of boxes) one.checked = on;
    }
    else if (key === "t") { event.preventDefault(); $("#note").focus(); }
    else if (key === "s") { press($("#skip button")); }
    else if (key === "enter" && !at.matches("button, a, summary")) { event.preventDefault(); press($("#next")); }
  });
  document.addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "v") showAll(false); });
})();
