/** The explorer's picture: points, exact density, one-hot values and gradients on the simplex. */
const picture = (() => {
  const STRAIGHT_LINES = 150;
  const ARROWS = 100;
  const LARGEST_DISC = 24; // pixels, of all samples at one corner
  const DOT = 2.6;
  const VANISHING = 1e-6; // pixels: a gradient of that length is 0
  const LINE_HEIGHT = 230; // of two categories

  /** Where the corners lie, in pixels, for a canvas of some width. */
  function geometry(K, width) {
    if (K === 2) {
      const base = LINE_HEIGHT + 24;
      const right = { x: width - 40, y: base };
      return { width, height: base + 66, corners: [right, { x: 40, y: base }] };
    }
    const side = Math.min(width - 60, 640, Math.max(240, 0.62 * window.innerHeight));
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
  function shares({ corners, logits, noise, temperature, K }, row, into = []) {
    let peak = -Infinity;
    let total = 0;
    for (let i = 0; i < corners.length; i++) {
      into[i] = logits[corners[i]] - noise[row * K + corners[i]];
      if (into[i] > peak) peak = into[i];
    }
    for (let i = 0; i < corners.length; i++) {
      into[i] = Math.exp((into[i] - peak) / temperature);
      total += into[i];
    }
    for (let i = 0; i < corners.length; i++) into[i] /= total;
    return into;
  }

  let xy = new Float64Array(0);
  /** Where the points lie, x and y in turn. */
  function places(scene, corners) {
    if (xy.length !== 2 * scene.rows) xy = new Float64Array(2 * scene.rows);
    const part = [];
    for (let row = 0; row < scene.rows; row++) {
      shares(scene, row, part);
      let x = 0;
      let y = 0;
      for (let i = 0; i < corners.length; i++) {
        x += part[i] * corners[i].x;
        y += part[i] * corners[i].y;
      }
      // Two categories lie on a line: a fixed shift up tells their points apart.
      xy[2 * row] = x;
      xy[2 * row + 1] = scene.K === 2 ? y - 6 - ((row * 0.618034) % 1) * (LINE_HEIGHT - 12) : y;
    }
    return xy;
  }

  // --- the density ---------------------------------------------------------------------------

  const COLUMNS = 160;
  const DECADES = 2; // shades reach from 1/100 of the uniform density to 100 times it
  const DARKEST = 0.62;
  let lattice = null;

  /** The triangle's cells, with the logarithms of their shares: they do not move. */
  function makeLattice() {
    const lines = Math.round((COLUMNS * Math.sqrt(3)) / 2);
    const cells = [];
    const logs = [];
    for (let line = 0; line < lines; line++) {
      for (let column = 0; column < COLUMNS; column++) {
        const top = 1 - (line + 0.5) / lines;
        const right = (column + 0.5) / COLUMNS - top / 2;
        const all = [top, 1 - top - right, right];
        if (Math.min(...all) < -2 / COLUMNS) continue; // a margin, which smoothing mixes in
        cells.push(line * COLUMNS + column);
        logs.push(...all.map((share) => Math.log(Math.max(share, 0.5 / COLUMNS))));
      }
    }
    const canvas = ui.element("canvas", { width: COLUMNS, height: lines });
    const pen = canvas.getContext("2d");
    return { cells, logs: Float64Array.from(logs), canvas, pen, image: pen.createImageData(COLUMNS, lines) };
  }

  /** log(density / that of the uniform distribution) at three logarithms of shares. */
  function relativeLogDensity([a, b, c], t, x, y, z) {
    const mixed = Math.exp(a - t * x) + Math.exp(b - t * y) + Math.exp(c - t * z);
    return 2 * Math.log(t) + a + b + c - (t + 1) * (x + y + z) - 3 * Math.log(mixed);
  }

  function cornerLogits({ corners, logits }) {
    const own = corners.map((k) => logits[k]);
    const peak = Math.max(...own);
    return own.map((logit) => logit - peak);
  }

  function paintDensity(pen, scene, corners) {
    lattice ??= makeLattice();
    const { cells, logs, canvas, image } = lattice;
    const [red, green, blue] = ui.style("--density").split(" ").map(Number);
    const logits = cornerLogits(scene);
    const { data } = image;
    const scale = 1 / (2 * DECADES * Math.LN10);
    for (let i = 0; i < cells.length; i++) {
      const relative = relativeLogDensity(
        logits, scene.temperature, logs[3 * i], logs[3 * i + 1], logs[3 * i + 2],
      );
      const level = Math.min(Math.max(0.5 + relative * scale, 0), 1);
      const first = 4 * cells[i];
      data[first] = red;
      data[first + 1] = green;
      data[first + 2] = blue;
      data[first + 3] = 255 * DARKEST * level;
    }
    lattice.pen.putImageData(image, 0, 0);
    const [top, left, right] = corners;
    pen.save();
    pen.clip(outline(corners));
    pen.drawImage(canvas, left.x, top.y, right.x - left.x, left.y - top.y);
    pen.restore();
  }

  /** The density of two categories as a curve over their line, and the multiple that its top is. */
  function paintCurve(pen, scene, [right, left]) {
    const { temperature: t } = scene;
    const [a, b] = cornerLogits(scene);
    const values = [];
    for (let i = 0; i <= 400; i++) {
      const share = (i + 0.02) / 400.04;
      const [x, y] = [Math.log(share), Math.log1p(-share)];
      const peak = Math.max(a - t * x, b - t * y);
      const mixed = Math.log(Math.exp(a - t * x - peak) + Math.exp(b - t * y - peak)) + peak;
      values.push(Math.exp(Math.log(t) + a + b - (t + 1) * (x + y) - 2 * mixed));
    }
    // Unbounded at the ends for t < 1.
    const top = Math.max(4, t > 1 ? Math.max(...values) : 0);
    const curve = new Path2D();
    values.forEach((value, i) => {
      const x = left.x + ((right.x - left.x) * (i + 0.02)) / 400.04;
      const y = left.y - (LINE_HEIGHT * Math.min(value, top * 1.05)) / top;
      if (i) curve.lineTo(x, y);
      else curve.moveTo(x, y);
    });
    const area = new Path2D(curve);
    area.lineTo(right.x, right.y);
    area.lineTo(left.x, left.y);
    pen.fillStyle = `rgb(${ui.style("--density")} / 25%)`;
    pen.fill(area);
    pen.strokeStyle = ui.style("--ink");
    pen.lineWidth = 2;
    pen.stroke(curve);
    pen.fillStyle = ui.style("--muted");
    pen.font = ui.font(12);
    for (const level of [1, top]) {
      const y = left.y - (LINE_HEIGHT * level) / top;
      pen.fillRect(left.x - 5, y, 5, 1);
      pen.textAlign = "right";
      pen.fillText(ui.format(level), left.x - 8, y + 4);
    }
    pen.textAlign = "left";
    pen.fillText("density", 2, left.y - LINE_HEIGHT - 12);
  }

  function paintTicks(pen, [right, left]) {
    pen.fillStyle = ui.style("--muted");
    pen.font = ui.font(12);
    pen.textAlign = "center";
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      const x = left.x + share * (right.x - left.x);
      pen.fillRect(x - 0.5, left.y, 1, 6);
      pen.fillText(share, x, left.y + 19);
    }
    pen.textAlign = "left";
  }

  // --- points --------------------------------------------------------------------------------

  /** The relaxed samples; of the straight-through ones, some with a line to their value. */
  function paintPoints(pen, scene, corners, at) {
    const alpha = Number(ui.style("--point-alpha"));
    pen.globalAlpha = alpha * (scene.mode !== "relaxed" ? 0.6 : scene.layers.gradient ? 0.45 : 1);
    const rest = ui.style("--muted");
    const own = new Map(scene.corners.map((k) => [k, scene.colourOf(k)]));
    for (let row = 0; row < scene.rows; row++) {
      pen.fillStyle = own.get(scene.argmax[row]) ?? rest;
      pen.beginPath();
      pen.arc(at[2 * row], at[2 * row + 1], DOT, 0, 2 * Math.PI);
      pen.fill();
    }
    if (scene.mode === "straight-through") {
      pen.lineWidth = 0.8;
      for (let row = 0; row < STRAIGHT_LINES; row++) {
        const corner = corners[scene.corners.indexOf(scene.argmax[row])];
        if (!corner) continue;
        pen.strokeStyle = scene.colourOf(scene.argmax[row]);
        pen.beginPath();
        pen.moveTo(at[2 * row], at[2 * row + 1]);
        pen.lineTo(corner.x, corner.y);
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
  }

  /** One-hot values lie on each other: a disc at each corner, its area their number. */
  function paintVertices(pen, scene, corners) {
    scene.corners.forEach((k, i) => {
      pen.fillStyle = scene.colourOf(k);
      pen.beginPath();
      pen.arc(corners[i].x, corners[i].y, LARGEST_DISC * Math.sqrt(scene.rounding[k]), 0, 2 * Math.PI);
      pen.fill();
    });
  }

  // --- gradients -----------------------------------------------------------------------------

  /** The probabilities of the corners among themselves. */
  function cornerProbs(scene) {
    const weights = cornerLogits(scene).map(Math.exp);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  }

  const mixed = (part, corners) => ({
    x: part.reduce((sum, share, i) => sum + share * corners[i].x, 0),
    y: part.reduce((sum, share, i) => sum + share * corners[i].y, 0),
  });

  /**
   * The gradients, with respect to the logits, of the target corner's component: of each sample,
   * x_k (e_k - x) / t, on the picture an arrow from the point towards the corner; and the true one
   * of its probability, p_k (e_k - p).
   */
  function gradients(scene, corners) {
    const k = scene.target;
    const arrow = (part, from, t) => ({
      x: (part[k] * (corners[k].x - from.x)) / t,
      y: (part[k] * (corners[k].y - from.y)) / t,
    });
    const probs = cornerProbs(scene);
    const origin = mixed(probs, corners);
    const tips = new Float64Array(2 * scene.rows);
    const mean = { x: 0, y: 0 };
    const part = [];
    for (let row = 0; row < scene.rows; row++) {
      shares(scene, row, part);
      const { x, y } = arrow(part, mixed(part, corners), scene.temperature);
      tips[2 * row] = x;
      tips[2 * row + 1] = y;
      mean.x += x / scene.rows;
      mean.y += y / scene.rows;
    }
    let square = 0;
    for (let row = 0; row < scene.rows; row++) {
      square += ((tips[2 * row] - mean.x) ** 2 + (tips[2 * row + 1] - mean.y) ** 2) / scene.rows;
    }
    const truth = arrow(probs, origin, 1);
    const length = Math.hypot(truth.x, truth.y);
    const bias = Math.hypot(mean.x - truth.x, mean.y - truth.y) / length;
    return { tips, mean, truth, origin, length, bias, noise: Math.sqrt(square) / length };
  }

  function addArrow(path, x, y, dx, dy, head) {
    const length = Math.hypot(dx, dy);
    if (length < 1) return;
    const size = Math.min(head, length) / length;
    path.moveTo(x, y);
    path.lineTo(x + dx, y + dy);
    for (const turn of [-0.5, 0.5]) {
      path.moveTo(x + dx - size * (dx - turn * dy), y + dy - size * (dy + turn * dx));
      path.lineTo(x + dx, y + dy);
    }
  }

  function strokeArrow(pen, { x, y }, to, ink, width) {
    const path = new Path2D();
    addArrow(path, x, y, to.x, to.y, 12);
    pen.lineCap = "round";
    for (const [colour, wide] of [[ui.style("--paper"), width + 4], [ink, width]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = wide;
      pen.stroke(path);
    }
    pen.lineCap = "butt";
  }

  function paintArrows(pen, scene, at, found) {
    const path = new Path2D();
    for (let row = 0; row < Math.min(ARROWS, scene.rows); row++) {
      addArrow(path, at[2 * row], at[2 * row + 1], found.tips[2 * row], found.tips[2 * row + 1], 5);
    }
    pen.strokeStyle = ui.style("--ink");
    pen.lineWidth = 1;
    pen.globalAlpha = 0.8;
    pen.stroke(path);
    pen.globalAlpha = 1;
    strokeArrow(pen, found.origin, found.truth, ui.style("--ink"), 4);
    strokeArrow(pen, found.origin, found.mean, ui.style("--accent"), 3);
  }

  /** Means over m gradients, from one origin: their spread is noise, their distance from the true one bias. */
  function paintMeans(canvas, scene, found) {
    const width = canvas.clientWidth;
    const height = 190;
    const pen = ui.penOf(canvas, width, height);
    if (found.length < VANISHING) return;
    const scale = (0.5 * Math.min(height, width)) / found.length;
    // The middle of the true gradient in the middle: what differs from its tip is bias or noise.
    const place = (x, y) => [
      width / 2 + scale * (x - found.truth.x / 2), height / 2 + scale * (y - found.truth.y / 2),
    ];
    const m = Math.min(scene.batchSize, scene.rows);
    pen.fillStyle = ui.style("--muted");
    pen.globalAlpha = 0.55;
    for (let first = 0; first + m <= scene.rows; first += m) {
      let x = 0;
      let y = 0;
      for (let row = first; row < first + m; row++) {
        x += found.tips[2 * row] / m;
        y += found.tips[2 * row + 1] / m;
      }
      const [left, up] = place(x, y);
      const jitter = scene.K === 2 ? (((first / m) * 0.618034) % 1 - 0.5) * height * 0.5 : 0;
      pen.beginPath();
      pen.arc(left, up + jitter, 2.2, 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1;
    const [zeroX, zeroY] = place(0, 0);
    const zero = { x: zeroX, y: zeroY };
    const scaled = ({ x, y }) => ({ x: scale * x, y: scale * y });
    strokeArrow(pen, zero, scaled(found.truth), ui.style("--ink"), 3.5);
    strokeArrow(pen, zero, scaled(found.mean), ui.style("--accent"), 2.5);
    pen.fillStyle = ui.style("--ink");
    pen.font = ui.font(12);
    pen.fillText("0", zero.x - 16, zero.y + 4);
  }

  // --- the whole picture -----------------------------------------------------------------------

  function outline(corners) {
    const path = new Path2D();
    corners.forEach(({ x, y }, i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
    return path;
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

  function paintLabels(pen, scene, corners, width) {
    pen.font = ui.font(15, 600);
    scene.corners.forEach((k, i) => {
      // The two lower corners have half the width each.
      const room = (scene.K > 2 && i === 0 ? width : width / 2) - 8;
      const ending = `  p = ${ui.format(scene.probs[k])}`;
      const [label, wide] = cornerLabel(pen, scene.names[k], ending, room);
      const x = Math.min(Math.max(corners[i].x - wide / 2, 2), width - wide - 2);
      const y = scene.K === 2 ? corners[i].y + 42 : i === 0 ? corners[i].y - 16 : corners[i].y + 28;
      // The dot has the category's colour, which is too light for text on paper.
      pen.fillStyle = scene.colourOf(k);
      pen.fillText("●", x, y);
      pen.fillStyle = ui.style("--ink");
      pen.strokeStyle = ui.style("--paper");
      pen.lineWidth = 4;
      pen.strokeText(label, x + pen.measureText("● ").width, y);
      pen.fillText(label, x + pen.measureText("● ").width, y);
    });
  }

  function paintRing(pen, x, y) {
    for (const [ink, width] of [[ui.style("--paper"), 5], [ui.style("--ink"), 2.2]]) {
      pen.strokeStyle = ink;
      pen.lineWidth = width;
      pen.beginPath();
      pen.arc(x, y, 7, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  /** Paint the scene; returns the gradients, if they are shown. */
  function paint(canvas, scene) {
    const { width, height, corners } = geometry(scene.K, canvas.clientWidth);
    const pen = ui.penOf(canvas, width, height);
    const soft = scene.mode !== "hard";
    if (scene.layers.density && soft && scene.K > 2) paintDensity(pen, scene, corners);
    pen.strokeStyle = ui.style("--muted");
    pen.lineWidth = 1.2;
    pen.stroke(outline(corners));
    const at = places(scene, corners);
    let found = null;
    if (soft) paintPoints(pen, scene, corners, at);
    if (scene.layers.density && soft && scene.K === 2) paintCurve(pen, scene, corners);
    if (scene.K === 2) paintTicks(pen, corners);
    if (scene.layers.gradient && soft) {
      found = gradients(scene, corners);
      paintArrows(pen, scene, at, found);
    }
    if (scene.mode !== "relaxed") paintVertices(pen, scene, corners);
    if (scene.layers.sample) {
      const corner = soft ? null : corners[scene.corners.indexOf(scene.argmax[scene.row])];
      if (soft) paintRing(pen, at[2 * scene.row], at[2 * scene.row + 1]);
      else if (corner) paintRing(pen, corner.x, corner.y);
    }
    paintLabels(pen, scene, corners, width);
    return found;
  }

  /** The row whose point is nearest to a place on the canvas. */
  function nearest(canvas, scene, x, y) {
    const at = places(scene, geometry(scene.K, canvas.clientWidth).corners);
    let best = 0;
    const distance = (row) => (at[2 * row] - x) ** 2 + (at[2 * row + 1] - y) ** 2;
    for (let row = 1; row < scene.rows; row++) if (distance(row) < distance(best)) best = row;
    return best;
  }

  return { VANISHING, paint, paintMeans, nearest, shares, gradients, relativeLogDensity, cornerLogits };
})();
