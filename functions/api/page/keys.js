// @ts-check
/**
 * Keys that press buttons.
 *
 * Invariants
 * - A key presses the button that is on the screen (`data-action`), so that there is one way through the code: what can't
 *   be pressed can't be done by key.
 * - Keys belong to the layer that is open, and reach nothing behind it. In a text field they are letters.
 */

/**
 * @typedef {object} Layer
 * @property {string} name
 * @property {() => Element | null} root where its buttons are
 * @property {Record<string, string>} keys an action for each key, such as `{ j: "next" }`
 */

/** The keys of the views: an action may be one of several. @type {Record<"queue" | "review", Record<string, string>>} */
export const KEYS = {
  queue: { j: "next-row", k: "previous-row", x: "select", o: "open", c: "confirm-selected", u: "take-back", m: "more", g: "refresh" },
  review: {
    c: "confirm", Enter: "confirm", p: "pass", f: "fail", u: "take-back", j: "next", k: "previous",
    ArrowRight: "next-photo", ArrowLeft: "previous-photo", ArrowDown: "next-step", ArrowUp: "previous-step",
    z: "full", "+": "nearer", "-": "farther", r: "turn", b: "beside", a: "again", h: "history", q: "queue",
    ...Object.fromEntries(Array.from({ length: 10 }, (_, at) => [String((at + 1) % 10), `step-${at + 1}`])),
  },
};

/** @type {Layer[]} */
const layers = [];
const STORED = "keys";

/** What one has changed: whether keys are on, and keys of actions. @type {{ on: boolean, own: Record<string, string> }} */
export const preferences = { on: true, own: {}, ...read() };

/** Opens a layer over those that are; what is returned closes it. @param {Layer} layer */
export function open(layer) {
  layers.push(layer);
  return () => {
    const at = layers.indexOf(layer);
    if (at >= 0) layers.splice(at, 1);
  };
}

/** Keys of the layer that is open, as they are for this person: `[key, action]`. @returns {[string, string][]} */
export function inUse() {
  const layer = layers.at(-1);
  if (!layer) return [];
  return Object.entries(layer.keys).map(([key, action]) => [preferences.own[action] ?? key, action]);
}

/** Opens the list of keys, wherever one is. */
const LIST = "?";

/**
 * Has an action done by another key. What this key did until now is done by the one that is given up: no key does two
 * things. Whether it could be had.
 * @param {string} action @param {string} key
 */
export function change(action, key) {
  if (key === LIST) return false;
  // In views that are not open, too.
  for (const keys of [...Object.values(KEYS), ...layers.map((layer) => layer.keys)]) {
    const own = Object.entries(keys).map(([usual, one]) => /** @type {const} */ ([preferences.own[one] ?? usual, one]));
    const before = own.find(([, one]) => one === action)?.[0];
    const other = own.find(([used, one]) => used === key && one !== action)?.[1];
    if (before && other) preferences.own[other] = before;
  }
  preferences.own[action] = key;
  store();
  return true;
}

/** Turns keys on or off. @param {boolean} on */
export function turn(on) {
  preferences.on = on;
  store();
}

/** Back to what they were. */
export function reset() {
  preferences.own = {};
  preferences.on = true;
  store();
}

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (writes(event.target)) return;
  const isHelp = event.key === "?" || event.key === "Escape";
  if (!preferences.on && !isHelp) return;
  const action = inUse().find(([key]) => key === event.key)?.[1];
  if (!action) return;
  const button = layers.at(-1)?.root()?.querySelector(`[data-action="${CSS.escape(action)}"]`);
  if (!(button instanceof HTMLElement) || /** @type {any} */ (button).disabled) return;
  // Enter and the space bar press what has the focus by themselves.
  const presses = event.key === "Enter" || event.key === " ";
  if (presses && event.target instanceof HTMLElement && event.target.closest("button, a, summary")) return;
  event.preventDefault();
  if (event.repeat && !button.hasAttribute("data-repeat")) return;
  button.click();
});

/** Whether letters are text there. @param {EventTarget | null} target */
function writes(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("textarea, select")) return true;
  const input = target.closest("input");
  return Boolean(input && !["button", "checkbox", "radio", "file", "submit", "reset", "range"].includes(input.type));
}

const REACHED = 'button:not([disabled]), a[href], input:not([disabled]), select, textarea, summary, [tabindex="0"]';

/** Keeps the focus within what lies over everything else. @param {KeyboardEvent} event @param {Element | null} root */
export function keepWithin(event, root) {
  if (event.key !== "Tab") return;
  const reached = [...(root?.querySelectorAll(REACHED) ?? [])].filter((one) => one instanceof HTMLElement && one.offsetParent !== null);
  const [first, last] = [reached.at(0), reached.at(-1)];
  const active = document.activeElement;
  const isAtEnd = event.shiftKey ? active === first || active?.tagName === "H2" : active === last;
  if (!isAtEnd) return;
  event.preventDefault();
  /** @type {HTMLElement | undefined} */ (event.shiftKey ? last : first)?.focus();
}

/** @returns {any} */
function read() {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? "{}");
  } catch {
    return {};
  }
}

function store() {
  try {
    localStorage.setItem(STORED, JSON.stringify(preferences));
  } catch {
    // A browser that keeps nothing: they hold until the page is closed.
  }
}
