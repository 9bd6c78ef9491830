// Draws the plots of a report from the JSON beside it. No library, no network; text of others goes in as text alone.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const PLACE = { left: 58, right: 12, top: 20, bottom: 24 };
  const HEIGHT = { lines: 210, band: 300, heat: 260, small: 110 };
  const data = JSON.parse(document.getElementById("data").textContent);
  const plots = [];

  const element = (name, attributes, parent) => {
    const made = document.createElementNS(SVG, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (parent) parent.appendChild(made);
    return made;
  };
  const text = (parent, content, attributes) => {
    const made = element("text", attributes, parent);
    made.textContent = content;
    return made;
  };

  // Times are microseconds since the first step, each but the first as its distance from the one before.
  const sums = (distances) => {
    let time = 0;
    return distances.map((distance) => (time += distance));
  };
  const seconds = (micros) => micros / 1e6;
  const trimmed = (number, digits) => number.toFixed(digits).replace(/\.?0+$/, "");
  const scaled = (value, base, names) => {
    let place = 0;
    while (Math.abs(value) >= base && place < names.length - 1) {
      value /= base;
      place += 1;
    }
    return trimmed(value, place ? 2 : 1) + names[place];
  };
  const UNITS = {
    "basis-points": (value) => trimmed(value, 1) + " bp",
    bytes: (value) => scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]),
    count: (value) => value.toLocaleString("en").replaceAll(",", "\u2009"),
    instructions: (value) => scaled(value, 1000, ["", " k", " M", " G"]),
    nanoseconds: (value) => scaled(value, 1000, [" ns", " µs", " ms", " s"]),
  };

  // The last value at or before a time.
  const at = (times, time) => {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };

  const niceStep = (least) => {
    const power = Math.pow(10, Math.floor(Math.log10(least)));
    return [1, 2, 5, 10].map((times) => times * power).find((step) => step >= least * 0.999) || power * 10;
  };

  class Plot {
    constructor(run, plot) {
      this.run = run;
      this.plot = plot;
      this.figure = document.getElementById(plot.id);
      this.box = this.figure.querySelector(".plot");
      this.legend = this.figure.querySelector(".legend");
      this.small = this.figure.classList.contains("small");
      this.prepare();
      this.makeLegend();
      this.draw();
      this.listen();
    }

    prepare() {
      for (const series of this.plot.series || []) series.times = sums(series.t);
      if (this.plot.kind === "band") this.plot.times = sums(this.plot.t);
      for (const seed of this.plot.seeds || []) seed.times = sums(seed.t);
    }

    // Names with their colour, and the value under the cursor.
    entry(name, key, line) {
      const item = document.createElement("span");
      item.className = "entry";
      const mark = document.createElement("i");
      mark.className = "key " + key + (line ? " " + line : "");
      const label = document.createElement("span");
      label.textContent = name;
      const value = document.createElement("b");
      item.append(mark, label, value);
      this.legend.appendChild(item);
      return value;
    }

    makeLegend() {
      const { kind, series = [], levels = [], seeds = [] } = this.plot;
      this.values = [];
      if (kind === "heat") {
        this.values.push(this.entry(this.plot.counts + " in the cell", "ramp"));
        return;
      }
      if (kind === "band") {
        this.values.push(this.entry("lowest to highest", "wide"));
        this.values.push(this.entry("middle half", "narrow"));
        this.values.push(this.entry("median of the seeds", "c0", "mean"));
        if (seeds.length) this.entry("seeds that fail", "bad");
      }
      const alone = series.length === 1 && this.small;
      series.forEach((one, nth) =>
        this.values.push(this.entry(alone ? "" : one.name, "c" + (nth % 8), one.shape)));
      levels.forEach((level) => this.entry(level.name, "level"));
    }

    x(time) {
      const [from, to] = this.run.span;
      return PLACE.left + ((time - from) / Math.max(to - from, 1)) * this.inner;
    }

    y(value) {
      const top = this.plot.ticks[this.plot.ticks.length - 1][0] || 1;
      return this.height - PLACE.bottom - (value / top) * (this.height - PLACE.top - PLACE.bottom);
    }

    draw() {
      const width = Math.floor(this.box.clientWidth);
      if (width < 40 || width === this.width) return;
      this.width = width;
      this.height = HEIGHT[this.small ? "small" : this.plot.kind];
      this.inner = width - PLACE.left - PLACE.right;
      this.box.replaceChildren();
      this.svg = element("svg", {
        viewBox: `0 0 ${width} ${this.height}`, width, height: this.height, role: "img", tabindex: 0,
      }, null);
      this.svg.setAttribute("aria-label", this.figure.querySelector("figcaption").textContent);
      if (this.plot.kind === "heat") this.drawHeat();
      else this.drawAxis();
      this.drawTime();
      if (this.plot.kind === "lines") this.drawLines();
      if (this.plot.kind === "band") this.drawBand();
      this.drawSteps();
      this.cursor = element("line", {
        class: "cursor", y1: PLACE.top, y2: this.height - PLACE.bottom, visibility: "hidden",
      }, this.svg);
      this.box.appendChild(this.svg);
    }

    drawAxis() {
      const shown = this.small ? this.plot.ticks.slice(-1) : this.plot.ticks;
      for (const [value, label] of [[0, "0"], ...shown]) {
        const y = this.y(value);
        element("line", { class: "grid", x1: PLACE.left, x2: this.width - PLACE.right, y1: y, y2: y }, this.svg);
        text(this.svg, label, { class: "tick", x: PLACE.left - 6, y: y + 4, "text-anchor": "end" });
      }
    }

    drawTime() {
      const [from, to] = this.run.span;
      const step = niceStep(Math.max(((to - from) / this.inner) * 70, 1000));
      const base = this.height - PLACE.bottom;
      for (let time = Math.ceil(from / step) * step; time <= to; time += step) {
        const x = this.x(time);
        element("line", { class: "grid", x1: x, x2: x, y1: base, y2: base + 4 }, this.svg);
        const label = trimmed(seconds(time), 3) + " s";
        text(this.svg, label, { class: "tick", x, y: base + 17, "text-anchor": "middle" });
      }
    }

    drawSteps() {
      let free = -1;
      for (const step of this.run.steps) {
        const x = this.x(step.begin);
        element("line", { class: "step", x1: x, x2: x, y1: PLACE.top - 5, y2: this.height - PLACE.bottom }, this.svg);
        const room = step.name.length * 6.2 + 6;
        const left = Math.min(x + 3, this.width - PLACE.right - room);
        if (left < free || this.small) continue;
        text(this.svg, step.name, { class: "step", x: left, y: PLACE.top - 7 });
        free = left + room;
      }
    }

    path(times, values, steps) {
      let d = "";
      times.forEach((time, nth) => {
        const x = this.x(time).toFixed(1);
        const y = this.y(values[nth]).toFixed(1);
        d += nth === 0 ? `M${x} ${y}` : steps ? `H${x}V${y}` : `L${x} ${y}`;
      });
      return d;
    }

    drawLines() {
      const { series, levels } = this.plot;
      for (const level of levels) {
        const y = this.y(level.value);
        if (level.near) {
          const [upper, lower] = [this.y(level.value + level.near), this.y(Math.max(level.value - level.near, 0))];
          const top = Math.max(upper, PLACE.top);
          element("rect", { class: "near", x: PLACE.left, width: this.inner, y: top, height: Math.max(lower - top, 0) }, this.svg);
        }
        element("line", { class: "level", x1: PLACE.left, x2: this.width - PLACE.right, y1: y, y2: y }, this.svg);
      }
      series.forEach((one, nth) => {
        const d = this.path(one.times, one.v, one.shape === "steps" || one.shape === "area");
        if (one.shape === "area" && d) {
          const base = this.y(0);
          element("path", { class: `filled c${nth % 8}`, d: `${d}V${base}H${this.x(one.times[0])}Z` }, this.svg);
        }
        element("path", { class: `line c${nth % 8} ${one.shape}`, d }, this.svg);
        if (one.times.length === 1) {
          element("circle", { class: `dot c${nth % 8}`, cx: this.x(one.times[0]), cy: this.y(one.v[0]), r: 3 }, this.svg);
        }
      });
    }

    drawBand() {
      const { times, levels, seeds } = this.plot;
      const area = (low, high, name) => {
        const forth = this.path(times, high, false);
        const back = this.path([...times].reverse(), [...low].reverse(), false).replace("M", "L");
        element("path", { class: name, d: forth + back + "Z" }, this.svg);
      };
      area(this.plot.low, this.plot.high, "wide");
      area(this.plot.quarter, this.plot.three, "narrow");
      for (const level of levels) {
        const y = this.y(level.value);
        element("line", { class: "level", x1: PLACE.left, x2: this.width - PLACE.right, y1: y, y2: y }, this.svg);
      }
      element("path", { class: "line c0 mean", d: this.path(times, this.plot.median, false) }, this.svg);
      for (const seed of seeds) element("path", { class: "line bad", d: this.path(seed.times, seed.v, false) }, this.svg);
    }

    // Two characters a cell, base 64; ".." where nothing was seen.
    cell(column, row) {
      const place = (column * this.plot.rows + row) * 2;
      const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
      const first = digits.indexOf(this.plot.cells[place]);
      if (first < 0) return null;
      return (first * 64 + digits.indexOf(this.plot.cells[place + 1])) * this.plot.scale;
    }

    picture(ramp) {
      const { columns, rows, most } = this.plot;
      const canvas = document.createElement("canvas");
      canvas.width = columns;
      canvas.height = rows;
      const context = canvas.getContext("2d");
      const image = context.createImageData(columns, rows);
      for (let column = 0; column < columns; column += 1) {
        for (let row = 0; row < rows; row += 1) {
          const count = this.cell(column, row);
          if (count === null) continue;
          const share = most ? Math.pow(count / most, 0.6) * (ramp.length - 1) : 0;
          const low = ramp[Math.floor(share)];
          const high = ramp[Math.ceil(share)];
          const part = share - Math.floor(share);
          const pixel = ((rows - 1 - row) * columns + column) * 4;
          for (let nth = 0; nth < 3; nth += 1) image.data[pixel + nth] = low[nth] + (high[nth] - low[nth]) * part;
          image.data[pixel + 3] = 255;
        }
      }
      context.putImageData(image, 0, 0);
      return canvas.toDataURL();
    }

    drawHeat() {
      const light = [[238, 241, 246], [158, 202, 225], [66, 146, 198], [8, 69, 148], [8, 24, 64]];
      const dark = [[30, 34, 42], [70, 32, 102], [170, 50, 90], [244, 125, 40], [252, 255, 190]];
      const [begin, end] = this.plot.time;
      const [left, right] = [this.x(begin), this.x(end)];
      const [top, bottom] = [PLACE.top, this.height - PLACE.bottom];
      for (const [name, ramp] of [["light", light], ["dark", dark]]) {
        element("image", {
          class: `heat only-${name}`, href: this.picture(ramp), x: left, y: top,
          width: Math.max(right - left, 1), height: bottom - top, preserveAspectRatio: "none",
        }, this.svg);
      }
      const y = (row) => bottom - (row / this.plot.rows) * (bottom - top);
      let free = bottom + 20;
      let shown = null;
      this.plot.stretches.forEach((stretch, nth) => {
        const [low, high] = [y(stretch.rows[0]), y(stretch.rows[1])];
        const before = this.plot.stretches[nth - 1];
        if (before) {
          const apart = before.end !== stretch.start || before.name !== stretch.name;
          element("line", { class: apart ? "border" : "scale", x1: left, x2: right, y1: low, y2: low }, this.svg);
        }
        const middle = (low + high) / 2 + 4;
        if (free - middle < 13 || (stretch.cold && low - high < 24)) return;
        const label = stretch.name && stretch.name !== shown ? stretch.name : stretch.short;
        shown = stretch.name;
        text(this.svg, label, { class: "tick", x: PLACE.left - 6, y: middle, "text-anchor": "end" });
        free = middle;
      });
    }

    // What the plot has at a time, and for a heat map at a height.
    point(time, height) {
      if (!this.svg) return;
      const none = time === null;
      const x = none ? 0 : this.x(time);
      this.cursor.setAttribute("x1", x);
      this.cursor.setAttribute("x2", x);
      this.cursor.setAttribute("visibility", none ? "hidden" : "visible");
      const unit = UNITS[this.plot.unit] || String;
      const show = (nth, value) => (this.values[nth].textContent = none || value === null ? "" : value);
      const { kind, series = [] } = this.plot;
      if (kind === "heat") return show(0, none || height === null ? null : this.under(time, height));
      let first = 0;
      if (kind === "band") {
        const place = none ? -1 : at(this.plot.times, time);
        const of = (name) => unit(this.plot[name][place]);
        show(0, place < 0 ? null : of("low") + " – " + of("high"));
        show(1, place < 0 ? null : of("quarter") + " – " + of("three"));
        show(2, place < 0 ? null : of("median"));
        first = 3;
      }
      series.forEach((one, nth) => {
        const place = none ? -1 : at(one.times, time);
        show(first + nth, place < 0 ? null : unit(one.v[place]));
      });
    }

    under(time, height) {
      const { time: [begin, end], columns, rows, stretches } = this.plot;
      const [top, bottom] = [PLACE.top, this.height - PLACE.bottom];
      const row = Math.floor(((bottom - height) / (bottom - top)) * rows);
      const column = Math.floor(((time - begin) / Math.max(end - begin, 1)) * columns);
      if (row < 0 || row >= rows || column < 0 || column >= columns) return null;
      const count = this.cell(column, row);
      const stretch = stretches.find((one) => row >= one.rows[0] && row < one.rows[1]);
      const where = stretch ? (stretch.name ? stretch.name + ", " : "") + this.address(stretch, row) : "";
      return (count === null ? "none" : String(Math.round(count))) + " at " + where;
    }

    address(stretch, row) {
      const [start, end] = [BigInt(stretch.start), BigInt(stretch.end)];
      const [first, last] = stretch.rows.map(BigInt);
      return "0x" + (start + ((end - start) * (BigInt(row) - first)) / (last - first)).toString(16);
    }

    listen() {
      const move = (event) => {
        if (!this.svg) return;
        const box = this.svg.getBoundingClientRect();
        const [from, to] = this.run.span;
        const share = (event.clientX - box.left - PLACE.left) / this.inner;
        if (share < 0 || share > 1) return show(this.run, null);
        show(this.run, from + share * (to - from), this, event.clientY - box.top);
      };
      this.box.addEventListener("pointermove", move);
      this.box.addEventListener("pointerdown", move);
      this.box.addEventListener("pointerleave", (event) => {
        if (event.pointerType === "mouse") show(this.run, null);
      });
      this.box.addEventListener("keydown", (event) => {
        const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (event.key === "Escape") return show(this.run, null);
        if (!way) return;
        event.preventDefault();
        const [from, to] = this.run.span;
        const time = this.run.cursor === null ? from : this.run.cursor + (way * (to - from)) / 200;
        show(this.run, Math.min(Math.max(time, from), to), this, (PLACE.top + this.height - PLACE.bottom) / 2);
      });
    }
  }

  // One cursor over all plots of a run.
  const clock = document.getElementById("clock");
  const show = (run, time, over, height) => {
    run.cursor = time;
    for (const plot of run.drawn) plot.point(time, plot === over ? height : null);
    clock.hidden = time === null;
    if (time === null) return;
    const step = run.steps.filter((one) => one.begin <= time).pop();
    clock.textContent = trimmed(seconds(time), 3) + " s" + (step ? " · " + step.name : "");
  };

  const redraw = () => plots.forEach((plot) => plot.draw());
  for (const run of data.runs) {
    run.cursor = null;
    run.drawn = run.plots.map((plot) => new Plot(run, plot));
    plots.push(...run.drawn);
  }
  let waiting = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(redraw);
  }).observe(document.body);
  document.addEventListener("toggle", redraw, true);
  // A link into a folded part unfolds it.
  const unfold = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    if (target) target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details.print").forEach((part) => (part.open = true));
    redraw();
  });
  document.documentElement.dataset.drawn = String(plots.filter((plot) => plot.svg).length);
})();
