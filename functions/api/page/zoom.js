// @ts-check
/**
 * A photo to look closely at: wheel, pinch, drag, keys and buttons.
 *
 * Invariants
 * - How near and where one looks belongs to the lens, not to the photo: it is kept between photos, and two stages with
 *   one lens show the same part of theirs.
 * - A photo never leaves its stage.
 */

const MOST = 12;
const STEP = 1.4;
/** So far a finger may slip in a click. */
const SLIP_PX = 5;

/** How near, and which part: the middle as shares of the photo's width and height as it is turned. */
export class Lens {
  zoom = 1;
  x = 0.5;
  y = 0.5;
  /** @type {Set<() => void>} */
  listeners = new Set();
  changed() {
    for (const listener of this.listeners) listener();
  }
  reset() {
    Object.assign(this, { zoom: 1, x: 0.5, y: 0.5 });
    this.changed();
  }
}

/** Quarter turns of photos, by their key. @type {Map<string, number>} */
const turns = new Map();

export class Stage {
  /** @type {HTMLImageElement | null} */
  image = null;
  key = "";
  /** Where fingers are. @type {Map<number, { x: number, y: number }>} */
  pointers = new Map();
  moved = 0;

  /** @param {string} label @param {Lens} [lens] */
  constructor(label, lens = new Lens()) {
    this.lens = lens;
    this.element = document.createElement("div");
    this.element.className = "stage";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", label);
    this.place = () => this.#place();
    lens.listeners.add(this.place);
    this.observer = new ResizeObserver(this.place);
    this.observer.observe(this.element);
    this.#listen();
  }

  close() {
    this.lens.listeners.delete(this.place);
    this.observer.disconnect();
  }

  /** Shows a photo, or none. @param {HTMLImageElement | null} image @param {string} key */
  show(image, key) {
    // Another stage may have taken it meanwhile: it can be in one place only.
    const isHere = !image || image.parentNode === this.element;
    if (image === this.image && key === this.key && isHere) return;
    this.key = key;
    this.image = image;
    this.element.replaceChildren(...(image ? [image] : []));
    this.#place();
  }

  /** Nearer, or less so, about a point of the stage (its middle if none is said). @param {number} by @param {{ x: number, y: number }} [at] */
  zoom(by, at = { x: 0, y: 0 }) {
    this.#to(this.lens.zoom * by, at);
  }

  nearer() {
    this.zoom(STEP);
  }

  farther() {
    this.zoom(1 / STEP);
  }

  /** Its own pixels, or all of it. */
  full() {
    const { fit } = this.#measures();
    if (this.lens.zoom > 1) this.lens.reset();
    else this.#to(Math.max(1 / fit, 2), { x: 0, y: 0 });
  }

  turn() {
    turns.set(this.key, ((turns.get(this.key) ?? 0) + 1) % 4);
    this.#place();
  }

  /** @param {number} zoom @param {{ x: number, y: number }} at */
  #to(zoom, at) {
    const { lens } = this;
    const { width, height, fit } = this.#measures();
    if (!width) return;
    const now = Math.min(Math.max(zoom, 1), MOST);
    lens.x += at.x / (width * fit) * (1 / lens.zoom - 1 / now);
    lens.y += at.y / (height * fit) * (1 / lens.zoom - 1 / now);
    lens.zoom = now;
    this.#keepIn();
    lens.changed();
  }

  /** @param {number} dx pixels @param {number} dy */
  pan(dx, dy) {
    const { width, height, fit } = this.#measures();
    if (!width) return;
    this.lens.x -= dx / (width * fit * this.lens.zoom);
    this.lens.y -= dy / (height * fit * this.lens.zoom);
    this.#keepIn();
    this.lens.changed();
  }

  /** The photo's size as it is turned, and how much it takes to have all of it on the stage. */
  #measures() {
    const { clientWidth, clientHeight } = this.element;
    const isTurned = (turns.get(this.key) ?? 0) % 2 === 1;
    const [natural, other] = [this.image?.naturalWidth ?? 0, this.image?.naturalHeight ?? 0];
    const [width, height] = isTurned ? [other, natural] : [natural, other];
    return { width, height, fit: width && height ? Math.min(clientWidth / width, clientHeight / height) : 1, clientWidth, clientHeight };
  }

  #keepIn() {
    const { width, height, fit, clientWidth, clientHeight } = this.#measures();
    const { lens } = this;
    const within = (/** @type {number} */ at, /** @type {number} */ half) => (half >= 0.5 ? 0.5 : Math.min(Math.max(at, half), 1 - half));
    lens.x = within(lens.x, clientWidth / (2 * width * fit * lens.zoom));
    lens.y = within(lens.y, clientHeight / (2 * height * fit * lens.zoom));
  }

  #place() {
    const { image, lens } = this;
    this.element.classList.toggle("near", lens.zoom > 1);
    if (!image?.naturalWidth) return;
    this.#keepIn();
    const { width, height, fit } = this.#measures();
    const set = (/** @type {string} */ name, /** @type {string} */ value) => image.style.setProperty(name, value);
    set("--width", `${image.naturalWidth * fit * lens.zoom}px`);
    set("--x", `${(0.5 - lens.x) * width * fit * lens.zoom}px`);
    set("--y", `${(0.5 - lens.y) * height * fit * lens.zoom}px`);
    set("--turn", `${(turns.get(this.key) ?? 0) * 90}deg`);
  }

  #listen() {
    const { element } = this;
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(1.0015 ** -event.deltaY, this.#from(event));
    }, { passive: false });
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, (event) => this.#up(/** @type {PointerEvent} */ (event)));
    element.addEventListener("dblclick", () => this.full());
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("dragstart", (event) => event.preventDefault());
  }

  /** From the stage's middle. @param {{ clientX: number, clientY: number }} event */
  #from(event) {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0) return;
    if (this.pointers.size === 0) this.moved = 0;
    this.pointers.set(event.pointerId, this.#from(event));
    this.element.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.#from(event);
    const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    this.pointers.set(event.pointerId, now);
    this.moved += Math.hypot(now.x - before.x, now.y - before.y);
    if (other) {
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      this.zoom(Math.hypot(now.x - other.x, now.y - other.y) / Math.max(Math.hypot(before.x - other.x, before.y - other.y), 1), middle);
    } else if (this.lens.zoom > 1) {
      this.pan(now.x - before.x, now.y - before.y);
    }
  }

  /** A click without dragging brings that place to the middle. @param {PointerEvent} event */
  #up(event) {
    const at = this.pointers.get(event.pointerId);
    this.pointers.delete(event.pointerId);
    const isClick = event.type === "pointerup" && this.moved < SLIP_PX && this.pointers.size === 0 && event.detail < 2;
    if (at && isClick && this.lens.zoom > 1) this.pan(-at.x, -at.y);
  }

  /** Where the stage has the focus, arrows move the photo while it is near. @param {KeyboardEvent} event */
  #key(event) {
    const far = 60;
    const by = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[event.key];
    if (!by || this.lens.zoom === 1) return;
    event.preventDefault();
    this.pan(by[0], by[1]);
  }
}
