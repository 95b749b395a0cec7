// The values of a chart at the session pointed at, and tables sorted by the column whose head is pressed.
document.querySelectorAll("figure").forEach((figure) => {
  const held = JSON.parse(figure.querySelector("script").textContent), read = figure.querySelector(".read");
  figure.querySelectorAll("svg").forEach((svg) => {
    const box = svg.viewBox.baseVal, left = Number(svg.dataset.left), right = box.width - Number(svg.dataset.right);
    svg.insertAdjacentHTML("beforeend", '<path class="cursor"/>');
    const cursor = svg.lastElementChild;
    const show = (event) => {
      const on = svg.getBoundingClientRect(), step = (right - left) / held.days.length;
      const at = (x) => Math.max(0, Math.min(held.days.length - 1, Math.floor((x - left) / step)));
      const x = ((event.clientX - on.left) / on.width) * box.width, reach = (6 / on.width) * box.width;
      let day = at(x);
      for (const mark of Object.keys(held.told).map(Number))
        if (mark >= at(x - reach) && mark <= at(x + reach)
          && (!(day in held.told) || Math.abs(mark - at(x)) < Math.abs(day - at(x)))) day = mark;
      cursor.setAttribute("d", `M${left + (day + 0.5) * step} 0V${box.height}`);
      const number = (value) => value === null ? "-" : value.toLocaleString("en-US").replace("-", "\u2212");
      const values = held.panels.map(([title, lines]) =>
        title + lines.map(([name, line]) => `${name} ${number(line[day])}`).join(", "));
      read.textContent = `${held.days[day]}: ${[...(held.told[day] || []), ...values].join("; ")}`;
    };
    svg.addEventListener("pointermove", show);
    svg.addEventListener("pointerdown", show);
  });
});
document.querySelectorAll("table.sort th").forEach((head) => head.addEventListener("click", () => {
  const body = head.closest("table").tBodies[0], up = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  head.parentElement.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up === 1 ? "ascending" : "descending");
  const value = (row) => {
    const text = row.cells[head.cellIndex].textContent, number = Number(text.replaceAll(",", "").replace("\u2212", "-"));
    return text === "" || Number.isNaN(number) ? text : number;
  };
  [...body.rows].sort((one, two) => {
    const a = value(one), b = value(two);
    return (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? 1 : -1) * up;
  }).forEach((row) => body.append(row));
}));
