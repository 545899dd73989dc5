"use strict";
// The page: which slide is shown, its zoom, overlay, scale bar and keys.

const at = (id) => document.getElementById(id);
const links = [...document.querySelectorAll("nav a")];
const overlay = new Overlay(at("heat"), at("lines"));
const LONGEST_BAR_PX = 150, OPACITY_STEP = 10, MOVE = 0.15, ZOOM = 1.5;
let shown = null; // {key, info} of the slide on the stage
let point = null; // where the pointer was last on the stage
let isWhole = true; // whether nobody has moved since the whole slide was seen
let byKey = false; // after a key the middle of the stage counts instead

const viewer = OpenSeadragon({
  element: at("zoom"),
  drawer: "canvas",
  showNavigationControl: false,
  showNavigator: true,
  // An element of ours, which lies over the overlay.
  navigatorId: "overview",
  navigatorBackground: "#fff",
  navigatorBorderColor: "#8a929b",
  maxZoomPixelRatio: 4,
  visibilityRatio: 0.3,
  gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
});
// All keys are ours, whatever has the focus.
viewer.addHandler("canvas-key", (event) => { event.preventDefaultAction = true; });

function say(text, isSmall = false) {
  at("message").textContent = text;
  at("message").classList.toggle("small", isSmall);
  at("message").hidden = !text;
}

async function ask(address) {
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new Error("The viewer does not answer: it has ended, or was started again on another port.");
  }
  if (answer.ok) return answer.json();
  const isJson = (answer.headers.get("content-type") || "").includes("json");
  throw new Error(isJson ? (await answer.json()).message : `The viewer answered ${answer.status}. Load the page again.`);
}

async function open(key) {
  const link = links.find((one) => one.dataset.key === key);
  for (const one of links) one === link ? one.setAttribute("aria-current", "true") : one.removeAttribute("aria-current");
  shown = null;
  viewer.close();
  overlay.clear();
  say("");
  at("notes").replaceChildren();
  at("overview").hidden = true;
  redraw();
  if (!link) {
    at("readout").textContent = "Choose a slide.";
    return;
  }
  link.scrollIntoView({ block: "nearest" });
  const name = link.querySelector("strong").textContent;
  at("readout").textContent = `${name}: opening.`;
  const mine = { key, name };
  shown = mine;
  try {
    mine.info = await ask(`slides/${key}/info.json`);
    if (shown !== mine) return;
    show(mine);
    await addAttention(mine);
  } catch (error) {
    if (shown !== mine) return;
    at("readout").textContent = `${name} cannot be shown.`;
    say(error.message);
  }
}

function show({ key, info }) {
  at("overview").hidden = false;
  note(info.note);
  viewer.open({
    width: info.width,
    height: info.height,
    tileSize: info.tile_px,
    tileOverlap: 0,
    minLevel: info.min_level,
    maxLevel: info.max_level,
    getTileUrl: (level, column, row) => `slides/${key}/${info.version}/${level}/${column}_${row}.jpg`,
  });
}

async function addAttention(mine) {
  const data = await ask(`slides/${mine.key}/attention.json`);
  if (shown !== mine) return;
  note(data.note, data.command);
  overlay.show(data);
  if (overlay.patches) legend(data);
  redraw();
}

function note(text, command) {
  if (!text) return;
  const item = document.createElement("li");
  item.textContent = text;
  if (command) {
    const code = document.createElement("code");
    code.textContent = command;
    item.append(" To get one, run this and start the viewer again: ", code);
  }
  at("notes").append(item);
}

function legend({ colours, reach }) {
  const context = at("colours").getContext("2d");
  colours.forEach((colour, place) => {
    context.fillStyle = colour;
    context.fillRect(place, 0, 1, 1);
  });
  at("least").textContent = (1 - reach).toFixed(2);
  at("most").textContent = (1 + reach).toFixed(2);
}

// The picture is never turned, so a corner and a scale say where every pixel is.
function placeOf() {
  const item = viewer.world.getItemAt(0);
  if (!shown || !shown.info || !item) return null;
  const corner = viewer.viewport.imageToViewerElementCoordinates(new OpenSeadragon.Point(0, 0));
  const other = viewer.viewport.imageToViewerElementCoordinates(new OpenSeadragon.Point(shown.info.width, 0));
  return { x: corner.x, y: corner.y, scale: (other.x - corner.x) / shown.info.width };
}

function redraw() {
  const place = placeOf();
  const hasHeat = Boolean(place && overlay.patches && at("show-heat").checked);
  at("legend").hidden = !hasHeat;
  for (const id of ["show-heat", "opacity"]) at(id).disabled = !overlay.patches;
  at("show-lines").disabled = !overlay.data || !(overlay.patches || overlay.data.tissue.length);
  at("heat").style.opacity = at("opacity").value / 100;
  at("opacity-text").textContent = `${at("opacity").value} %`;
  if (place) probe(place);
  overlay.draw(place || { x: 0, y: 0, scale: 1 }, hasHeat, Boolean(place) && at("show-lines").checked);
  scaleBar(place);
}

