"use strict";
// Keeps an open page true: what is recorded arrives by itself, and the page says how old what it shows is.
(() => {
  const quietMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const found = () => document.querySelector("#live");
  let heard = 0, waiting = null, number = document.body.dataset.event || "";
  const time = (at) => at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

  const say = () => {
    const mark = found();
    if (!mark) return;
    const live = Date.now() - heard < 20000;
    const words = live ? "live" : heard ? `as of ${time(new Date(heard))}` : "connecting";
    if (mark.textContent !== words) mark.textContent = words;
    mark.className = live ? "live" : "stale";
  };

  const count = () => {
    for (const node of document.querySelectorAll("[data-until]")) {
      const left = Math.round((Date.parse(node.dataset.until) - Date.now()) / 1000);
      if (left < 0) { node.textContent = "due now"; continue; }
      const days = Math.floor(left / 86400), hours = Math.floor(left / 3600) % 24, minutes = Math.floor(left / 60) % 60;
      const words = days ? `${days} d ${hours} h ${minutes} min` : hours ? `${hours} h ${minutes} min`
        : `${minutes} min ${String(left % 60).padStart(2, "0")} s`;
      if (node.textContent !== words) node.textContent = words;
    }
    for (const node of document.querySelectorAll("[data-seen]")) {
      const old = Math.max(0, Math.round((Date.now() - Date.parse(node.dataset.seen)) / 1000));
      node.textContent = old < 120 ? `${old} s` : old < 7200 ? `${Math.round(old / 60)} min` : `${Math.round(old / 3600)} h`;
    }
    for (const node of document.querySelectorAll("[data-local]")) {
      if (node.textContent) continue;
      const at = new Date(node.dataset.local);
      node.textContent = at.toLocaleString([], { weekday: "short", hour: "2-digit", minute: "2-digit" });
    }
  };

  const opened = () => [...document.querySelectorAll("main details")].map((one) => one.open);

  // What somebody has typed and not sent stays when the page around it is renewed.
  const fields = () => [...document.querySelectorAll("main form :is(input:not([type=hidden], [type=checkbox]), select, textarea)")];
  const named = (node) => `${node.form.getAttribute("action")} ${node.name}`;
  const filled = () => new Map(fields().filter((node) => node.options
    ? ![...node.options].some((one) => one.defaultSelected && one.selected) && node.selectedIndex > 0
    : node.value !== node.defaultValue).map((node) => [named(node), node.value]));

  const renew = async () => {
    waiting = null;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
      if (!answer.ok || answer.redirected) { if (answer.redirected) location.reload(); return; }
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = next.querySelector("main"), old = document.querySelector("main");
      // A form that somebody is filling in is not taken from under their hands.
      if (!fresh || !old || old.querySelector("form :focus")) return;
      const states = opened(), typed = filled(), focused = document.activeElement && document.activeElement.id;
      old.replaceChildren(...fresh.childNodes);
      [...old.querySelectorAll("details")].forEach((one, at) => { if (states[at]) one.open = true; });
      for (const node of fields()) if (typed.has(named(node))) node.value = typed.get(named(node));
      if (focused) { const node = document.getElementById(focused); if (node) node.focus(); }
      const banner = next.querySelector("#banner");
      if (banner) { document.querySelector("#banner").replaceWith(banner); say(); }
      if (!quietMotion) { old.classList.remove("renewed"); void old.offsetWidth; old.classList.add("renewed"); }
      ready();
    } catch { /* the stream says when the server is back */ }
  };

  const later = () => { if (waiting === null) waiting = setTimeout(renew, 150); };

  // How far a backtest is; where it begins or ends, the whole page is another one.
  const backtest = (job) => {
    const step = document.querySelector("#backtest-step"), bar = document.querySelector("#backtest-bar");
    if (!document.querySelector("#backtest-play") && !step) return;
    if (!job || !job.running || !step) { later(); return; }
    const done = job.total ? ` ${job.done.toLocaleString("en-US")} of ${job.total.toLocaleString("en-US")}` : "";
    step.textContent = job.step + done;
    bar.max = job.total || 1;
    if (job.total && job.done) bar.value = job.done; else bar.removeAttribute("value");
  };

  const listen = () => {
    // Last prices cost their source something, so only a page that shows them asks.
    const wanted = new URLSearchParams({ ...(number && { after: number }), ...(document.querySelector("[data-quotes]") && { prices: true }) });
    const source = new EventSource(`/api/v1/stream?${wanted}`);
    const alive = () => { heard = Date.now(); say(); };
    source.addEventListener("ping", alive);
    for (const name of ["run", "decision", "order", "fill", "equity", "halt", "problem", "health"]) {
      source.addEventListener(name, (event) => { number = event.lastEventId; alive(); later(); });
    }
    source.addEventListener("quote", (event) => {
      alive();
      const told = JSON.parse(event.data), place = document.querySelector("[data-quotes]");
      const said = (one) => [one.delayed && "delayed", one.halted && "halted", one.why_not].filter(Boolean).join(", ");
      if (place && place.dataset.quotes !== (told.why_not || "")) later();
      for (const one of told.quotes) {
        const price = document.querySelector(`[data-price="${CSS.escape(one.symbol)}"]`);
        const age = document.querySelector(`[data-of="${CSS.escape(one.symbol)}"]`);
        // What is new of a symbol beside its price and age, the server words.
        if (!price || (one.seen_at && !age) || price.closest("tr").lastElementChild.textContent !== said(one)) { later(); continue; }
        if (one.price !== null) price.textContent = one.price.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 4 });
        if (age) age.dataset.seen = one.seen_at;
      }
      count();
    });
    source.addEventListener("backtest", (event) => { alive(); backtest(JSON.parse(event.data)); });
    let lost = false;
    source.addEventListener("open", () => { if (lost) later(); lost = false; });
    source.addEventListener("error", () => {
      lost = true;
      if (source.readyState === EventSource.CLOSED) { source.close(); setTimeout(() => { listen(); later(); }, 2000); }
      say();
    });
    addEventListener("pagehide", () => source.close());
  };

  // A chart tells its values where somebody points, or walks over it with the arrow keys.
  const charts = () => {
    for (const figure of document.querySelectorAll("figure.chart[data-points]")) {
      if (figure.dataset.ready) continue;
      figure.dataset.ready = "yes";
      const points = JSON.parse(figure.dataset.points), box = figure.querySelector(".plot");
      const told = figure.querySelector(".told"), line = figure.querySelector(".cross");
      let at = points.length - 1;
      const show = (place) => {
        at = Math.max(0, Math.min(points.length - 1, place));
        told.textContent = points[at];
        const x = `${(100 * (at + 0.5)) / points.length}%`;
        line.setAttribute("x1", x); line.setAttribute("x2", x); line.classList.add("on");
      };
      box.addEventListener("pointermove", (event) => {
        const area = box.getBoundingClientRect();
        show(Math.floor(((event.clientX - area.left) / area.width) * points.length));
      });
      box.addEventListener("pointerleave", () => { told.textContent = ""; line.classList.remove("on"); });
      box.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20 }[event.key];
        if (step === undefined) return;
        event.preventDefault(); show(at + step);
      });
    }
  };

  const ready = () => { count(); charts(); };
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("nav details[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of document.querySelectorAll("nav details[open]")) menu.open = false;
  });
  ready(); say();
  setInterval(() => { say(); count(); }, 1000);
  if (found()) listen();
})();
