// @ts-check
/** The DR's photos, and those that go up: each with its state, as it is. */
import { html, nothing } from "./parts.js";
import { shown, spoken } from "./photo-files.js";
import { t } from "./texts.js";
import { isAwaited } from "./uploads.js";

/** @typedef {import("./openapi.d.ts").components["schemas"]} Schemas */
/** @typedef {import("./uploads.js").Upload} Upload */

/** Small pictures of the photos of this phone, for as long as the view is open. */
export class Pictures {
  constructor() {
    /** @type {Map<string, { of: Blob, url: string }>} */
    this.urls = new Map();
  }

  /** @param {Upload[]} mine */
  update(mine) {
    for (const { photo } of mine) {
      const before = this.urls.get(photo.wanted);
      if (!photo.small || before?.of === photo.small) continue;
      if (before) URL.revokeObjectURL(before.url);
      this.urls.set(photo.wanted, { of: photo.small, url: URL.createObjectURL(photo.small) });
    }
  }

  close() {
    for (const { url } of this.urls.values()) URL.revokeObjectURL(url);
    this.urls.clear();
  }

  /** The picture of a photo, or room for it. @param {string | null | undefined} name as it is stored */
  of(name) {
    const url = name ? this.urls.get(name)?.url : undefined;
    return html`<span class="picture">${url ? html`<img src=${url} alt="" width="56" height="56">` : nothing}</span>`;
  }
}

/** Photos that lie at the DR as far as S3 says, and that its checklist does not know of yet. @param {Schemas["Dr"]} dr @param {Upload[]} mine */
export function unlisted(dr, mine) {
  const listed = new Set(dr.photos.map(({ name }) => name));
  return mine.filter((upload) => isAwaited(upload) && !listed.has(upload.photo.wanted));
}

/** What a stored photo is called for who took it. @param {string} name @param {Upload[]} mine */
export const nameOf = (name, mine) => mine.find(({ photo }) => photo.wanted === name)?.photo.name ?? shown(name);

/** @param {Schemas["Dr"]} dr @param {Upload[]} mine @param {Pictures} pictures */
export function photos(dr, mine, pictures) {
  const listed = new Set(dr.photos.map(({ name }) => name));
  // What was stored long ago and is not there was deleted there.
  const others = mine.filter((upload) => !listed.has(upload.photo.wanted) && (upload.photo.state === "kept" || isAwaited(upload)));
  const count = others.length + dr.photos.length;
  return html`<section class="card" aria-labelledby="photos-title">
    <h2 id="photos-title">${t.technician.photos} <span class="quiet">${count || nothing}</span></h2>
    ${count === 0 ? html`<p class="quiet">${t.technician.noPhotos}</p>` : nothing}
    <ul class="photos">
      ${others.map((upload) => ofPhone(upload, pictures))}
      ${dr.photos.map((photo) => ofDr(photo, dr, mine, pictures))}
    </ul>
  </section>`;
}

/** @param {Upload} upload @param {Pictures} pictures */
function ofPhone({ photo, phase, sent, trouble }, pictures) {
  const percent = Math.floor((100 * Math.min(sent, photo.size)) / photo.size);
  const states = t.technician.states;
  const isGoing = photo.state === "kept" && phase === "sending";
  const state = photo.state === "stored" ? states.stored : isGoing ? states.going(percent) : states.kept;
  return html`<li data-photo=${photo.name} data-state=${photo.state === "stored" ? "stored" : isGoing ? "going" : "kept"}>
    ${pictures.of(photo.wanted)}
    <div>
      <span class="photo-name">${photo.name}</span>
      <span class="tag">${state}</span>
      ${photo.state === "kept" && trouble ? html`<p class="waits">${t.technician.troubles[trouble]}</p>` : nothing}
      ${isGoing ? html`<progress max="100" value=${percent} aria-label="${photo.name}"></progress>` : nothing}
    </div>
  </li>`;
}

/** @param {Schemas["ChecklistPhoto"]} photo @param {Schemas["Dr"]} dr @param {Upload[]} mine @param {Pictures} pictures */
function ofDr(photo, dr, mine, pictures) {
  const label = (/** @type {string | null | undefined} */ step) => dr.steps.find((one) => one.step === step)?.label ?? step ?? "";
  const state = t.technician.states[/** @type {"looked_at"} */ (photo.state)] ?? photo.state;
  return html`<li data-photo=${nameOf(photo.name, mine)} data-state=${photo.state}>
    ${pictures.of(photo.name)}
    <div>
      <span class="photo-name">${nameOf(photo.name, mine)}</span>
      <span class="tag ${photo.state}">${state}</span>
      ${photo.shows.length > 0
        ? html`<p>${photo.shows.map((one) => t.technician.shows(label(one.step), one.score ?? null)).join(", ")}</p>`
        : nothing}
      ${photo.same_photo_as ? html`<p class="quiet">${t.technician.sameAs(nameOf(photo.same_photo_as, mine))}</p>` : nothing}
      ${photo.reason ? html`<p class="wrong">${photo.reason.message}</p>` : nothing}
      ${photo.warnings.map((one) => html`<p class=${one.fails ? "wrong" : "waits"}>${spoken(one.message)}</p>`)}
    </div>
  </li>`;
}
