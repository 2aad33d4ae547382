"use strict";

(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const data = read("data");
  const figures = read("figures");
  const K = data.names.length;
  const LOWEST = 0.02;
  const HIGHEST = 50;
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const colour = (c) => style(`--category-${c}`);
  const format = (number) => Number(number.toPrecision(3)).toString();

  // --- state ---------------------------------------------------------------------------------

  const bytes = Uint8Array.from(atob(data.noise), (letter) => letter.charCodeAt(0));
  const noise = new Float32Array(bytes.buffer); // log E, row after row
  const rows = data.rows;
  const begin = { logits: Float64Array.from(data.logits), temperature: 1 };
  const state = {
    logits: Float64Array.from(data.logits),
    temperature: begin.temperature,
    corners: data.corners.slice(),
  };
  const samples = new Float64Array(rows * K);
  const argmax = new Int32Array(rows);

  /** Recompute every sample, softmax((logits - log E) / t), shifted by the largest score. */
  function draw() {
    const { logits, temperature } = state;
    for (let row = 0; row < rows; row++) {
      const first = row * K;
      let peak = -Infinity;
      for (let k = 0; k < K; k++) {
        const score = logits[k] - noise[first + k];
        samples[first + k] = score;
        if (score > peak) {
          peak = score;
          argmax[row] = k;
        }
      }
      let total = 0;
      for (let k = 0; k < K; k++) {
        const share = Math.exp((samples[first + k] - peak) / temperature);
        samples[first + k] = share;
        total += share;
      }
      for (let k = 0; k < K; k++) samples[first + k] /= total;
    }
  }

  function summary() {
    const mean = new Float64Array(K);
    const rounding = new Float64Array(K);
    let near = 0;
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < K; k++) mean[k] += samples[row * K + k] / rows;
      rounding[argmax[row]] += 1 / rows;
      if (samples[row * K + argmax[row]] > data.near) near += 1 / rows;
    }
    return { mean, rounding, near };
  }

  function probabilities() {
    const peak = Math.max(...state.logits);
    const weights = Array.from(state.logits, (logit) => Math.exp(logit - peak));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  }

  // --- the picture ---------------------------------------------------------------------------

  const canvas = document.getElementById("simplex");
  const colourOf = (k) => {
    const own = (c) => data.positions[c] % data.colours.length;
    const clash = new Set(state.corners.map(own)).size < state.corners.length;
    return colour(clash && state.corners.includes(k) ? state.corners.indexOf(k) : own(k));
  };

  /** Where the corners lie, in pixels, and where a row's point does. */
  function geometry() {
    const width = canvas.clientWidth;
    if (K === 2) {
      const height = Math.min(340, width * 0.6);
      const left = { x: 40, y: height - 60 };
      const right = { x: width - 40, y: height - 60 };
      return { width, height, corners: [right, left] };
    }
    const side = Math.min(width - 60, 640);
    const top = 44;
    const high = (side * Math.sqrt(3)) / 2;
    const middle = width / 2;
    const corners = [
      { x: middle, y: top },
      { x: middle - side / 2, y: top + high },
      { x: middle + side / 2, y: top + high },
    ];
    return { width, height: top + high + 46, corners };
  }

  /** The shares of a row in the corners: an exact sub-composition, shifted by their own peak. */
  function shares(row) {
    const scores = state.corners.map((k) => state.logits[k] - noise[row * K + k]);
    const peak = Math.max(...scores);
    const part = scores.map((score) => Math.exp((score - peak) / state.temperature));
    const total = part.reduce((sum, share) => sum + share, 0);
    return part.map((share) => share / total);
  }

  function place(row, corners, height) {
    const at = { x: 0, y: 0 };
    shares(row).forEach((share, i) => {
      at.x += share * corners[i].x;
      at.y += share * corners[i].y;
    });
    // Two categories lie on a line: a fixed shift up tells their points apart.
    if (K === 2) at.y -= ((row * 0.618034) % 1) * (height - 110);
    return at;
  }

  /** A name, cut to the room there is, with its probability; and how wide that is. */
  function cornerLabel(pen, name, ending, room) {
    const letters = Array.from(name);
    const cut = (count) => (count < letters.length ? `${letters.slice(0, count).join("")}…` : name);
    const measure = (count) => pen.measureText(`● ${cut(count)}${ending}`).width;
    let count = letters.length > 16 ? 15 : letters.length;
    while (count > 1 && measure(count) > room) count--;
    return [`${cut(count)}${ending}`, measure(count)];
  }

  function paint() {
    const { width, height, corners } = geometry();
    const ratio = window.devicePixelRatio || 1;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.strokeStyle = style("--muted");
    pen.lineWidth = 1.2;
    pen.beginPath();
    corners.forEach((corner, i) => (i ? pen.lineTo(corner.x, corner.y) : pen.moveTo(corner.x, corner.y)));
    pen.closePath();
    pen.stroke();
    pen.globalAlpha = Number(style("--point-alpha"));
    const muted = style("--muted");
    const colours = new Map(state.corners.map((k) => [k, colourOf(k)]));
    for (let row = 0; row < rows; row++) {
      const at = place(row, corners, height);
      pen.fillStyle = colours.get(argmax[row]) ?? muted;
      pen.beginPath();
      pen.arc(at.x, at.y, 2.6, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1;
    const probs = probabilities();
    pen.font = "600 15px Inter, Helvetica, Arial, sans-serif";
    state.corners.forEach((k, i) => {
      // The two lower corners have half the width each.
      const room = (K > 2 && i === 0 ? width : width / 2) - 8;
      const [label, wide] = cornerLabel(pen, data.names[k], `  p = ${format(probs[k])}`, room);
      const x = Math.min(Math.max(corners[i].x - wide / 2, 2), width - wide - 2);
      const y = K > 2 && i === 0 ? corners[i].y - 16 : corners[i].y + 28;
      // The dot has the category's colour, which is too light for text on paper.
      pen.fillStyle = colourOf(k);
      pen.fillText("●", x, y);
      pen.fillStyle = style("--ink");
      pen.fillText(label, x + pen.measureText("● ").width, y);
    });
  }

  // --- the numbers ---------------------------------------------------------------------------

  const slider = document.getElementById("temperature");
  const toTemperature = (place) => LOWEST * (HIGHEST / LOWEST) ** place;
  const toPlace = (temperature) => Math.log(temperature / LOWEST) / Math.log(HIGHEST / LOWEST);
  const shownCategories = data.sliders;
  const original = shownCategories.map((k) => data.logits[k]);
  // Sliders reach a factor of e^3 beyond the original π, and e^5 from its middle at least.
  const middle = (Math.max(...original) + Math.min(...original)) / 2;
  const reach = Math.max(5, Math.max(...original) - middle + 3);
  const weightInputs = new Map();
  const liveCells = new Map();

  function element(tag, attributes = {}, text = "") {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  }

  function buildWeights() {
    const fieldset = document.getElementById("weights");
    for (const k of shownCategories) {
      const control = element("div", { class: "control" });
      const id = `weight-${k}`;
      const ends = { min: middle - reach, max: middle + reach };
      const input = element("input", { id, type: "range", ...ends, step: "any" });
      const output = element("output", { for: id, "aria-live": "off" });
      control.append(element("label", { for: id }, data.names[k]), output, input);
      fieldset.append(control);
      input.addEventListener("input", () => {
        state.logits[k] = Number(input.value);
        update();
      });
      weightInputs.set(k, { input, output });
    }
  }

  function buildLive() {
    const body = document.getElementById("live");
    for (const k of shownCategories) {
      const row = element("tr");
      const head = element("th", { scope: "row" });
      const swatch = element("span", { class: "swatch" });
      head.append(swatch, data.names[k]);
      head.title = data.names[k]; // it may be cut
      const cells = ["p", "rounding", "mean"].map((name) =>
        element("td", { "data-figure-of": `${name}-${k}` }),
      );
      row.append(head, ...cells);
      body.append(row);
      liveCells.set(k, { swatch, cells });
    }
  }

  function buildPresets() {
    const presets = [
      ["nearly one-hot, 0.1", 0.1],
      [`1/(K−1) = ${format(data.rule)}`, data.rule],
      ...(data.best ? [[`best for m = ${format(data.best[0])}: ${format(data.best[1])}`, data.best[1], true]] : []),
      ["smooth, 3", 3],
      ["nearly uniform, 30", 30],
    ].filter(([, temperature]) => LOWEST <= temperature && temperature <= HIGHEST);
    const group = document.getElementById("presets");
    for (const [label, temperature, ofWeights] of presets) {
      const button = element("button", { type: "button" }, label);
      if (ofWeights) {
        button.id = "preset-best";
        button.setAttribute("aria-describedby", "m");
      }
      button.addEventListener("click", () => glide(temperature));
      group.append(button);
    }
  }

  function buildCorners() {
    for (const select of document.querySelectorAll("[data-corner]")) {
      const corner = Number(select.dataset.corner);
      data.names.forEach((name, k) => {
        if (shownCategories.includes(k)) select.append(element("option", { value: k }, name));
      });
      select.value = state.corners[corner];
      select.addEventListener("change", () => {
        const wanted = Number(select.value);
        const other = state.corners.indexOf(wanted);
        if (other >= 0) state.corners[other] = state.corners[corner];
        state.corners[corner] = wanted;
        document.querySelectorAll("[data-corner]").forEach((each) => {
          each.value = state.corners[Number(each.dataset.corner)];
        });
        update();
      });
    }
  }

  /** Mark what is computed for the original π while the sliders are elsewhere. */
  function markMoved() {
    const moved = state.logits.some((logit, k) => logit !== begin.logits[k]);
    document.body.classList.toggle("moved", moved);
  }

  function showNumbers() {
    markMoved();
    const { mean, rounding, near } = summary();
    const probs = probabilities();
    const text = `${format(state.temperature)}`;
    document.getElementById("temperature-value").textContent = text;
    slider.setAttribute("aria-valuetext", `temperature ${text}`);
    slider.value = toPlace(state.temperature);
    for (const [k, { input, output }] of weightInputs) {
      input.value = state.logits[k];
      output.textContent = format(Math.exp(state.logits[k]));
      input.setAttribute("aria-valuetext", output.textContent);
    }
    for (const [k, { swatch, cells }] of liveCells) {
      swatch.style.background = colourOf(k);
      [probs[k], rounding[k], mean[k]].forEach((value, i) => {
        cells[i].textContent = value.toFixed(3);
      });
    }
    document.getElementById("near").textContent = `${(100 * near).toFixed(1)} %`;
  }

  let pending = false;
  function update() {
    draw();
    showNumbers();
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      paint();
    });
  }

  // --- motion --------------------------------------------------------------------------------

  const play = document.getElementById("play");
  let motion = null; // a function of the seconds since it began; true when it has ended

  function run(step) {
    const started = performance.now();
    motion = step;
    const frame = (now) => {
      if (motion !== step) return;
      const ended = step(Math.max(0, now - started) / 1000);
      update();
      if (ended) motion = null;
      else requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  function stop() {
    motion = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  }

  function glide(temperature) {
    stop();
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
      state.temperature = temperature;
      update();
      return;
    }
    const from = Math.log(state.temperature);
    const to = Math.log(temperature);
    run((seconds) => {
      const done = Math.min(1, seconds / 0.9);
      const eased = done * done * (3 - 2 * done);
      state.temperature = done === 1 ? temperature : Math.exp(from + (to - from) * eased);
      return done === 1;
    });
  }

  play.addEventListener("click", () => {
    if (play.getAttribute("aria-pressed") === "true") {
      stop();
      return;
    }
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    const half = (toPlace(8) - toPlace(0.05)) / 2;
    const centre = (toPlace(8) + toPlace(0.05)) / 2;
    const place = Math.min(1, Math.max(-1, (toPlace(state.temperature) - centre) / half));
    const phase = Math.acos(place);
    run((seconds) => {
      state.temperature = toTemperature(centre + half * Math.cos(phase + seconds * 0.7));
      return false;
    });
  });

  slider.addEventListener("input", () => {
    stop();
    state.temperature = toTemperature(Number(slider.value));
    update();
  });

  document.getElementById("reset").addEventListener("click", () => {
    state.logits.set(begin.logits);
    glide(begin.temperature);
  });

  // --- plotly's figures, drawn when they come near, or when there is nothing else to do ---------

  const drawn = new Set();

  /** A figure in the page's colours: plotly knows no CSS variables. */
  function themed(name) {
    const inks = Object.entries(data.ink).map(([key, ink]) => [ink, style(`--${key}`)]);
    const hues = data.colours.map((hue, c) => [hue, colour(c)]);
    const ours = new Map([...inks, ...hues]);
    // Names are of the user's, whatever they look like.
    return JSON.parse(JSON.stringify(figures[name]), (key, value) =>
      key === "name" || key === "text" ? value : (ours.get(value) ?? value),
    );
  }

  function plot(place) {
    const { data: traces, layout } = themed(place.dataset.figure);
    drawn.add(place);
    return Plotly.react(place, traces, layout, { displayModeBar: false, responsive: true });
  }

  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting && !drawn.has(entry.target)) plot(entry.target);
      }
    },
    { rootMargin: "600px" },
  );
  const places = Array.from(document.querySelectorAll("[data-figure]"));
  places.forEach((place) => watcher.observe(place));

  const whenIdle = window.requestIdleCallback ?? ((work) => setTimeout(work, 100));
  function plotNext() {
    const next = places.find((place) => !drawn.has(place));
    if (next) plot(next).then(() => whenIdle(plotNext));
  }
  window.addEventListener("load", () => whenIdle(plotNext));

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function redraw() {
    drawn.forEach(plot);
    update();
    paint();
  }
  dark.addEventListener("change", redraw);
  window.addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing");
    places.forEach((place) => drawn.add(place));
    redraw();
  });
  window.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing");
    redraw();
  });
  window.addEventListener("resize", paint);

  // --- the table as a file -------------------------------------------------------------------

  document.getElementById("save").addEventListener("click", () => {
    const quote = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = Array.from(document.querySelectorAll("#facts tr"), (row) =>
      Array.from(row.cells, (cell) => quote(cell.dataset.value ?? cell.textContent)).join(","),
    );
    const link = element("a", { download: "sweep.csv" });
    link.href = URL.createObjectURL(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }));
    link.click();
    URL.revokeObjectURL(link.href);
  });

  buildWeights();
  buildLive();
  buildPresets();
  buildCorners();
  update();

  // To look inside from the browser's console.
  window.gscli = {
    state,
    facts: data.facts,
    points: () => Array.from({ length: rows }, (_, row) => shares(row)),
  };
})();
