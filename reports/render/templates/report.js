"use strict";
(() => {
  const scales = {ns: 1, "µs": 1e3, ms: 1e6, s: 1e9, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15,
    B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15, "%": 1, "": 1};
  const number = (text) => {
    const found = /^[<>]?(-?[\d.]+)\s*([^\d\s]*)$/.exec(text.replace("×", "").trim());
    return found ? Number(found[1]) * (scales[found[2]] ?? 1) : null;
  };
  const tell = (text) => { document.getElementById("told").textContent = text; };

  const value = (row, at, numeric) => {
    const text = row.cells[at].textContent.trim();
    return numeric ? number(text) : (text === "–" ? null : text.toLowerCase());
  };
  const order = new Intl.Collator("en", {numeric: true}).compare;
  const sort = (table, at, down) => {
    const head = table.tHead.rows[0].cells[at], numeric = head.classList.contains("r");
    for (const other of table.tHead.rows[0].cells) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    }
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row, at, numeric), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return (numeric ? a - b : order(a, b)) * (down ? -1 : 1);
    });
    body.append(...rows.map(([, row]) => row));
    tell(`Sorted by ${head.textContent.trim()}, ${down ? "descending" : "ascending"}`);
  };
  const filter = (tables, words, count) => {
    let shown = 0, all = 0;
    for (const table of tables) {
      let here = 0;
      const fold = table.closest("details"), group = fold ? fold.firstElementChild.textContent : "";
      for (const row of table.tBodies[0].rows) {
        const cells = [...row.cells].map((cell) => cell.dataset.text ?? cell.textContent);
        const text = [group, ...cells].join(" ").toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        here += !row.hidden;
      }
      if (fold && words.length) fold.open = here > 0;
      shown += here;
      all += table.tBodies[0].rows.length;
    }
    count.textContent = `${shown} of ${all} rows`;
  };
  // What is sorted, filtered and shown stands in the address, after the place: #s-steps&steps.sort=-time&steps.find=cupy
  const state = new URLSearchParams();
  let place = "";
  const readAddress = () => {
    const [first, ...rest] = location.hash.slice(1).split("&");
    place = first.includes("=") ? "" : first;
    return new URLSearchParams((first.includes("=") ? [first, ...rest] : rest).join("&"));
  };
  const keepAddress = () => {
    const text = [place, state.toString()].filter(Boolean).join("&");
    if (location.hash.slice(1) !== text) history.replaceState(null, "", `#${text}`);
  };
  const remember = (name, value) => {
    if (value) state.set(name, value); else state.delete(name);
    keepAddress();
  };
  const save = (name, text) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    tell(`Saved ${name}`);
  };
  for (const csv of document.querySelectorAll("template.csv")) {
    const button = document.createElement("button"), name = `${csv.dataset.name}.csv`;
    button.className = "copy csv";
    button.type = "button";
    button.textContent = "CSV";
    button.title = `Save these numbers, exact and in full, as ${name}`;
    button.addEventListener("click", () => save(name, csv.content.textContent));
    csv.after(button);
  }
  const listings = new Map();
  for (const listing of document.querySelectorAll(".listing")) {
    const name = listing.id.slice(2), tables = [...listing.querySelectorAll("table")];
    const sortBy = (key, down) => {
      for (const table of tables) {
        const head = [...table.tHead.rows[0].cells].find((cell) => cell.dataset.key === key);
        if (head) sort(table, head.cellIndex, down);
      }
    };
    for (const table of tables) {
      for (const head of table.tHead.rows[0].cells) {
        if (!head.hasAttribute("aria-sort")) continue;
        head.firstElementChild.addEventListener("click", () => {
          const now = head.getAttribute("aria-sort"), key = head.dataset.key;
          const down = now === "none" ? head.classList.contains("r") : now === "ascending";
          sortBy(key, down);
          remember(`${name}.sort`, (down ? "-" : "") + key);
        });
      }
    }
    listing.querySelector(".controls").hidden = false;
    const input = listing.querySelector("input"), all = listing.querySelector("button.all");
    const find = (text) => {
      filter(tables, text.toLowerCase().split(/\s+/).filter(Boolean), listing.querySelector(".count"));
    };
    input?.addEventListener("input", () => {
      find(input.value);
      remember(`${name}.find`, input.value.trim());
    });
    const show = (more) => {
      listing.classList.toggle("more", more);
      all.setAttribute("aria-pressed", more);
    };
    all?.addEventListener("click", () => {
      const more = !listing.classList.contains("more");
      show(more);
      remember(`${name}.all`, more ? "1" : "");
    });
    listings.set(name, {
      sort: (value) => sortBy(value.replace(/^-/, ""), value.startsWith("-")),
      find: (value) => { if (input) { input.value = value; find(value); } },
      all: (value) => { if (all) show(value === "1"); },
    });
  }
  const restore = () => {
    const asked = readAddress();
    for (const [name, value] of asked) {
      const [listing, what] = name.split(".");
      listings.get(listing)?.[what]?.(value);
      state.set(name, value);
    }
    if (place && asked.size) document.getElementById(place)?.scrollIntoView();
    keepAddress();
  };
  addEventListener("hashchange", restore);

  const time = (ns) => {
    const [scale, unit] = Math.abs(ns) >= 1e9 ? [1e9, "s"] : Math.abs(ns) >= 1e6 ? [1e6, "ms"] : Math.abs(ns) >= 1e3 ? [1e3, "µs"] : [1, "ns"];
    return `${Number((ns / scale).toPrecision(4))} ${unit}`;
  };
  const lanes = document.querySelector(".lanes");
  if (lanes) {
    const whole = 100000, length = Number(lanes.dataset.length), least = whole / 5000;
    const drawings = [...lanes.querySelectorAll(".timeline")];
    const told = lanes.querySelector("output"), find = lanes.querySelector("input");
    let from = 0, width = whole;
    const label = () => {
      for (const old of lanes.querySelectorAll(".track span")) old.remove();
      for (const drawing of drawings) {
        const pixels = drawing.clientWidth / width, names = [];
        for (const rect of drawing.querySelectorAll("rect")) {
          const left = Math.max(0, (rect.x.baseVal.value - from) * pixels);
          const right = Math.min(drawing.clientWidth, (rect.x.baseVal.value + rect.width.baseVal.value - from) * pixels);
          if (right - left < 30 || names.length > 400) continue;
          const name = document.createElement("span");
          name.textContent = rect.textContent;
          name.style.cssText = `left:${left}px;top:${rect.y.baseVal.value}px;width:${right - left}px`;
          names.push(name);
        }
        drawing.parentElement.append(...names);
      }
    };
    const show = (start, wide) => {
      width = Math.min(whole, Math.max(least, wide));
      from = Math.min(whole - width, Math.max(0, start));
      for (const drawing of drawings) {
        drawing.setAttribute("viewBox", `${from} 0 ${width} ${drawing.viewBox.baseVal.height}`);
      }
      told.textContent = `${time(from / whole * length)} to ${time((from + width) / whole * length)}`;
      label();
    };
    const zoom = (factor, at) => show(from + width * at * (1 - factor), width * factor);
    for (const button of lanes.querySelectorAll("button")) {
      button.addEventListener("click", () => {
        if (button.dataset.move) show(from + width * Number(button.dataset.move), width);
        else if (button.dataset.zoom === "0") show(0, whole);
        else zoom(Number(button.dataset.zoom), 0.5);
      });
    }
    for (const drawing of drawings) {
      drawing.addEventListener("wheel", (event) => {
        event.preventDefault();
        const box = drawing.getBoundingClientRect();
        zoom(event.deltaY < 0 ? 0.8 : 1.25, (event.clientX - box.left) / box.width);
      }, {passive: false});
    }
    find.addEventListener("input", () => {
      const wanted = find.value.trim().toLowerCase();
      let hits = 0;
      for (const rect of lanes.querySelectorAll("rect")) {
        const hit = wanted !== "" && rect.textContent.toLowerCase().includes(wanted);
        rect.classList.toggle("hit", hit);
        hits += hit;
      }
      lanes.classList.toggle("found", wanted !== "");
      told.textContent = wanted ? `${hits} found` : "";
      if (!wanted) show(from, width);
    });
    lanes.querySelector(".controls").hidden = false;
    addEventListener("resize", label);
    show(0, whole);
  }

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    tell("Copied");
  };
  const addButton = (place, label, read) => {
    const button = document.createElement("button");
    button.className = "copy";
    button.type = "button";
    button.textContent = "copy";
    button.setAttribute("aria-label", label);
    button.addEventListener("click", async () => {
      await copy(read());
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1200);
    });
    place.append(button);
  };
  for (const link of document.querySelectorAll("td.k > a")) {
    const full = () => document.querySelector(link.hash + " > code").textContent;
    link.title = full();
    link.parentElement.dataset.text = full();
    addButton(link.parentElement, `Copy the full name of ${link.textContent}`, full);
  }
  for (const item of document.querySelectorAll(".names > li")) {
    addButton(item, "Copy this name", () => item.firstElementChild.textContent);
  }
  for (const command of document.querySelectorAll(".command")) {
    const text = command.textContent;
    addButton(command, "Copy the command", () => text);
  }
  restore();
})();
