// @ts-check
/** The frame: who is signed in, which view the address asks for, and drawing it when something has changed. */
import { close as closeLive, isUp, onUp } from "./live.js";
import { help } from "./help.js";
import { announce, empty, failure, html, loading, nothing, render } from "./parts.js";
import * as session from "./session.js";
import { t } from "./texts.js";

/**
 * A view. It is opened once for an address, and drawn whenever it asks for that.
 *
 * @typedef {object} View
 * @property {() => unknown} render
 * @property {(query: URLSearchParams) => void} [changed] the query of its address is another one
 * @property {(rest: string[], query: URLSearchParams) => boolean} [moved] its address is that of another thing of the same
 *   kind; true if it shows that from now on, else another view is opened
 * @property {() => void} [close]
 * @property {string} title
 *
 * @typedef {object} Frame what a view may ask of the frame
 * @property {() => void} draw
 * @property {(hash: string, how?: { replace?: boolean }) => void} go
 * @property {() => URLSearchParams} query
 */

/**
 * Addresses, by their first part: who may see it, and where its code is.
 * @type {Record<string, { role: import("./settings.js").Role, load: () => Promise<{ open: (frame: Frame, rest: string[]) => View }> }>}
 */
const views = {
  dr: { role: "technician", load: () => import("./view-technician.js") },
  queue: { role: "viewer", load: () => import("./view-queue.js") },
  review: { role: "viewer", load: () => import("./view-review.js") },
  history: { role: "viewer", load: () => import("./view-history.js") },
  operate: { role: "operator", load: () => import("./view-operator.js") },
};

const app = /** @type {HTMLElement} */ (document.getElementById("app"));

/** @type {View | null} */
let view = null;
/** Which address the view was opened for. */
let opened = "";
/** @type {unknown} */
let problem = null;
let isLoading = true;
let isDrawing = false;
let isOnline = navigator.onLine;
/** How often an address was followed: what an earlier one has led to comes too late. */
let turn = 0;
/** A view was opened, and was not drawn yet, whose heading is to have the focus if nothing else has it. */
let isNew = false;
/** A view could not be loaded, for there was no connection. */
let isCut = false;

/** @type {Frame} */
const frame = {
  draw() {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      draw();
    });
  },
  go(hash, how = {}) {
    if (how.replace) {
      history.replaceState(null, "", hash);
      follow();
    } else {
      location.hash = hash;
    }
  },
  query: () => place().query,
};

/** What the address says behind its hash: `#/queue?verdict=fail`. */
function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
  return { parts, query: new URLSearchParams(query) };
}

/** Where one begins, by what one may. */
function home() {
  if (session.may("reviewer")) return "#/queue";
  if (session.may("technician")) return "#/dr";
  return "#/queue";
}

async function follow() {
  turn += 1;
  const mine = turn;
  const { parts, query } = place();
  if (!session.isSignedIn()) return frame.draw();
  if (parts.length === 0) {
    return frame.go(home(), { replace: true });
  }
  const address = parts.join("/");
  if (view && address === opened) {
    view.changed?.(query);
    return frame.draw();
  }
  const [first, ...rest] = parts;
  const isSameKind = opened.split("/")[0] === first;
  if (view?.moved && isSameKind && view.moved(rest, query)) {
    opened = address;
    document.title = `${view.title} · ${t.name}`;
    return frame.draw();
  }
  view?.close?.();
  view = null;
  const before = opened;
  opened = address;
  problem = null;
  isCut = false;
  const known = views[first];
  if (known && session.may(known.role)) {
    isLoading = true;
    frame.draw();
    try {
      const module = await known.load();
      if (mine !== turn) return;
      const made = module.open(frame, rest);
      // It may have gone on to another address by itself.
      if (mine !== turn) return made.close?.();
      isNew = before !== "";
      view = made;
      document.title = `${view.title} · ${t.name}`;
    } catch (error) {
      if (mine !== turn) return;
      // A browser asks for a module once: it is to be had by a reload, once there is a connection. With one these are most
      // likely files of another release.
      isCut = error instanceof TypeError && !navigator.onLine;
      problem = error instanceof TypeError ? new Error(navigator.onLine ? t.states.reload : t.states.offline) : error;
    }
  } else {
    problem = new Error(known ? t.states.noRight : t.states.notFound);
  }
  isLoading = false;
  frame.draw();
}

function draw() {
  render(html`
    <a class="skip" href="#main" @click=${skip}>${t.skip}</a>
    ${header()}
    ${isOnline ? nothing : html`<p class="banner">${t.states.offline}</p>`}
    <main id="main" tabindex="-1">${content()}</main>
    ${help(frame)}
  `, app);
  if (isNew && view && !isLoading) focusHeading();
}

