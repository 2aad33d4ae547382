/**
 * Exact means, entropy and gradient error for few categories, as gscli/distribution computes them:
 * the rules, steps and ranges are those of quadrature.py, gradients.py and properties.py there.
 */
const exact = (() => {
  const STEP = 0.2;
  const TAIL = 45;
  const DEGREE = 15;
  const POWERS = 2;
  const LOWEST = 1e-3;
  const HIGHEST = 1e3;
  const SCAN_POINTS = 37;

  const range = (count, value) => Array.from({ length: count }, (_, i) => value(i));
  const sum = (values) => values.reduce((total, value) => total + value, 0);

  /** The multiples of a step from just below `first` to just above `last`. */
  function multiples(step, first, last) {
    const begin = Math.floor(first / step);
    return range(Math.ceil(last / step) - begin + 1, (i) => step * (begin + i));
  }

  // --- the kernels of one temperature: log(-log ψ0) and log(ψn / ψ0), cell by cell ---------------

  /** log(-log ψ0(y)), log(ψ1(y) / ψ0(y)) and log(ψ2(y) / ψ0(y)) by quadrature. */
  function kernels(temperature, y) {
    const cold = temperature < 1;
    const psi = new Float64Array(POWERS + 1);
    let complement = 0;
    for (const s of multiples(STEP, -TAIL, Math.log(2 * TAIL))) {
      const weight = STEP * Math.exp(s - Math.exp(s));
      const z = cold ? Math.exp(y - temperature * s) : Math.exp((y - s) / temperature);
      const below = Math.exp(-z);
      complement -= weight * Math.expm1(-z);
      psi[0] += weight * below;
      // Cold: over s = log z, so that the step does not depend on t; hot: over s = log E.
      for (let n = 1; n <= POWERS; n++) {
        psi[n] += cold
          ? temperature * weight * Math.exp((n - 1) * s) * z * below
          : weight * z ** n * below;
      }
    }
    const minusLog = complement < 0.5 ? -Math.log1p(-complement) : -Math.log(psi[0]);
    return [Math.log(minusLog), Math.log(psi[1] / psi[0]), Math.log(psi[2] / psi[0])];
  }

  function makeTable(temperature) {
    const t = temperature;
    const unit = Math.max(1, t);
    const upper = (1 + t) * Math.log(TAIL / (1 + t)) + t * Math.log(t);
    const lower = -TAIL * unit;
    const left = range(10, (i) => lower * 0.72 ** i);
    const edges = [...left, ...range(8, (i) => left[9] + ((upper - left[9]) * (i + 1)) / 8)];
    const angles = range(DEGREE + 1, (i) => (Math.PI * (i + 0.5)) / (DEGREE + 1));
    const cells = edges.slice(1).map((end, cell) => {
      const centre = (end + edges[cell]) / 2;
      const half = (end - edges[cell]) / 2;
      const values = angles.map((angle) => kernels(t, centre + half * Math.cos(angle)));
      const coefficients = range(POWERS + 1, (n) =>
        range(DEGREE + 1, (degree) => {
          const total = sum(angles.map((angle, i) => values[i][n] * Math.cos(degree * angle)));
          return (total * (degree ? 2 : 1)) / (DEGREE + 1);
        }),
      );
      return { end, centre, half, coefficients };
    });
    const slopes = [1, 1, 2].map((slope) => Math.min(1, slope / t));

    /** -log ψ0, ψ1 / ψ0 and ψ2 / ψ0 at y, into a row of three. */
    function evaluate(y, into, first) {
      const clipped = Math.min(Math.max(y, lower), upper);
      let cell = 0;
      while (cell < cells.length - 1 && clipped >= cells[cell].end) cell++;
      const { centre, half, coefficients } = cells[cell];
      const local = (2 * (clipped - centre)) / half;
      for (let n = 0; n <= POWERS; n++) {
        const own = coefficients[n];
        let one = 0;
        let two = 0;
        for (let degree = DEGREE; degree > 0; degree--) {
          const next = own[degree] + local * one - two;
          two = one;
          one = next;
        }
        const value = own[0] + (local / 2) * one - two;
        into[first + n] = Math.exp(value + slopes[n] * Math.min(y - lower, 0));
      }
    }
    return { unit, lower, upper, evaluate };
  }

  const tables = new Map();
  function table(temperature) {
    const kept = tables.get(temperature) ?? makeTable(temperature);
    if (tables.size > 400) tables.clear();
    tables.set(temperature, kept);
    return kept;
  }

  // --- one distribution ------------------------------------------------------------------------

  /** Probabilities, means, entropy and the gradient's bias and noise at one temperature. */
  function facts(logits, temperature) {
    const { unit, lower, upper, evaluate } = table(temperature);
    const K = logits.length;
    const t = temperature;
    const peak = Math.max(...logits);
    const raised = Array.from(logits, (logit) => logit - peak);
    const total = sum(raised.map(Math.exp));
    const probs = raised.map((logit) => Math.exp(logit) / total);
    const shift = -unit * Math.log(sum(raised.map((logit) => Math.exp(logit / unit))));
    const shifted = raised.map((logit) => logit + shift);
    // A rare category's part would be lost in the rounding of a frequent one's.
    const order = range(K, (k) => k).sort((a, b) => shifted[a] - shifted[b]);
    const nodes = multiples(STEP * unit, lower, upper - Math.max(...shifted));

    const mean = new Float64Array(K);
    const products = new Float64Array(K * K); // E[Xi Xj] for i ≠ j
    const kernel = new Float64Array(3 * K);
    let jacobian = 0;
    const single = new Float64Array(3);
    let excess = 0;
    for (const node of nodes) {
      let logSurvival = 0;
      for (let k = 0; k < K; k++) {
        evaluate(shifted[k] + node, kernel, 3 * k);
        logSurvival -= kernel[3 * k];
      }
      const survival = Math.exp(logSurvival);
      const weight = (survival * STEP * unit) / t;
      // t E[log S] less that of one category, whose tails are the same.
      evaluate(node, single, 0);
      excess += (Math.exp(-single[0]) - survival) * STEP * unit;
      if (weight === 0) continue;
      // Sums over categories before this one: of ψ1, of ψ2, and of products of different ones.
      let one = 0;
      let two = 0;
      let oneOne = 0;
      let oneTwo = 0;
      let norm = 0;
      for (const k of order) {
        const first = kernel[3 * k + 1];
        const second = kernel[3 * k + 2];
        mean[k] += weight * first;
        norm += 4 * two * second + 2 * (oneOne * second + oneTwo * first);
        oneOne += one * first;
        oneTwo += one * second + two * first;
        one += first;
        two += second;
        for (let j = 0; j < k; j++) products[j * K + k] += weight * first * kernel[3 * j + 1];
      }
      jacobian += weight * norm;
    }

    // Rows sum to 0, so the diagonal is found from what is off it: no large terms cancel.
    const norms = [0, 0, 0];
    for (let i = 0; i < K; i++) {
      const rests = [0, 0, 0];
      for (let j = 0; j < K; j++) {
        if (i === j) continue;
        const own = products[Math.min(i, j) * K + Math.max(i, j)] / t;
        const target = probs[i] * probs[j];
        [own - target, target, own].forEach((value, n) => {
          norms[n] += value ** 2;
          rests[n] += value;
        });
      }
      rests.forEach((rest, n) => (norms[n] += rest ** 2));
    }
    const [squaredBias, noGradient, squaredMean] = norms;
    const factorial = sum(range(K - 1, (i) => Math.log(i + 1))); // lgamma(K)
    const harmonic = sum(range(K - 1, (i) => 1 / (i + 1)));
    return {
      probs,
      mean: Array.from(mean),
      entropy: -(
        factorial +
        (K - 1) * Math.log(t) +
        (K * excess - sum(shifted)) / t -
        K * harmonic
      ),
      bias: Math.sqrt(squaredBias),
      squaredBias,
      relativeBias: noGradient > 1e-18 ? Math.sqrt(squaredBias / noGradient) : NaN,
      noise: Math.max(0, jacobian / (6 * t ** 2) - squaredMean),
      noGradient,
    };
  }

  // --- the best temperature ----------------------------------------------------------------------

  /** Brent's method within 1e-4 (gradients.py has the same). */
  function minimum(f, low, high, start) {
    const tolerance = 1e-4;
    const golden = (3 - Math.sqrt(5)) / 2;
    let best = [f(start), start];
    let second = best;
    let third = best;
    let step = high - low;
    let previous = step;
    while (
      high - low > 2 * tolerance &&
      Math.abs(best[1] - (low + high) / 2) > 2 * tolerance - (high - low) / 2
    ) {
      const x = best[1];
      const p = (x - second[1]) * (best[0] - third[0]);
      const q = (x - third[1]) * (best[0] - second[0]);
      const above = 2 * (p - q);
      const shift = above ? -((x - second[1]) * p - (x - third[1]) * q) / above : Infinity;
      if (
        Math.abs(shift) < Math.abs(previous) / 2 &&
        low + tolerance < x + shift &&
        x + shift < high - tolerance
      ) {
        previous = step;
        step = shift;
      } else {
        previous = (x > (low + high) / 2 ? low : high) - x;
        step = golden * previous;
      }
      if (Math.abs(step) < tolerance / 2) step = step < 0 ? -tolerance / 2 : tolerance / 2;
      const point = [f(x + step), x + step];
      if (point[0] <= best[0]) {
        if (step > 0) low = x;
        else high = x;
        third = second;
        second = best;
        best = point;
      } else {
        if (step > 0) high = point[1];
        else low = point[1];
        if (point[0] <= second[0] || second[1] === x) {
          third = second;
          second = point;
        } else if (point[0] <= third[0] || third[1] === x || third[1] === second[1]) {
          third = point;
        }
      }
    }
    return best[1];
  }

  /** The last point that is allowed on the way from one that is to one that is not. */
  function last(allowed, inside, outside) {
    while (Math.abs(outside - inside) > 1e-4) {
      const middle = (inside + outside) / 2;
      if (allowed(middle)) inside = middle;
      else outside = middle;
    }
    return inside;
  }

  /** The temperature of least error among relative biases up to a limit; null where none is. */
  function bestTemperature(at, batchSize, limit) {
    if (Number.isNaN(at(1).relativeBias)) return null;
    const inRange = (place) => at(Math.min(Math.max(Math.exp(place), LOWEST), HIGHEST));
    const logError = (place) => {
      const { squaredBias, noise } = inRange(place);
      return Math.log(Math.max(squaredBias + noise / batchSize, 2.2250738585072014e-308));
    };
    const allowed = (place) => inRange(place).relativeBias <= limit;
    const [from, to] = [Math.log(LOWEST), Math.log(HIGHEST)];
    const scan = range(SCAN_POINTS, (i) => from + ((to - from) * i) / (SCAN_POINTS - 1));
    const errors = scan.map(logError);
    const candidates = [];
    errors.forEach((error, i) => {
      if (error > (errors[i - 1] ?? Infinity) || error > (errors[i + 1] ?? Infinity)) return;
      const ends = [scan[Math.max(i - 1, 0)], scan[Math.min(i + 1, SCAN_POINTS - 1)]];
      candidates.push(scan[i], minimum(logError, ends[0], ends[1], scan[i]));
    });
    const within = scan.map(allowed);
    for (let i = 0; i < SCAN_POINTS - 1; i++) {
      if (within[i] && !within[i + 1]) candidates.push(last(allowed, scan[i], scan[i + 1]));
      if (!within[i] && within[i + 1]) candidates.push(last(allowed, scan[i + 1], scan[i]));
    }
    const found = candidates.filter(allowed).map((place) => [logError(place), place]);
    if (!found.length) return null;
    return Math.exp(found.reduce((a, b) => (b[0] < a[0] ? b : a))[1]);
  }

  /** A distribution whose facts are computed once at each temperature. */
  function distribution(logits) {
    const kept = new Map();
    const own = Array.from(logits);
    function at(temperature) {
      if (!kept.has(temperature)) kept.set(temperature, facts(own, temperature));
      return kept.get(temperature);
    }
    /** The least error, and the one that is advised: with a bias up to a limit. */
    function advise(batchSize, limit) {
      const best = bestTemperature(at, batchSize, Infinity);
      if (best === null) return null;
      const shrunk = at(best).relativeBias > limit;
      return { best, shrunk, advised: shrunk ? bestTemperature(at, batchSize, limit) : best };
    }
    return { at, advise };
  }

  return { distribution };
})();
