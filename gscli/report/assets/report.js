(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const data = read("data");
  const figures = read("figures");
  const K = data.names.length;
  const LOWEST = 0.02;
  const HIGHEST = 50;
  const { style, colour, format, rounded, element, write } = ui;
  const byId = (id) => document.getElementById(id);

  // --- state ---------------------------------------------------------------------------------

  const rows = data.rows;
  const noise = noiseOf(data.noise, rows, K);
  const LAYERS = ["density", "gradient", "sample", "anneal"];
  const begin = {
    logits: Float64Array.from(data.logits),
    temperature: 1,
    batchSize: data.batch_size,
    mode: "relaxed",
    corners: data.corners.slice(),
    layers: { density: true, gradient: false, sample: false, anneal: false },
    row: 0,
    target: data.corners.length - 1,
    schedule: "jang",
    own: [1, 0.5, 3e-5],
    step: 0,
  };
  const copied = ({ logits, corners, layers, own, ...rest }) => ({
    ...rest, logits: logits.slice(), corners: corners.slice(), layers: { ...layers }, own: own.slice(),
  });
  const state = copied(begin);
  const moved = () => state.logits.some((logit, k) => logit !== begin.logits[k]);
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
    // Of hard samples, the values are one-hot.
    return state.mode === "relaxed" ? { mean, rounding, near } : { mean: rounding, rounding, near: 1 };
  }

  /** The shares of the weights among all categories, those that are not shown too. */
  function probabilities() {
    const peak = Math.max(...state.logits, data.rest ?? -Infinity);
    const weights = Array.from(state.logits, (logit) => Math.exp(logit - peak));
    const total = weights.reduce((sum, weight) => sum + weight, Math.exp((data.rest ?? -Infinity) - peak));
    return weights.map((weight) => weight / total);
  }

  // One colour a category over the whole page, for the most probable; grey for the rest.
  const colourOf = (k) => {
    if (data.hues[k] !== null) return colour(data.hues[k]);
    return style(state.corners.includes(k) ? "--ink" : "--muted");
  };

  let rounding = new Float64Array(K); // how often each category is the largest, as last counted
  /** What the pictures are painted from. */
  const scene = () => ({
    ...state, K, noise, rows, argmax, rounding, colourOf, names: data.names, probs: probabilities(),
  });

  const canvas = byId("simplex");
  function paint() {
    const now = scene();
    const found = picture.paint(canvas, now);
    if (state.layers.sample) oneSample.paint(byId("sample-bars"), now, shownCategories);
    if (found) {
      picture.paintMeans(byId("gradient-means"), now, found);
      showGradient(found);
    }
    if (state.layers.anneal) paintSchedule();
  }

  // --- the numbers ---------------------------------------------------------------------------

  const slider = byId("temperature");
  const batches = [byId("batch"), byId("gradient-batch")];
  const toTemperature = (place) => LOWEST * (HIGHEST / LOWEST) ** place;
  const toPlace = (temperature) => Math.log(temperature / LOWEST) / Math.log(HIGHEST / LOWEST);
  const shownCategories = data.sliders;
  const original = shownCategories.map((k) => data.logits[k]);
  // Sliders reach a factor of e^3 beyond the original π, and e^5 from its middle at least.
  const middle = (Math.max(...original) + Math.min(...original)) / 2;
  const reach = Math.max(5, Math.max(...original) - middle + 3);
  const weightInputs = new Map();
  const liveCells = new Map();

  function buildWeights() {
    const fieldset = byId("weights");
    for (const k of shownCategories) {
      const control = element("div", { class: "control" });
      const id = `weight-${k}`;
      const ends = { min: middle - reach, max: middle + reach };
      const input = element("input", { id, type: "range", ...ends, step: "any" });
      const output = element("output", { for: id, "aria-live": "off" });
      control.append(element("label", { for: id }, data.names[k]), output, input);
      fieldset.append(control);
      input.addEventListener("input", () => {
        stop();
        state.logits[k] = Math.log(rounded(Math.exp(Number(input.value))));
        update();
      });
      weightInputs.set(k, { input, output });
    }
  }

  function buildLive() {
    const body = byId("live");
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

  const presetBest = (temperature) => `best for m = ${format(data.batch_size)}: ${format(temperature)}`;

  function buildPresets() {
    const presets = [
      ["nearly one-hot, 0.1", 0.1],
      [`1/(K−1) = ${format(data.rule)}`, data.rule],
      ...(data.best ? [[presetBest(data.best[1]), data.best[1], true]] : []),
      ["smooth, 3", 3],
      ["nearly uniform, 30", 30],
    ].filter(([, temperature]) => LOWEST <= temperature && temperature <= HIGHEST);
    const group = byId("presets");
    for (const [label, temperature, ofWeights] of presets) {
      const button = element("button", { type: "button" }, label);
      if (ofWeights) {
        button.id = "preset-best";
        button.setAttribute("aria-describedby", "m");
      }
      button.dataset.temperature = temperature;
      button.addEventListener("click", () => glide(rounded(Number(button.dataset.temperature))));
      group.append(button);
    }
  }

  function buildCorners() {
    for (const select of document.querySelectorAll("[data-corner]")) {
      const corner = Number(select.dataset.corner);
      data.names.forEach((name, k) => {
        if (shownCategories.includes(k)) select.append(element("option", { value: k }, name));
      });
      select.addEventListener("change", () => {
        const wanted = Number(select.value);
        const other = state.corners.indexOf(wanted);
        if (other >= 0) state.corners[other] = state.corners[corner];
        state.corners[corner] = wanted;
        showCorners();
        update();
      });
    }
    showCorners();
  }

  function showCorners() {
    document.querySelectorAll("[data-corner]").forEach((each) => {
      each.value = state.corners[Number(each.dataset.corner)];
    });
    const target = byId("target");
    target.replaceChildren(
      ...state.corners.map((k, i) => element("option", { value: i }, data.names[k])),
    );
    target.value = state.target;
  }

  const MODES = {
    relaxed: "Value and gradient are those of the soft sample. PyTorch: hard=False.",
    "straight-through":
      "The value is one-hot (disc at a corner); the gradient is that of the soft sample (point), whatever " +
      "the value. Lines join some pairs. PyTorch: hard=True.",
    hard: "The value is one-hot, and t has no effect on it. No gradient reaches the logits.",
  };
  document.body.classList.toggle("part", !data.whole);

  function showNumbers() {
    // Marks what is computed for the original π while the sliders are elsewhere.
    document.body.classList.toggle("moved", moved());
    for (const input of document.querySelectorAll("[name='mode']")) {
      input.checked = input.value === state.mode;
    }
    write(byId("mode-note"), MODES[state.mode]);
    for (const name of LAYERS) {
      byId(`layer-${name}`).checked = state.layers[name];
      const panel = byId(`panel-of-${name}`);
      panel.hidden = !state.layers[name] || (state.mode === "hard" && name === "gradient");
    }
    const batchText = state.batchSize.toLocaleString("en");
    for (const batch of batches) {
      batch.value = Math.log10(state.batchSize);
      write(batch, `${batchText} samples`, "aria-valuetext");
      write(byId(`${batch.id}-value`), batchText);
    }
    write(byId("code"), code());
    const found = summary();
    rounding = found.rounding;
    const probs = probabilities();
    const shown = shownCategories.reduce((sum, k) => sum + probs[k], 0);
    const text = `${format(state.temperature)}`;
    write(byId("temperature-value"), text);
    write(slider, `temperature ${text}`, "aria-valuetext");
    slider.value = toPlace(state.temperature);
    for (const [k, { input, output }] of weightInputs) {
      input.value = state.logits[k];
      const weight = format(Math.exp(state.logits[k]));
      write(output, weight);
      write(input, weight, "aria-valuetext");
    }
    const whole = data.rest === null ? 1 : probs.reduce((sum, share) => sum + share, 0);
    for (const [k, { swatch, cells }] of liveCells) {
      write(swatch, `background: ${colourOf(k)}`, "style");
      [probs[k] / whole, rounding[k], found.mean[k]].forEach((value, i) => {
        write(cells[i], value.toFixed(3));
      });
    }
    write(byId("near"), `${(100 * found.near).toFixed(1)} %`);
  }

  let pending = false;
  function update() {
    draw();
    showNumbers();
    showCursors();
    showCost();
    settleLater();
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      paint();
    });
  }

  // --- see why: what the explorer shows besides ----------------------------------------------------

  for (const name of LAYERS) {
    byId(`layer-${name}`).addEventListener("change", (event) => {
      state.layers[name] = event.currentTarget.checked;
      if (name === "anneal" && state.layers.anneal) toStep(state.step);
      else update();
    });
  }

  byId("another").addEventListener("click", () => {
    state.row = (state.row + 1) % rows;
    update();
  });
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    state.row = picture.nearest(canvas, scene(), event.clientX - box.left, event.clientY - box.top);
    state.layers.sample = true;
    update();
  });
  byId("target").addEventListener("change", (event) => {
    state.target = Number(event.currentTarget.value);
    update();
  });

  const percent = (share) => `${share < 10 ? Number((100 * share).toPrecision(2)) : (100 * share).toExponential(1)} %`;

  function showGradient({ length, bias, noise: spread }) {
    if (length < picture.VANISHING) {
      write(byId("gradient-note"), "The true gradient is 0: one category has all of the probability.");
      return;
    }
    const m = Math.min(state.batchSize, rows);
    const text =
      `Relative to the length of the true gradient: bias ${percent(bias)}; noise ${percent(spread)} ` +
      `for one sample, ${percent(spread / Math.sqrt(m))} for the mean of m = ${m.toLocaleString("en")}.`;
    write(byId("gradient-note"), text);
  }

  const scheduleSelect = byId("schedule");
  const ownInputs = ["schedule-start", "schedule-floor", "schedule-rate"].map(byId);
  const schedule = () => data.schedules[state.schedule] ?? schedules.own(...state.own);
  let traced = {}; // of which schedule, m and curve, and its points

  function buildSchedules() {
    for (const [name, { start, floor }] of Object.entries(data.schedules)) {
      scheduleSelect.append(element("option", { value: name }, `${name}: ${format(start)} to ${format(floor)}`));
    }
    scheduleSelect.append(element("option", { value: "own" }, "your own: A to B"));
    scheduleSelect.addEventListener("change", () => {
      state.schedule = scheduleSelect.value;
      toStep(0);
    });
    ownInputs.forEach((input, i) => {
      input.addEventListener("change", () => {
        const typed = state.own.with(i, Number(input.value));
        if (isSchedule(typed)) state.own = typed;
        toStep(0);
      });
    });
    byId("step").addEventListener("input", (event) => {
      stop();
      toStep(Number(event.currentTarget.value));
    });
    byId("run").addEventListener("click", () => {
      const from = state.step < 1 ? state.step : 0;
      const button = byId("run");
      if (button.getAttribute("aria-pressed") === "true") {
        stop();
        return;
      }
      stop();
      press(button, "Stop");
      run((seconds) => {
        setStep(Math.min(1, from + seconds / 10));
        if (state.step === 1) release();
        return state.step === 1;
      });
    });
  }

  const isSchedule = ([start, floor, rate]) =>
    [start, floor, rate].every((number) => number > 0 && number <= 1000) && start > floor;

  /** Go to a share of the run, from 0 to 1, and to the temperature of that step. */
  function setStep(part) {
    state.step = part;
    const temperature = schedules.temperature(schedule(), Math.round(part * schedule().run));
    state.temperature = Math.min(Math.max(temperature, LOWEST), HIGHEST);
  }

  function toStep(part) {
    setStep(part);
    update();
  }

  function paintSchedule() {
    const now = schedule();
    const m = state.batchSize;
    const cost = (temperature) => {
      const { squaredBias, noise: variance } = interpolated(temperature);
      return squaredBias + variance / m;
    };
    const key = `${JSON.stringify(now)}|${m}`;
    if (traced.key !== key || traced.curve !== curve) {
      traced = { key, curve, points: annealing.trace(now, cost, LOWEST) };
    }
    const { points } = traced;
    const constant = ownBest?.advised ? cost(ownBest.advised) : null;
    const step = Math.round(state.step * now.run);
    annealing.paint(byId("schedule-chart"), points, step, constant, schedules.temperature(now, step));
    const at = points[Math.round(state.step * (points.length - 1))];
    const least = constant ? ` The best constant t, ${format(ownBest.advised)}: ${format(constant)} (dashed).` : "";
    const below = schedules.temperature(now, step) < LOWEST ? ` Drawn and computed at ${LOWEST}, the least t here.` : "";
    byId("schedule-note").textContent =
      `Step ${step.toLocaleString("en")}: t = ${format(schedules.temperature(now, step))}. Error at m = ${m.toLocaleString("en")}: ` +
      `${format(at.error)} at this step (thin), ${format(at.mean)} in the mean of all steps so far (thick).${least}${below}`;
    scheduleSelect.value = state.schedule;
    byId("step").value = state.step;
    byId("step").setAttribute("aria-valuetext", `step ${step.toLocaleString("en")}`);
    byId("schedule-own").hidden = state.schedule !== "own";
    ownInputs.forEach((input, i) => {
      if (document.activeElement !== input) input.value = state.own[i];
    });
    const spec = data.schedules[state.schedule] ? state.schedule : now.spec;
    byId("schedule-command").textContent = `gscli schedule ${spec} ${typedWeights()} -m ${m}`;
    const formula = now.formula ?? "max(B, A · exp(−rate · step))";
    write(byId("schedule-source"), `t = ${formula}. ${now.source ? `${now.source}.` : ""}`);
  }

  // --- the code of this choice -------------------------------------------------------------------

  /** The weights as numbers to type. */
  const weights = () => Array.from(state.logits, (logit) => Number(Math.exp(logit).toPrecision(12)));

  const typedWeights = () =>
    moved() && data.whole ? `--pi ${weights().join(",")}` : data.weights;

  const snippets = snippetsOf(data, weights, typedWeights);

  function code() {
    const library = document.querySelector("[name='library']:checked").value;
    return snippets.libraries[library](rounded(state.temperature), state.batchSize, state.mode);
  }

  async function copy(text, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea", {}, text);
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.dataset.label ??= button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = button.dataset.label), 1500);
  }

  byId("copy-code").addEventListener("click", (event) => {
    copy(code(), event.currentTarget);
  });
  for (const input of document.querySelectorAll("[name='library'], [name='mode']")) {
    input.addEventListener("change", () => {
      if (input.name === "mode") state.mode = input.value;
      update();
    });
  }

  // --- the state as a link -----------------------------------------------------------------------

  function asHash() {
    const parts = [];
    if (state.temperature !== begin.temperature) parts.push(`t=${rounded(state.temperature)}`);
    if (state.batchSize !== begin.batchSize) parts.push(`m=${state.batchSize}`);
    if (moved()) parts.push(`pi=${weights().join(",")}`);
    if (state.mode !== begin.mode) parts.push(`samples=${state.mode}`);
    if (state.corners.join() !== begin.corners.join()) parts.push(`corners=${state.corners}`);
    const shown = LAYERS.filter((name) => state.layers[name]);
    if (shown.join() !== "density") parts.push(`show=${shown}`);
    if (state.layers.sample) parts.push(`row=${state.row}`);
    if (state.layers.gradient && state.target !== begin.target) parts.push(`target=${state.target}`);
    if (state.layers.anneal) {
      const spec = state.schedule === "own" ? `own,${state.own}` : state.schedule;
      parts.push(`schedule=${spec}`, `step=${Number(state.step.toPrecision(4))}`);
    }
    return parts.join("&");
  }

  /** Take what a link says, as far as it makes sense. */
  function readHash() {
    const given = new URLSearchParams(location.hash.slice(1));
    if (!location.hash.includes("=")) return; // a section
    const temperature = Number(given.get("t") ?? begin.temperature);
    if (temperature > 0) state.temperature = Math.min(Math.max(temperature, LOWEST), HIGHEST);
    const batchSize = Number(given.get("m") ?? begin.batchSize);
    if (batchSize >= 1) state.batchSize = Math.min(Math.round(batchSize), LARGEST_BATCH);
    const logits = given.get("pi")?.split(",").map(Number).map(Math.log) ?? [];
    const sensible = logits.length === K && logits.every(Number.isFinite);
    state.logits.set(sensible ? logits : begin.logits);
    const mode = given.get("samples") ?? begin.mode;
    state.mode = Object.hasOwn(MODES, mode) ? mode : begin.mode;
    const corners = given.get("corners")?.split(",").map(Number) ?? [];
    const known = new Set(corners.filter((k) => shownCategories.includes(k)));
    if (known.size === begin.corners.length) state.corners = [...known];
    const shown = given.get("show")?.split(",") ?? ["density"];
    for (const name of LAYERS) state.layers[name] = shown.includes(name);
    const row = Number(given.get("row") ?? 0);
    state.row = Number.isInteger(row) && 0 <= row && row < rows ? row : 0;
    const target = Number(given.get("target") ?? begin.target);
    state.target = [0, 1, 2].slice(0, begin.corners.length).includes(target) ? target : begin.target;
    const [spec, ...own] = given.get("schedule")?.split(",") ?? [begin.schedule];
    if (spec === "own" && isSchedule(own.map(Number))) state.own = own.map(Number);
    state.schedule = spec === "own" || Object.hasOwn(data.schedules, spec) ? spec : begin.schedule;
    const step = Number(given.get("step") ?? 0);
    if (state.layers.anneal) setStep(0 <= step && step <= 1 ? step : 0);
    showCorners();
    linkedTo = asHash();
  }

  let linkedTo = ""; // what the link says or, once the sliders rest, should say
  function writeHash() {
    const hash = asHash();
    if (hash !== linkedTo) history.replaceState(null, "", `#${hash}`);
    linkedTo = hash;
  }

  window.addEventListener("hashchange", () => {
    stop();
    readHash();
    update();
  });
  byId("copy-link").addEventListener("click", (event) => {
    linkedTo = ""; // the link may be one to a section
    writeHash();
    copy(location.href, event.currentTarget);
  });

  // --- the gradient's error, at any t, m and π -----------------------------------------------------

  const LARGEST_BATCH = 1e5;
  let known = data.whole ? exact.distribution(state.logits) : null;
  let curve = data.curve; // of the π that it was computed for
  let advised = null; // by batch size, of a moved π; null for the original
  let ownBest = null; // the advice at the slider's m

  /** The error at a temperature, between those of the curve on a straight line of logarithms. */
  function interpolated(temperature) {
    const grid = curve.temperature;
    const after = Math.min(Math.max(grid.findIndex((t) => t >= temperature), 1), grid.length - 1);
    const part =
      Math.log(temperature / grid[after - 1]) / Math.log(grid[after] / grid[after - 1]);
    const between = (values) => {
      const [low, high] = [values[after - 1], values[after]];
      return low > 0 && high > 0 ? low * (high / low) ** part : low + (high - low) * part;
    };
    return {
      squaredBias: between(curve.squared_bias),
      noise: between(curve.noise),
      relativeBias: between(curve.relative_bias),
    };
  }

  /** The least error on the curve among biases up to the limit: quick, to three digits. */
  function bestOnCurve(batchSize) {
    if (curve.relative_bias[0] === null) return null;
    let best = null;
    for (let i = 0; i <= 600; i++) {
      const temperature = LOWEST * (HIGHEST / LOWEST) ** (i / 600);
      const { squaredBias, noise, relativeBias } = interpolated(temperature);
      const error = squaredBias + noise / batchSize;
      if (relativeBias <= data.max_relative_bias && !(best && best.error <= error)) {
        best = { advised: temperature, error };
      }
    }
    return best && { advised: best.advised };
  }

  const errorAt = (temperature, batchSize) => {
    const { squaredBias, noise } = known ? known.at(temperature) : interpolated(temperature);
    return squaredBias + noise / batchSize;
  };

  /** Exact once the sliders rest: a new temperature takes more than half a frame. */
  function showCost(cost = interpolated(state.temperature)) {
    const m = state.batchSize;
    const error = cost.squaredBias + cost.noise / m;
    const bias = Number.isFinite(cost.relativeBias) ? `, relative bias ${(100 * cost.relativeBias).toPrecision(2)} %` : "";
    const least = ownBest?.advised && format(errorAt(ownBest.advised, m));
    const best = least ? ` The best t is ${format(ownBest.advised)}, with ${least}.` : "";
    write(
      byId("cost"),
      `At t = ${format(state.temperature)} with m = ${m.toLocaleString("en")}: error ${format(error)}${bias}.` +
      `${best} No gradient at all: ${format(cost.noGradient ?? curve.no_gradient)}.`,
    );
  }

  for (const batch of batches) {
    batch.addEventListener("input", () => {
      state.batchSize = Math.max(1, rounded(Math.round(10 ** Number(batch.value))));
      ownBest = bestOnCurve(state.batchSize);
      replot("error");
      update();
    });
  }

  let settling = 0;
  let settled = "";
  function settleLater() {
    clearTimeout(settling);
    settling = setTimeout(settle, 150);
  }

  /** Once the sliders rest: the link, and, exactly, what takes more than a frame. */
  async function settle() {
    settling = 0;
    writeHash();
    showCursors(true);
    if (known) showCost(known.at(state.temperature));
    const wanted = `${state.logits}|${state.batchSize}`;
    if (wanted === settled) return;
    const current = () => wanted === `${state.logits}|${state.batchSize}`;
    const sameWeights = settled.startsWith(`${state.logits}|`);
    if (!data.whole) {
      ownBest = bestOnCurve(state.batchSize);
    } else {
      if (!sameWeights) known = exact.distribution(state.logits);
      const distribution = known;
      const found = { ...data.curve, squared_bias: [], noise: [], relative_bias: [] };
      const advice = {};
      if (moved()) {
        for (const temperature of data.curve.temperature) {
          const facts = distribution.at(temperature);
          found.squared_bias.push(facts.squaredBias);
          found.noise.push(facts.noise);
          found.relative_bias.push(Number.isNaN(facts.relativeBias) ? null : facts.relativeBias);
          found.no_gradient = facts.noGradient;
          await pause();
          if (!current()) return;
        }
        for (const m of data.batch_sizes) {
          advice[m] = distribution.advise(m, data.max_relative_bias);
          await pause();
          if (!current()) return;
        }
      }
      const own = distribution.advise(state.batchSize, data.max_relative_bias);
      await pause();
      if (!current()) return;
      curve = moved() ? found : data.curve;
      advised = moved() ? advice : null;
      ownBest = own;
      if (!sameWeights) {
        showAdvice();
        ["change-mean", "change-entropy"].forEach(replot);
      }
    }
    settled = wanted;
    showCost(known?.at(state.temperature));
    replot("error");
  }

  /** Let the browser draw, if enough time has passed since it last could. */
  let rested = 0;
  async function pause() {
    if (performance.now() - rested < 10) return;
    await new Promise((done) => setTimeout(done));
    rested = performance.now();
  }

  const advice = byId("advice-text");
  const originalAdvice = advice.textContent;

  function showAdvice() {
    advice.parentElement.style.minHeight = `${advice.parentElement.offsetHeight}px`; // below, nothing jumps
    advice.textContent = advised ? adviceOf(advised) : originalAdvice;
    const best = (advised?.[data.batch_size] ?? { advised: data.best?.[1] })?.advised;
    const button = byId("preset-best");
    if (button && best) {
      button.textContent = presetBest(best);
      button.dataset.temperature = best;
    }
  }

  function adviceOf(found) {
    if (Object.values(found).some((each) => !each?.advised)) {
      return "One category has nearly all of the probability: no temperature makes its gradient better than another.";
    }
    const parts = data.batch_sizes.map((m) => {
      const samples = `${m.toLocaleString("en")} sample${m > 1 ? "s" : ""}`;
      return `${Number(found[m].advised.toPrecision(2))} with ${samples}`;
    });
    const shrunk = data.batch_sizes.filter((m) => found[m].shrunk);
    const limit = shrunk.length ? ` with a bias up to ${100 * data.max_relative_bias} %` : "";
    const text = `For the lowest gradient error${limit} use t ≈ ${parts.join(", ")} per step.`;
    if (!shrunk.length) return text;
    const sizes = shrunk.map((m) => m.toLocaleString("en")).join(" and ");
    return `${text} For m = ${sizes} the error is less still at a t whose gradient is only shrunk towards 0: not advised.`;
  }

  /** A figure at the present π and m. */
  function live(name, figure) {
    const traces = figure.data;
    const at = (each, value) => each.x.map((temperature) => value(known.at(temperature)));
    if (advised && name === "change-mean") {
      // Of each category a line, the level of p, and the samples' dots.
      data.lines.forEach((k, i) => {
        const [line, level, dots] = traces.slice(3 * i, 3 * i + 3);
        line.y = at(line, (facts) => facts.mean[k]);
        level.y = level.x.map(() => known.at(1).probs[k]);
        dots.visible = false;
      });
    }
    if (advised && name === "change-entropy") {
      traces[0].y = at(traces[0], (facts) => facts.entropy);
      traces[1].visible = false;
    }
    if (name === "error") liveError(figure);
    return figure;
  }

  function liveError({ data: traces, layout }) {
    const grid = curve.temperature;
    const sizes = data.batch_sizes;
    const errors = (m) => curve.squared_bias.map((bias, i) => bias + curve.noise[i] / m);
    if (advised) {
      // A line for each batch size, no gradient, bias², noise; then the marks.
      const values = [...sizes.map(errors), grid.map(() => curve.no_gradient), curve.squared_bias, curve.noise];
      values.forEach((y, i) => (traces[i].y = y));
      const shown = values.slice(0, sizes.length + 1).flat().filter((value) => value > 0);
      const highest = Math.max(...values.flat());
      layout.yaxis.range = [Math.log10(Math.min(...shown) / 3), Math.log10(highest) + 0.2];
      traces.splice(values.length);
      sizes.forEach((m, i) => {
        if (advised[m]?.advised) traces.push(diamond(m, advised[m].advised, traces[i].line.color));
      });
    }
    const m = state.batchSize;
    const name = `m = ${m.toLocaleString("en")}, the slider's`;
    const line = { color: style("--accent"), width: 4 };
    traces.push({ type: "scatter", mode: "lines", name, x: grid, y: errors(m), line, opacity: 0.55 });
    if (ownBest?.advised) traces.push({ ...diamond(m, ownBest.advised, style("--accent")), name });
  }

  function diamond(m, temperature, ink) {
    const edge = { color: style("--paper"), width: 1.5 };
    return {
      type: "scatter",
      mode: "markers",
      x: [temperature],
      y: [errorAt(temperature, m)],
      name: `best for m = ${m.toLocaleString("en")}`,
      marker: { symbol: "diamond", size: 12, color: ink, line: edge },
      showlegend: false,
      hovertemplate: "%{fullData.name}<br>t = %{x:.4g}<extra></extra>",
    };
  }

  // --- one temperature on every figure -------------------------------------------------------------

  const panels = Array.from(document.querySelectorAll("[data-temperature]:not(button)"));
  const linked = Array.from(document.querySelectorAll("[data-linked]"), (figure) => {
    const cursor = element("div", { class: "cursor" });
    figure.parentElement.append(cursor);
    return { figure, cursor, axis: null, seen: false };
  });
  const onScreen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      linked.find(({ figure }) => figure === target).seen = isIntersecting;
    }
    showCursors();
  });
  linked.forEach(({ figure }) => onScreen.observe(figure));

  /** Lay the cursors over the axes, as far as plotly says that they reach. */
  function placeCursors() {
    for (const each of linked) {
      const { figure, cursor } = each;
      each.axis = figure._fullLayout?.xaxis;
      cursor.hidden = !each.axis;
      if (!each.axis) continue;
      const { yaxis } = figure._fullLayout;
      cursor.style.left = `${figure.offsetLeft + each.axis._offset - 1}px`;
      cursor.style.top = `${figure.offsetTop + yaxis._offset}px`;
      cursor.style.height = `${yaxis._length}px`;
    }
    showCursors(true);
  }

  /** Move the cursors to the temperature: those in view, until the sliders rest; reads no layout. */
  function showCursors(all = false) {
    for (const { cursor, axis, seen } of linked) {
      if (!axis || !(seen || all)) continue;
      const x = axis.d2p(state.temperature);
      cursor.hidden = x < 0 || x > axis._length;
      cursor.style.transform = `translateX(${x}px)`;
    }
    const distance = (panel) => Math.abs(Math.log(Number(panel.dataset.temperature) / state.temperature));
    const nearest = panels.reduce((a, b) => (distance(b) < distance(a) ? b : a));
    for (const panel of panels) {
      panel.classList.toggle("current", panel === nearest && panels.length > 1 && distance(panel) < 0.5);
    }
  }

  for (const panel of panels) {
    panel.addEventListener("click", () => glide(Number(panel.dataset.temperature)));
  }
  for (const { figure } of linked) {
    const set = (event) => {
      const { xaxis } = figure._fullLayout;
      const x = event.clientX - figure.getBoundingClientRect().left - xaxis._offset;
      const within = Math.min(Math.max(x, 0), xaxis._length);
      state.temperature = rounded(Math.min(Math.max(xaxis.p2d(within), LOWEST), HIGHEST));
      update();
    };
    figure.addEventListener("pointerdown", (event) => {
      const { xaxis, yaxis } = figure._fullLayout ?? {};
      const box = figure.getBoundingClientRect();
      const x = event.clientX - box.left - (xaxis?._offset ?? 0);
      const y = event.clientY - box.top - (yaxis?._offset ?? 0);
      if (!xaxis || x < 0 || x > xaxis._length || y < 0 || y > yaxis._length) return;
      stop();
      set(event);
      const end = () => {
        window.removeEventListener("pointermove", set);
        ["pointerup", "pointercancel"].forEach((name) => window.removeEventListener(name, end));
      };
      window.addEventListener("pointermove", set);
      ["pointerup", "pointercancel"].forEach((name) => window.addEventListener(name, end));
    }, true);
  }

  // --- motion --------------------------------------------------------------------------------

  const play = byId("play");
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

  let pressed = null; // the button whose motion runs

  function press(button, label) {
    button.dataset.idle = button.textContent;
    button.textContent = label;
    button.setAttribute("aria-pressed", "true");
    pressed = button;
  }

  function release() {
    if (!pressed) return;
    pressed.textContent = pressed.dataset.idle;
    pressed.setAttribute("aria-pressed", "false");
    pressed = null;
  }

  function stop() {
    motion = null;
    release();
  }

  function glide(temperature, logits = state.logits.slice()) {
    stop();
    if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) {
      state.temperature = temperature;
      state.logits.set(logits);
      update();
      return;
    }
    const from = Math.log(state.temperature);
    const to = Math.log(temperature);
    const before = state.logits.slice();
    run((seconds) => {
      const done = Math.min(1, seconds / 0.9);
      const eased = done * done * (3 - 2 * done);
      state.temperature = done === 1 ? temperature : Math.exp(from + (to - from) * eased);
      logits.forEach((logit, k) => {
        state.logits[k] = done === 1 ? logit : before[k] + (logit - before[k]) * eased;
      });
      return done === 1;
    });
  }

  play.addEventListener("click", () => {
    if (play.getAttribute("aria-pressed") === "true") {
      stop();
      return;
    }
    stop();
    press(play, "Pause");
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
    state.temperature = rounded(toTemperature(Number(slider.value)));
    update();
  });

  byId("reset").addEventListener("click", () => {
    const { temperature, logits } = state;
    Object.assign(state, copied(begin), { temperature, logits });
    showCorners();
    glide(begin.temperature, begin.logits);
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
    const { data: traces, layout } = live(place.dataset.figure, themed(place.dataset.figure));
    drawn.add(place);
    const options = { displayModeBar: false, responsive: true, doubleClick: false };
    const done = Plotly.react(place, traces, layout, options);
    return done.then(placeCursors);
  }

  /** Draw a figure anew that is drawn. */
  function replot(name) {
    const place = document.querySelector(`[data-figure='${name}']`);
    if (drawn.has(place)) plot(place);
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

  const whenIdle = window.requestIdleCallback ?? ((work) => setTimeout(work, 100));
  function plotNext() {
    const next = places.find((place) => !drawn.has(place));
    if (next) plot(next).then(() => whenIdle(plotNext));
  }
  // The explorer does not wait for plotly, whose script follows this one.
  document.addEventListener("DOMContentLoaded", () => {
    if (!window.Plotly) {
      document.body.classList.add("no-plotly");
      return;
    }
    places.forEach((place) => watcher.observe(place));
    whenIdle(plotNext);
  });

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  function redraw() {
    ui.restyle();
    drawn.forEach(plot);
    update();
    paint();
  }
  dark.addEventListener("change", redraw);
  window.addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing");
    if (window.Plotly) places.forEach((place) => drawn.add(place));
    redraw();
  });
  window.addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing");
    redraw();
  });
  window.addEventListener("resize", () => {
    paint();
    setTimeout(placeCursors, 200); // once plotly has followed
  });

  // --- a figure to take away -----------------------------------------------------------------

  async function savePicture(place) {
    const paper = style("--paper");
    const layout = { ...place.layout, paper_bgcolor: paper, plot_bgcolor: paper };
    const size = { width: place.clientWidth, height: place.clientHeight, scale: 3 };
    const figure = { data: place.data, layout };
    const link = element("a", { download: `${place.dataset.figure}.png` });
    link.href = await Plotly.toImage(figure, { format: "png", ...size });
    link.click();
  }

  byId("save-picture").addEventListener("click", () => {
    const image = element("canvas", { width: canvas.width, height: canvas.height });
    const pen = image.getContext("2d");
    pen.fillStyle = style("--paper");
    pen.fillRect(0, 0, image.width, image.height);
    pen.drawImage(canvas, 0, 0);
    element("a", { download: "simplex.png", href: image.toDataURL() }).click();
  });

  for (const place of places) {
    const name = place.dataset.figure;
    const { temperature } = place.parentElement.dataset;
    const tools = element("div", { class: "tools" });
    const tool = (label, what, work) => {
      const button = element("button", { type: "button", "aria-label": what }, label);
      button.addEventListener("click", (event) => {
        event.stopPropagation(); // a click on a panel sets its temperature
        work(button);
      });
      tools.append(button);
    };
    const of = place.getAttribute("aria-label");
    tool("PNG", `Save as PNG: ${of}`, () => savePicture(place));
    tool("Command", `Copy the command: ${of}`, (b) => copy(snippets.sources(name, temperature).command, b));
    tool("Python", `Copy the Python lines: ${of}`, (b) => copy(snippets.sources(name, temperature).python, b));
    place.parentElement.append(tools);
  }

  for (const button of document.querySelectorAll("[data-copies]")) {
    const text = () => byId(button.dataset.copies).textContent;
    button.addEventListener("click", () => copy(text(), button));
  }

  // --- the table as a file -------------------------------------------------------------------

  byId("save").addEventListener("click", () => {
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
  buildSchedules();
  readHash();
  update();

  // To look inside from the browser's console.
  window.gscli = {
    state,
    exact,
    noise,
    scene,
    picture,
    schedules,
    presets: data.schedules,
    sources: snippets.sources,
    advised: () => advised,
    settled: () => settling === 0 && settled === `${state.logits}|${state.batchSize}`,
    points: () => Array.from({ length: rows }, (_, row) => picture.shares(scene(), row)),
  };
})();