// The patch under the pointer, or after a key the one in the middle.
function probe(place) {
  const spot = byKey ? { x: at("zoom").clientWidth / 2, y: at("zoom").clientHeight / 2 } : point || { x: -1, y: -1 };
  const x = (spot.x - place.x) / place.scale, y = (spot.y - place.y) / place.scale;
  const { width, height, mpp } = shown.info;
  overlay.cross = byKey;
  overlay.chosen = overlay.find(x, y);
  if (overlay.chosen >= 0) {
    at("readout").textContent = overlay.describe(overlay.chosen);
    return;
  }
  const isOn = x >= 0 && y >= 0 && x < width && y < height;
  const micron = mpp ? `, ${Math.round(x * mpp).toLocaleString("en")} µm from the left and ${Math.round(y * mpp).toLocaleString("en")} µm from the top` : "";
  const outside = overlay.patches ? " No patch here." : "";
  at("readout").textContent = isOn
    ? `${shown.name} at (${Math.floor(x)}, ${Math.floor(y)})${micron}.${outside}`
    : `${shown.name}, ${width.toLocaleString("en")} × ${height.toLocaleString("en")} px.`;
}

function scaleBar(place) {
  at("scale").hidden = !place || !shown.info.mpp;
  if (at("scale").hidden) return;
  const longest = (LONGEST_BAR_PX / place.scale) * shown.info.mpp;
  const power = 10 ** Math.floor(Math.log10(longest));
  const length = [5, 2, 1].find((step) => step * power <= longest) * power;
  at("scale-bar").style.width = `${(length / shown.info.mpp) * place.scale}px`;
  at("scale-text").textContent = length >= 1000 ? `${length / 1000} mm` : `${Number(length.toPrecision(1))} µm`;
}

// Notes take height from the stage.  The viewer's own zoom comes after this event.
viewer.addHandler("after-resize", () => { if (isWhole) setTimeout(() => viewer.viewport.goHome(true)); });
viewer.addHandler("open", () => { isWhole = true; });
for (const name of ["canvas-drag", "canvas-scroll", "canvas-pinch", "canvas-double-click", "navigator-click", "navigator-drag"]) {
  viewer.addHandler(name, () => { isWhole = false; });
}
for (const name of ["open", "update-viewport", "resize"]) viewer.addHandler(name, redraw);

// One answer tells why; the tiles around it would say the same.
let isAsking = false;
viewer.addHandler("tile-load-failed", async (event) => {
  const mine = shown;
  if (isAsking || !mine) return;
  isAsking = true;
  try {
    await ask(event.tile.getUrl());
  } catch (error) {
    if (shown === mine) say(error.message, true);
  } finally {
    isAsking = false;
  }
});

for (const kind of ["pointermove", "pointerdown"]) {
  at("stage").addEventListener(kind, (event) => {
    const box = at("zoom").getBoundingClientRect();
    point = { x: event.clientX - box.left, y: event.clientY - box.top };
    byKey = false;
    redraw();
  });
}
for (const id of ["show-heat", "show-lines", "opacity"]) at(id).addEventListener("input", redraw);

const moved = (x, y) => () => {
  isWhole = false;
  const bounds = viewer.viewport.getBounds();
  viewer.viewport.panBy(new OpenSeadragon.Point(x * bounds.width, y * bounds.height)).applyConstraints();
};
const zoomed = (factor) => () => {
  isWhole = false;
  viewer.viewport.zoomBy(factor).applyConstraints();
};
const toggled = (id) => () => { if (!at(id).disabled) at(id).checked = !at(id).checked; };
const dimmed = (step) => () => { at("opacity").value = Number(at("opacity").value) + step; };
const turned = (step) => () => {
  const place = links.findIndex((one) => one.hasAttribute("aria-current"));
  const next = links[Math.min(links.length - 1, Math.max(0, place + step))];
  if (next) location.hash = next.dataset.key;
};
const whole = () => {
  isWhole = true;
  viewer.viewport.goHome();
};
const KEYS = {
  ArrowLeft: moved(-MOVE, 0), ArrowRight: moved(MOVE, 0), ArrowUp: moved(0, -MOVE), ArrowDown: moved(0, MOVE),
  "+": zoomed(ZOOM), "=": zoomed(ZOOM), "-": zoomed(1 / ZOOM), 0: whole,
  h: toggled("show-heat"), t: toggled("show-lines"), "[": dimmed(-OPACITY_STEP), "]": dimmed(OPACITY_STEP),
  n: turned(1), p: turned(-1),
};
document.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  // The slider has arrows of its own.
  const isTaken = event.target.id === "opacity" && event.key.startsWith("Arrow");
  if (!act || isTaken || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byKey = true;
  if (viewer.isOpen() || act === KEYS.n || act === KEYS.p) act();
  redraw();
});
at("in").addEventListener("click", zoomed(ZOOM));
at("out").addEventListener("click", zoomed(1 / ZOOM));
at("whole").addEventListener("click", whole);

const first = links.find((one) => one.classList.contains("ok")) || links[0];
const follow = () => open(location.hash.slice(1) || (first ? first.dataset.key : ""));
window.addEventListener("hashchange", follow);
follow();
