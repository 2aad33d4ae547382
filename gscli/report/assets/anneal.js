/** A temperature schedule over its steps, and the gradient's error that it adds up. */
const annealing = (() => {
  const POINTS = 240;
  const HEIGHT = 116; // of each of the two charts
  const LEFT = 46;
  const MOST_TICKS = 6;
  const LEAST_ERROR = 1e-15; // of the chart, whose axis is logarithmic

  /** Temperature, error, and the mean of the errors so far, at evenly spaced steps. */
  function trace(schedule, errorAt, lowest) {
    const points = [];
    let sum = 0;
    for (let i = 0; i <= POINTS; i++) {
      const step = (schedule.run * i) / POINTS;
      const temperature = schedules.temperature(schedule, step);
      const error = Math.max(errorAt(Math.max(temperature, lowest)), LEAST_ERROR);
      sum += error;
      points.push({ step, temperature, error, mean: sum / (i + 1) });
    }
    return points;
  }

  function chart(pen, top, width, title, range, marks) {
    const [low, high] = range.map(Math.log10);
    const y = (value) => top + 18 + (HEIGHT - 36) * (1 - (Math.log10(value) - low) / (high - low));
    pen.font = ui.font(12);
    pen.fillStyle = ui.style("--ink");
    pen.textAlign = "left";
    pen.fillText(title, 0, top + 11);
    pen.textAlign = "right";
    for (const mark of marks) {
      pen.fillStyle = ui.style("--grid");
      pen.fillRect(LEFT, y(mark) - 0.5, width - LEFT, 1);
      pen.fillStyle = ui.style("--muted");
      pen.fillText(mark < 1e-3 ? mark.toExponential(0) : ui.format(mark), LEFT - 5, y(mark) + 4);
    }
    pen.textAlign = "left";
    return y;
  }

  function line(pen, points, x, y, ink, width, dash = []) {
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.beginPath();
    points.forEach(([step, value], i) => (i ? pen.lineTo(x(step), y(value)) : pen.moveTo(x(step), y(value))));
    pen.stroke();
    pen.setLineDash([]);
  }

  /** The round numbers between two that a chart has room to name. */
  function ticks(low, high) {
    const found = [];
    const digits = high / low < 100 ? [1, 2, 5] : [1];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
      found.push(...digits.map((digit) => Number(`${digit}e${power}`)));
    }
    const within = found.filter((value) => low <= value && value <= high);
    return within.filter((_, i) => i % Math.ceil(within.length / MOST_TICKS) === 0);
  }

  /** Paint both charts up to a step. */
  function paint(canvas, points, step, constant, mark) {
    const width = canvas.clientWidth;
    const pen = ui.penOf(canvas, width, 2 * HEIGHT + 20);
    const run = points.at(-1).step;
    const x = (at) => LEFT + ((width - LEFT - 4) * at) / run;
    const temperatures = points.map((each) => each.temperature);
    const range = [Math.min(...temperatures, mark) * 0.8, Math.max(...temperatures, mark) * 1.25];
    const upper = chart(pen, 0, width, "temperature", range, ticks(...range));
    line(pen, points.map((each) => [each.step, each.temperature]), x, upper, ui.style("--ink"), 2);
    const values = points.flatMap((each) => [each.error, each.mean]);
    if (constant) values.push(constant);
    const errors = [Math.min(...values) / 1.5, Math.max(...values) * 1.5];
    const lower = chart(pen, HEIGHT + 4, width, "error", errors, ticks(...errors));
    line(pen, points.map((each) => [each.step, each.error]), x, lower, ui.style("--ink"), 1.2);
    if (constant) line(pen, [[0, constant], [run, constant]], x, lower, ui.style("--muted"), 1.5, [6, 4]);
    const done = points.filter((each) => each.step <= step);
    line(pen, done.map((each) => [each.step, each.mean]), x, lower, ui.style("--accent"), 3);
    pen.fillStyle = ui.style("--accent");
    pen.fillRect(x(step) - 1, 16, 2, 2 * HEIGHT - 30);
    pen.beginPath();
    pen.arc(x(step), upper(mark), 4.5, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = ui.style("--muted");
    pen.fillText("step 0", LEFT, 2 * HEIGHT + 6);
    pen.textAlign = "right";
    pen.fillText(run.toLocaleString("en"), width - 4, 2 * HEIGHT + 6);
    pen.textAlign = "left";
  }

  return { trace, paint };
})();
