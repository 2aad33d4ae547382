/** One sample, step by step: logits + noise, divided by t, softmaxed. */
const oneSample = (() => {
  const LINE = 22;
  const TOP = 22;
  const LEAST = -6; // e^-6 is a quarter of a percent

  function bar(pen, from, to, y, ink, alpha = 1) {
    pen.globalAlpha = alpha;
    pen.fillStyle = ink;
    pen.fillRect(Math.min(from, to), y, Math.max(Math.abs(to - from), 1), LINE - 9);
    pen.globalAlpha = 1;
  }

  /** Text beside the end of a bar, or, where there is no room, over it. */
  function value(pen, text, x, y, left, right) {
    const wide = pen.measureText(text).width;
    pen.fillStyle = ui.style("--ink");
    pen.fillText(text, Math.min(Math.max(x + 4, left), right - wide), y + LINE - 12);
  }

  /** Paint the bars of some categories of a row. */
  function paint(canvas, scene, categories) {
    const width = canvas.clientWidth;
    const pen = ui.penOf(canvas, width, TOP + LINE * categories.length + 4);
    const { noise, row, K, temperature } = scene;
    const logits = scene.probs.map((share) => Math.log(Math.max(share, 1e-300)));
    const scores = logits.map((logit, k) => logit - noise[row * K + k]);
    const peak = Math.max(...scores);
    const divided = scores.map((score) => (score - peak) / temperature);
    const total = divided.reduce((sum, each) => sum + Math.exp(each), 0);
    pen.font = ui.font(12);
    const names = Math.min(90, 0.18 * width);
    const gap = 14;
    const wide = (width - names - 3 * gap) / 3;
    const column = (i) => names + gap + i * (wide + gap);
    const low = Math.min(0, ...categories.map((k) => Math.min(logits[k], scores[k])));
    const high = Math.max(0, ...categories.map((k) => scores[k]));
    const onFirst = (number) => column(0) + ((number - low) / (high - low)) * (wide - 34);
    pen.fillStyle = ui.style("--muted");
    ["a + G", "(a + G − max) / t", "softmax"].forEach((head, i) => {
      pen.fillText(head, column(i), 12, wide);
    });
    categories.forEach((k, i) => {
      const y = TOP + i * LINE + 2;
      const ink = scene.colourOf(k);
      pen.fillStyle = ui.style("--ink");
      pen.save();
      pen.beginPath();
      pen.rect(0, y, names, LINE);
      pen.clip();
      pen.fillText(scene.names[k], 0, y + LINE - 12);
      pen.restore();
      // From 0 to the logit, pale; from there on the noise.
      bar(pen, onFirst(0), onFirst(logits[k]), y, ui.style("--muted"), 0.35);
      bar(pen, onFirst(logits[k]), onFirst(scores[k]), y + 3, ink);
      value(pen, scores[k].toFixed(1), Math.max(...[0, logits[k], scores[k]].map(onFirst)), y, 0, column(0) + wide);
      const end = column(1) + wide - 34;
      const depth = Math.max(divided[k], LEAST) / LEAST;
      bar(pen, end - depth * (wide - 34), end, y, ink);
      value(pen, divided[k] > -100 ? divided[k].toFixed(1) : "< −100", end, y, 0, column(1) + wide);
      const share = Math.exp(divided[k]) / total;
      const full = column(2) + share * (wide - 38);
      bar(pen, column(2), full, y, ink);
      value(pen, share.toFixed(3), full, y, 0, column(2) + wide);
    });
    pen.fillStyle = ui.style("--muted");
    pen.fillRect(onFirst(0) - 0.5, TOP, 1, LINE * categories.length);
    pen.fillRect(column(1) + wide - 34.5, TOP, 1, LINE * categories.length);
    pen.fillRect(column(2) - 0.5, TOP, 1, LINE * categories.length);
  }

  return { paint };
})();