/** What had the focus is there no more: what was opened has it. */
function focusHeading() {
  const heading = app.querySelector("main h1");
  if (!(heading instanceof HTMLElement)) return;
  isNew = false;
  if (document.activeElement !== document.body) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function header() {
  if (!session.isSignedIn()) return html`<header><span class="name">${t.name}</span></header>`;
  const { parts } = place();
  const link = (/** @type {string} */ to, /** @type {string} */ label) =>
    html`<a href="#/${to}" aria-current=${parts[0] === to ? "page" : "false"}>${label}</a>`;
  return html`<header>
    <span class="name">${t.name}</span>
    <nav aria-label=${t.main}>
      ${session.may("technician") ? link("dr", t.nav.technician) : nothing}
      ${session.may("viewer") ? link("queue", t.nav.queue) : nothing}
      ${session.may("operator") ? link("operate", t.nav.operator) : nothing}
    </nav>
    <span class="who">
      <span class="live ${isUp() ? "up" : "down"}" title=${isUp() ? t.states.live : t.states.polling}>
        <span class="unseen">${isUp() ? t.states.live : t.states.polling}</span></span>
      <span class="user" title=${t.signIn.as(session.name())}>${session.name()}</span>
      <button type="button" class="plain" @click=${signOut}>${t.signIn.out}</button>
    </span>
  </header>`;
}

function content() {
  if (!session.canSignIn()) return named(empty(t.signIn.notSetUp, t.signIn.notSetUpHint));
  if (!session.isSignedIn() && isLoading) return loading();
  if (!session.isSignedIn()) {
    return html`<section class="welcome">
      <h1>${t.signIn.title}</h1>
      <p>${t.signIn.why}</p>
      ${problem ? failure(problem) : nothing}
      ${signIns()}
    </section>`;
  }
  if (!session.may("technician") && !session.may("viewer")) return named(empty(t.signIn.noRole, t.signIn.noRoleHint));
  if (problem) {
    return named(html`${failure(problem)}<p><a href=${home()}>${t.states.home}</a></p>`);
  }
  return view && !isLoading ? view.render() : loading();
}

/** The ways to sign in. Who leaves this page loses the photos that the phone could not keep. */
function signIns() {
  const [photos, alone] = [session.waits.photos(), session.waits.inPageAlone()];
  const button = (/** @type {string} */ label, /** @type {boolean} */ isFirst, /** @type {() => Promise<unknown>} */ way) =>
    html`<button type="button" class=${isFirst ? "primary" : "plain"} data-action=${isFirst ? "sign-in" : "sign-in-here"}
      @click=${() => signIn(way)}>${label}</button>`;
  const waiting = photos > 0 ? html`<p class="waits">${t.signIn.waiting(photos)}</p>` : nothing;
  if (alone === 0) return html`${waiting} ${button(t.signIn.button, true, session.signIn)}`;
  return html`${waiting}
    <p class="wrong" role="alert">${t.signIn.inPageAlone(alone)}</p>
    ${button(t.signIn.beside, true, session.signInBeside)}
    ${button(t.signIn.without(alone), false, session.signIn)}`;
}

/** What has no heading of its own. @param {unknown} content */
const named = (content) => html`<h1 class="unseen">${t.name}</h1>${content}`;

/** @param {() => Promise<unknown>} way */
async function signIn(way) {
  problem = null;
  frame.draw();
  try {
    await way();
    if (session.isSignedIn()) await follow();
  } catch {
    problem = new Error(navigator.onLine ? t.signIn.failed : t.states.offline);
    frame.draw();
  }
}

function signOut() {
  view?.close?.();
  view = null;
  opened = "";
  closeLive();
  session.signOut();
}

async function begin() {
  addEventListener("hashchange", follow);
  addEventListener("online", () => online(true));
  addEventListener("offline", () => online(false));
  onUp(frame.draw);
  session.onChange(frame.draw);
  app.replaceChildren();
  frame.draw();
  try {
    await session.start();
  } catch {
    problem = new Error(t.signIn.failed);
  }
  isLoading = false;
  await follow();
}

/** @param {boolean} now */
function online(now) {
  isOnline = now;
  announce(now ? t.states.back : t.states.offline);
  if (now && isCut) return location.reload();
  frame.draw();
}

// In the frame in which a token is renewed there is nothing to see.
if (window.parent !== window) session.start();
else begin();
