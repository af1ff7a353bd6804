// @ts-check
/** The technician's view: which DR, and what its photos show as they go up. */
import { announce, failure, html, loading, nothing, told_of } from "./parts.js";
import { Adding, adding } from "./technician-adding.js";
import { checklist } from "./technician-checklist.js";
import { DrFollower } from "./technician-dr.js";
import { evaluation } from "./technician-evaluation.js";
import { isSafeToLeave, leave, Left, toDo } from "./technician-leave.js";
import { Notes } from "./technician-notes.js";
import { Pictures, photos } from "./technician-photos.js";
import { drNumber, recent, remember } from "./recent.js";
import { t } from "./texts.js";
import * as uploads from "./uploads.js";
// All of them here, so that a phone asks for them at once and not for one after the other.
import "./kept.js";
import "./photo-files.js";
import "./transfer.js";

/** @param {import("./main.js").Frame} frame @param {string[]} rest @returns {import("./main.js").View} */
export function open(frame, rest) {
  const number = drNumber(rest[0] ?? "");
  uploads.resume();
  if (!number) return new Which(frame, rest[0] ?? "");
  if (number !== rest[0]) frame.go(`#/dr/${number}`, { replace: true });
  return new OfDr(frame, number);
}

/** Which DR it is. */
class Which {
  /** @param {import("./main.js").Frame} frame @param {string} asked */
  constructor(frame, asked) {
    this.frame = frame;
    this.title = t.technician.title;
    this.asked = asked;
    this.isWrong = asked !== "";
    this.close = uploads.onChange(frame.draw);
  }

  /** @param {SubmitEvent} event */
  submit(event) {
    event.preventDefault();
    const field = /** @type {HTMLInputElement} */ (document.getElementById("dr-number"));
    const number = drNumber(field.value);
    this.isWrong = !number;
    if (number) return this.frame.go(`#/dr/${number}`);
    field.focus();
    this.frame.draw();
  }

  render() {
    const kept = uploads.left();
    const last = [...new Set([...kept.keys(), ...recent()])];
    return html`<section class="technician which card">
      <h1>${t.technician.which}</h1>
      <form @submit=${(/** @type {SubmitEvent} */ event) => this.submit(event)} novalidate>
        <label for="dr-number">${t.technician.number}</label>
        <input id="dr-number" name="dr" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="24"
          .defaultValue=${this.asked} aria-invalid=${String(this.isWrong)} aria-describedby="dr-number-hint">
        <button type="submit" class="primary" data-action="open-dr">${t.technician.open}</button>
        <p id="dr-number-hint" class=${this.isWrong ? "wrong" : "quiet"} role=${this.isWrong ? "alert" : nothing}>
          ${this.isWrong ? t.technician.noNumber : t.technician.numberHint}
        </p>
      </form>
      ${last.length === 0 ? nothing : html`
        <h2>${t.technician.last}</h2>
        <ul class="last-drs">
          ${last.map((dr) => html`<li>
            <a class="button" href="#/dr/${dr}">${dr}</a>
            ${kept.has(dr) ? html`<span class="waits">${t.technician.stillKept(kept.get(dr) ?? 0)}</span>` : nothing}
          </li>`)}
        </ul>`}
    </section>`;
  }
}

/** A DR. */
class OfDr {
  /** @param {import("./main.js").Frame} frame @param {string} number */
  constructor(frame, number) {
    this.frame = frame;
    this.number = number;
    this.title = number;
    this.wasSafe = false;
    this.wasOld = false;
    remember(number);
    this.pictures = new Pictures();
    this.adding = new Adding(number, frame.draw);
    this.left = new Left();
    this.follower = new DrFollower(number, () => this.changed());
    this.notes = new Notes((step, kind, reason) => this.follower.note(step, kind, reason), frame.draw);
  }

  changed() {
    const { dr } = this.follower.known;
    const isSafe = Boolean(dr && isSafeToLeave(dr, uploads.of(this.number)));
    if (isSafe && !this.wasSafe) announce(t.technician.safe);
    this.wasSafe = isSafe;
    const isOld = Boolean(dr && this.follower.known.problem);
    if (isOld && !this.wasOld) announce(t.technician.old);
    this.wasOld = isOld;
    this.frame.draw();
  }

  close() {
    this.follower.close();
    this.pictures.close();
  }

  render() {
    const { dr, problem } = this.follower.known;
    const mine = uploads.of(this.number);
    this.pictures.update(mine);
    const head = html`<div class="dr-head"><h1>${this.number}</h1><a href="#/dr">${t.technician.other}</a></div>`;
    if (!dr) {
      return html`<div class="technician">${head}
        ${adding(this.number, mine, null, this.adding)}
        ${problem ? failure(problem, () => this.follower.ask()) : loading(t.technician.loading)}
      </div>`;
    }
    return html`<div class="technician">
      ${head}
      <div class="now">
        ${problem ? html`<p class="waits">${t.technician.old} ${told_of(problem).text}</p>` : nothing}
        ${leave(dr, mine)}
        ${adding(this.number, mine, dr, this.adding)}
        ${toDo(dr, this.left, mine, this.adding.add)}
        ${evaluation(this.follower, dr)}
      </div>
      <div class="seen-so-far">
        ${checklist(dr, mine, this.pictures, this.notes)}
        ${photos(dr, mine, this.pictures)}
      </div>
    </div>`;
  }
}
