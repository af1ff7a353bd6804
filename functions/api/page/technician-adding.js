// @ts-check
/** Photos come in: from the camera, from the gallery, or dropped; and how far those have come that go up. */
import { announce, html, nothing } from "./parts.js";
import * as kept from "./kept.js";
import { unlisted } from "./technician-photos.js";
import { t } from "./texts.js";
import * as uploads from "./uploads.js";

/** @typedef {import("./openapi.d.ts").components["schemas"]} Schemas */
/** @typedef {import("./uploads.js").Upload} Upload */

const TAKES = "image/*,.heic,.heif";

/** Takes files as photos, perhaps for a step. @typedef {(files: Iterable<File>, taken?: { number: number, step: string } | null) => Promise<void>} Add */

/** What has become of files that were chosen last. */
export class Adding {
  /** @param {string} dr @param {() => void} draw */
  constructor(dr, draw) {
    this.said = "";
    /** @type {Add} */
    this.add = async (files, taken) => {
      this.said = "";
      const counts = await uploads.add(dr, files, taken);
      announce(t.technician.added(counts.kept, counts.known, counts.refused));
      // How many go up is seen anyway.
      this.said = t.technician.added(0, counts.known, counts.refused);
      draw();
    };
  }
}

/** @param {Add} add @param {{ number: number, step: string } | null} taken */
const chosen = (add, taken) => (/** @type {Event} */ event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const files = [...(input.files ?? [])];
  // The same photo may be chosen again after it was removed.
  input.value = "";
  add(files, taken);
};

/** A button that opens the camera, for a step. @param {Add} add @param {Schemas["ChecklistStep"]} step @param {string} remedy */
export const takeFor = (add, step, remedy) => html`<label class="button">
  ${t.technician.takeFor[remedy] ?? t.technician.takeFor.retake}<span class="unseen">: ${step.label}</span>
  <input class="unseen" type="file" accept=${TAKES} capture="environment" @change=${chosen(add, step)}>
</label>`;

/** @param {string} dr @param {Upload[]} mine @param {Schemas["Dr"] | null} known @param {Adding} as */
export function adding(dr, mine, known, { add, said }) {
  return html`<section class="card adding" aria-labelledby="adding-title" @dragover=${over} @dragleave=${out}
    @drop=${(/** @type {DragEvent} */ event) => drop(event, add)}>
    <h2 id="adding-title" class="unseen">${t.technician.add}</h2>
    <div class="does">
      <label class="button primary">${t.technician.camera}
        <input class="unseen" type="file" accept=${TAKES} capture="environment" data-action="camera" @change=${chosen(add, null)}>
      </label>
      <label class="button">${t.technician.gallery}
        <input class="unseen" type="file" accept=${TAKES} multiple data-action="gallery" @change=${chosen(add, null)}>
      </label>
      <span class="quiet drop-hint">${t.technician.drop}</span>
    </div>
    ${progress(dr, mine, known, said)}
    ${kept.isSafe() ? nothing : html`<p class="wrong" role="alert">${t.technician.keepsNothing}</p>`}
  </section>`;
}

/** @param {DragEvent} event */
function over(event) {
  event.preventDefault();
  /** @type {HTMLElement} */ (event.currentTarget).classList.add("dropping");
}

/** @param {DragEvent} event */
const out = (event) => /** @type {HTMLElement} */ (event.currentTarget).classList.remove("dropping");

/** @param {DragEvent} event @param {Add} add */
function drop(event, add) {
  event.preventDefault();
  out(event);
  add(event.dataTransfer?.files ?? []);
}

/** How far they all have come: always there, so that nothing moves. @param {string} dr @param {Upload[]} mine @param {Schemas["Dr"] | null} known @param {string} said */
function progress(dr, mine, known, said) {
  const going = uploads.open(dr);
  const waiting = uploads.waiting(dr);
  const bytes = mine.filter(({ photo }) => photo.state !== "refused");
  const total = bytes.reduce((sum, { photo }) => sum + photo.size, 0);
  const sent = bytes.reduce((sum, { photo, sent }) => sum + (photo.state === "kept" ? Math.min(sent, photo.size) : photo.size), 0);
  const trouble = troubleOf(going);
  return html`<div class="progress">
    <progress max=${total || 1} value=${waiting > 0 ? sent : total || 1} aria-label=${t.technician.progress}></progress>
    <p>${waiting > 0 ? t.technician.going(waiting) : t.technician.allStored(known && known.photos_total + unlisted(known, mine).length)}</p>
    <p class=${trouble ? "waits" : "quiet"} role="status">${trouble || said}</p>
  </div>`;
}

/** Why it does not go on, if it does not. @param {Upload[]} going */
function troubleOf(going) {
  if (going.length === 0) return "";
  if (!navigator.onLine) return t.technician.troubles.cut;
  const trouble = going.map((one) => one.trouble).find(Boolean);
  return trouble ? t.technician.troubles[trouble] : "";
}
