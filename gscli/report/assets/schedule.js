/** Temperature schedules, as gscli/distribution/schedules.py computes them. */
const schedules = (() => {
  const FLOOR_TOLERANCE = 1e-6;

  /** The temperature at a step. */
  function temperature({ kind, start, floor, pace, every }, step) {
    const held = Math.floor(step / every) * every;
    if (kind === "cosine") {
      return floor + ((start - floor) * (1 + Math.cos(Math.PI * Math.min(held / pace, 1)))) / 2;
    }
    const falling = start * Math.exp(-(kind === "exp" ? pace : -Math.log(pace)) * held);
    return falling <= floor * (1 + FLOOR_TOLERANCE) ? floor : falling;
  }

  /** A schedule of one's own: exponential, and a quarter longer than its way to the floor. */
  function own(start, floor, pace) {
    const run = Math.ceil(Number(((1.25 * Math.log(start / floor)) / pace).toPrecision(2)));
    const spec = `exp:${start}:${floor}:${pace}`;
    return { kind: "exp", start, floor, pace, every: 1, run: Math.max(run, 1), spec };
  }

  return { temperature, own };
})();
