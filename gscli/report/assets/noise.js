/**
 * The noise of the first rows of a seed, as gscli/distribution/noise.py draws it: log E for a row
 * after the other, where a sample is softmax((logits - log E) / t).
 */
const noiseOf = (() => {
  const CARRY = 2 ** 32;

  /** SFC64, in halves of 32 bits, from the state that NumPy seeds it with: `state` has eight halves. */
  function generated({ state, lanes }, rows, K) {
    let [ah, al, bh, bl, ch, cl, dh, dl] = state;
    const values = new Float64Array(rows * K);
    // A category lies in one stretch of the stream, for as many rows as a block has lanes.
    for (let k = 0; k < K; k++) {
      for (let row = 0; row < lanes; row++) {
        let low = al + bl + dl;
        const high = (ah + bh + dh + Math.floor(low / CARRY)) >>> 0;
        low >>>= 0;
        dl = (dl + 1) >>> 0;
        if (dl === 0) dh = (dh + 1) >>> 0;
        ah = (bh ^ (bh >>> 11)) >>> 0;
        al = (bl ^ ((bl >>> 11) | (bh << 21))) >>> 0;
        const tripled = cl + ((cl << 3) >>> 0);
        bh = (ch + (((ch << 3) | (cl >>> 29)) >>> 0) + (tripled >= CARRY ? 1 : 0)) >>> 0;
        bl = tripled >>> 0;
        const turned = (((cl << 24) | (ch >>> 8)) >>> 0) + low;
        ch = ((((ch << 24) | (cl >>> 8)) >>> 0) + high + (turned >= CARRY ? 1 : 0)) >>> 0;
        cl = turned >>> 0;
        if (row >= rows) continue;
        const uniform = (high * 2 ** 21 + (low >>> 11)) * 2 ** -53;
        values[row * K + k] = Math.log(-Math.log(uniform || 2 ** -54));
      }
    }
    return values;
  }

  /** Of many categories, that of the shown ones: 16 bits a value. */
  function embedded({ values, unit }) {
    const bytes = Uint8Array.from(atob(values), (letter) => letter.charCodeAt(0));
    return Float64Array.from(new Int16Array(bytes.buffer), (value) => value * unit);
  }

  return (noise, rows, K) => (noise.state ? generated(noise, rows, K) : embedded(noise));
})();
