"use strict";

/** What the parts of the page share: colours, numbers, elements, canvases. */
const ui = (() => {
  const kept = new Map();

  /** A CSS variable, read once: reading it anew would cost a layout in each frame. */
  function style(name) {
    if (!kept.has(name)) {
      kept.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
    }
    return kept.get(name);
  }

  function element(tag, attributes = {}, text = "") {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  }

  /** Set a text, or an attribute, that has changed: each write costs a layout. */
  function write(node, text, name) {
    if (name === undefined && node.textContent !== text) node.textContent = text;
    if (name !== undefined && node.getAttribute(name) !== text) node.setAttribute(name, text);
  }

  /** A cleared pen in CSS pixels; the canvas is made anew only if its size has changed. */
  function penOf(canvas, width, height) {
    const ratio = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) {
      canvas.style.height = `${height}px`;
      canvas.width = wide;
      canvas.height = high;
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return pen;
  }

  return {
    style,
    element,
    write,
    penOf,
    restyle: () => kept.clear(),
    colour: (c) => style(`--category-${c}`),
    font: (size, weight = 400) => `${weight} ${size}px Inter, Helvetica, Arial, sans-serif`,
    format: (number) => Number(number.toPrecision(3)).toString(),
    // Three digits: what is shown, computed, linked and copied is one number.
    rounded: (number) => Number(number.toPrecision(3)),
  };
})();
