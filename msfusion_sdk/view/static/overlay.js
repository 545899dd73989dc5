"use strict";
// What the encoder saw, drawn over the slide in level-0 pixels.

const TISSUE = "#00863d";

class Overlay {
  constructor(heat, lines) {
    this.heat = heat;
    this.lines = lines;
    this.clear();
  }

  clear() {
    this.patches = null;
    this.data = null;
    this.chosen = -1;
    this.cross = false;
  }

  show(data) {
    this.clear();
    this.data = data;
    this.patches = data.patches.x ? data.patches : null;
  }

  // place: {x, y, scale}: where level-0 pixel (0, 0) is on the screen, and screen px per level-0 px.
  draw(place, withHeat, withLines) {
    const heat = this.fresh(this.heat);
    const lines = this.fresh(this.lines);
    if (this.patches && withHeat) this.drawHeat(heat, place);
    if (this.data && withLines) this.drawLines(lines, place);
    if (this.chosen >= 0) this.drawPatch(lines, place, this.chosen);
    if (this.cross) this.drawCross(lines);
  }

  fresh(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    return context;
  }

  seen(place, x, y, size) {
    const left = place.x + x * place.scale, top = place.y + y * place.scale, edge = size * place.scale;
    return left + edge > 0 && top + edge > 0 && left < this.heat.clientWidth && top < this.heat.clientHeight;
  }

  drawHeat(context, place) {
    const { x, y, size_px: size, relative } = this.patches;
    const { reach, colours } = this.data;
    for (let patch = 0; patch < x.length; patch++) {
      if (!this.seen(place, x[patch], y[patch], size[patch])) continue;
      const n = Math.round(Math.sqrt(relative[patch].length));
      const edge = size[patch] / n;
      for (let tile = 0; tile < n * n; tile++) {
        const column = tile % n, row = Math.floor(tile / n);
        const share = (relative[patch][tile] - 1 + reach) / (2 * reach);
        context.fillStyle = colours[Math.min(colours.length - 1, Math.floor(share * colours.length))];
        // Whole pixels, so that neighbours neither overlap nor leave a gap.
        const left = Math.round(place.x + (x[patch] + edge * column) * place.scale);
        const right = Math.round(place.x + (x[patch] + edge * (column + 1)) * place.scale);
        const top = Math.round(place.y + (y[patch] + edge * row) * place.scale);
        const bottom = Math.round(place.y + (y[patch] + edge * (row + 1)) * place.scale);
        context.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
      }
    }
  }

  drawLines(context, place) {
    if (this.patches) {
      const { x, y, size_px: size } = this.patches;
      context.strokeStyle = "rgb(0 0 0 / .55)";
      context.lineWidth = 1;
      for (let patch = 0; patch < x.length; patch++) {
        // Outlines that are as close as their width would paint the slide black.
        if (size[patch] * place.scale < 8 || !this.seen(place, x[patch], y[patch], size[patch])) continue;
        context.strokeRect(...this.box(place, x[patch], y[patch], size[patch]));
      }
    }
    context.strokeStyle = TISSUE;
    context.lineWidth = 2;
    for (const ring of this.data.tissue) {
      context.beginPath();
      for (const [x, y] of ring) context.lineTo(place.x + x * place.scale, place.y + y * place.scale);
      context.closePath();
      context.stroke();
    }
    context.strokeStyle = "#d00000";
    for (const [x, y, size] of this.data.bad) {
      const box = this.box(place, x, y, size);
      context.strokeRect(...box);
      context.beginPath();
      context.moveTo(box[0], box[1]);
      context.lineTo(box[0] + box[2], box[1] + box[3]);
      context.stroke();
    }
  }

  drawPatch(context, place, patch) {
    const box = this.box(place, this.patches.x[patch], this.patches.y[patch], this.patches.size_px[patch]);
    // Two colours: one of them stands out on any tissue.
    for (const [colour, width] of [["#fff", 5], ["#00558a", 2.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(...box);
    }
  }

  drawCross(context) {
    const x = this.lines.clientWidth / 2, y = this.lines.clientHeight / 2;
    for (const [colour, width] of [["#fff", 4], ["#1b1f24", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(x - 9, y); context.lineTo(x + 9, y);
      context.moveTo(x, y - 9); context.lineTo(x, y + 9);
      context.stroke();
    }
  }

  box(place, x, y, size) {
    return [place.x + x * place.scale, place.y + y * place.scale, size * place.scale, size * place.scale];
  }

  // The last one that holds the point: it is drawn on top where patches overlap.
  find(x, y) {
    if (!this.patches) return -1;
    const { x: left, y: top, size_px: size } = this.patches;
    for (let patch = left.length - 1; patch >= 0; patch--) {
      if (x >= left[patch] && y >= top[patch] && x < left[patch] + size[patch] && y < top[patch] + size[patch]) return patch;
    }
    return -1;
  }

  describe(patch) {
    const { x, y, size_px: size, context_score: score, tile_scores: tiles, weight } = this.patches;
    const share = weight[patch] * weight.length;
    const scores = tiles[patch].map((value) => value.toFixed(3)).join(", ");
    return `Patch ${(patch + 1).toLocaleString("en")} of ${x.length.toLocaleString("en")} at (${x[patch]}, ${y[patch]}), ${size[patch]} px: `
      + `score ${score[patch].toFixed(4)}, weight ${weight[patch].toPrecision(4)} (${share.toFixed(3)} × the mean), tile scores ${scores}.`;
  }
}
