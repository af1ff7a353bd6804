// @ts-check
/**
 * A review: one evaluation, its deciding photo open, and what to decide.
 *
 * Invariants
 * - One key decides and shows the next, which was loaded while this one was looked at; whether the record stands is told
 *   once the API has said so.
 * - A key decides what is on the screen, and never what is about to be.
 * - The queue that one came from is the way: its filters are in the address.
 */
import { KEYS, open as openKeys } from "./keys.js";
import { isUp, watch } from "./live.js";
import { announce, failure, html, loading, nothing } from "./parts.js";
import { confirmed, whyConfirmed } from "./queue-bulk.js";
import { listOf } from "./queue-list.js";
import { FIRST_PRESET } from "./queue-parts.js";
import { Again } from "./review-again.js";
import { caseOf } from "./review-case.js";
import { Claim } from "./review-claim.js";
import { candidates, Compare, side } from "./review-compare.js";
import { decisions, head, panel, picture } from "./review-layout.js";
import { onPhoto, original } from "./review-photos.js";
import { Reason } from "./review-reason.js";
import { isOwn, othersDecided } from "./review-parts.js";
import * as outbox from "./review-said.js";
import { may } from "./session.js";
import { t } from "./texts.js";
import { Lens, Stage } from "./zoom.js";

/** @typedef {import("./review-case.js").Case} Case */
/** @typedef {import("./review-case.js").Row} Row */
/** @typedef {import("./review-case.js").Photo} Photo */
/** @typedef {{ dialog: import("./review-dialog.js").Dialog, render: () => unknown }} Open */

const LIST_EVERY_MS = 15_000;
const POLL_EVERY_MS = 10_000;
const SETTLE_MS = 300;

/** Kept from one photo of an evaluation to the next. */
const lens = new Lens();

/** @param {import("./main.js").Frame} frame @param {string[]} rest @returns {import("./main.js").View} */
export function open(frame, rest) {
  if (!rest[0]) frame.go("#/queue", { replace: true });
  return new Review(frame, rest[0] ?? "none");
}

export class Review {
  title = t.review.title;
  /** @type {string | null} */
  step = null;
  /** The photo that is open: it is looked up each time, for what is read again brings it anew. @type {string | null} */
  photoId = null;
  /** What is open over it. @type {Open | null} */
  over = null;
  /** What others decided while one looks at it. */
  told = "";
  isAtEnd = false;
  isClosed = false;
  /** The evaluation that is on the screen: nobody decides one that they have not seen. */
  drawn = "";
  /** @type {Claim | null} */
  claim = null;
  stopWatching = () => {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  settle = undefined;

  /** @param {import("./main.js").Frame} frame @param {string} id */
  constructor(frame, id) {
    this.frame = frame;
    this.mayDecide = may("reviewer");
    this.stage = new Stage(t.review.stage, lens);
    this.list = listOf(this.query());
    this.of = this.#caseOf(id);
    this.stops = [
      openKeys({ name: "review", root: () => document.querySelector(".review"), keys: KEYS.review }),
      onPhoto(frame.draw),
      outbox.onSaid((one) => this.#heard(one)),
      leaving(() => this.claim?.end()),
      every(LIST_EVERY_MS, () => this.#freshList()),
      every(POLL_EVERY_MS, () => !isUp() && this.of.load()),
    ];
    this.#freshList();
    this.#begin();
    // The link that led here is gone, and the focus with it.
    this.of.load().then(() => requestAnimationFrame(() => requestAnimationFrame(focusHeading)));
  }

  query() {
    const query = this.frame.query();
    return query.size > 0 ? query : new URLSearchParams(FIRST_PRESET);
  }

  close() {
    this.isClosed = true;
    for (const stop of this.stops) stop();
    this.over?.dialog.close();
    this.#end();
    this.stage.close();
  }

  changed() {
    this.list = listOf(this.query());
    this.#freshList();
  }

  /** @param {string[]} rest */
  moved(rest) {
    this.over?.dialog.close();
    this.#end();
    this.list = listOf(this.query());
    this.of = this.#caseOf(rest[0] ?? "none");
    this.#begin();
    return true;
  }

  /** @param {string} id */
  #caseOf(id) {
    return caseOf(id, () => this.of.id === id && !this.isClosed && this.#changed());
  }

  #begin() {
    this.step = null;
    this.photoId = null;
    this.told = "";
    this.isAtEnd = false;
    lens.reset();
    const { of } = this;
    of.decided = (news) => this.of === of && this.#tell(news);
    const begin = () => {
      if (this.isClosed || this.of !== of || !of.evaluation) return;
      this.title = of.evaluation.dr_number;
      document.title = `${this.title} · ${t.name}`;
      this.claim ??= this.mayDecide ? new Claim(of.evaluation.dr_number, this.frame.draw) : null;
      this.#preload();
    };
    if (of.evaluation) {
      this.#toFirst();
      begin();
    }
    of.load().then(begin);
    this.stopWatching = watch({ evaluation_id: of.id }, (message) => this.#hear(message));
  }

  #end() {
    this.stopWatching();
    clearTimeout(this.settle);
    this.claim?.end();
    this.claim = null;
  }

  /** It was read, or was read again. */
  #changed() {
    if (!this.of.loading) this.#toFirst();
    this.frame.draw();
  }

  /** The step that needs a person first, and its photo, once there are steps: until the verdict there are none. */
  #toFirst() {
    const { evaluation } = this.of;
    const [row] = this.of.byNeed;
    const [photo] = evaluation?.photos ?? [];
    if (!evaluation || this.step !== null || !(row || (photo && !this.photoId))) return;
    if (row) this.chooseStep(row.step);
    else this.photoId = photo.photo_id;
    announce(t.review.now(evaluation.dr_number, t.verdicts[evaluation.verdict ?? "unfinished"] ?? ""));
  }

  /** The photo that is open. @returns {Photo | null} */
  get photo() {
    return this.of.evaluation?.photos.find((one) => one.photo_id === this.photoId) ?? null;
  }

  get row() {
    return this.of.evaluation?.steps.find((one) => one.step === this.step) ?? null;
  }

  /** @param {string} step */
  chooseStep(step) {
    this.step = step;
    const { row } = this;
    this.photoId = (row && this.of.decidingPhoto(row)?.photo_id) ?? null;
    this.frame.draw();
  }

  /** @param {Photo} photo */
  choosePhoto(photo) {
    this.photoId = photo.photo_id;
    this.frame.draw();
    requestAnimationFrame(() => requestAnimationFrame(() => document.querySelector('.strip [aria-pressed="true"]')?.scrollIntoView({ block: "nearest", inline: "nearest" })));
  }

  /** @param {number} by */
  stepBy(by) {
    const steps = this.of.evaluation?.steps ?? [];
    const at = steps.findIndex((row) => row.step === this.step) + by;
    if (steps[at]) this.chooseStep(steps[at].step);
  }

  /** @param {number} by */
  photoBy(by) {
    const photos = this.of.evaluation?.photos ?? [];
    const at = photos.findIndex((photo) => photo.photo_id === this.photoId) + by;
    if (photos[at]) this.choosePhoto(photos[at]);
  }

  /** To another evaluation of the queue. @param {string | null} id */
  to(id) {
    if (id) this.frame.go(`#/review/${id}?${this.list.address}`);
  }

  async next() {
    const { of, list } = this;
    let id = list.free(of.id);
    if (!id && list.at === 0) {
      await list.refresh();
      id = list.free(of.id);
    }
    while (!id && list.next) {
      await list.more();
      if (this.of !== of || this.isClosed || list.error) break;
      id = list.free(of.id);
    }
    if (this.of !== of || this.isClosed) return;
    id ??= list.after(of.id);
    if (id) {
      list.go(of.id, id);
      return this.to(id);
    }
    this.isAtEnd = true;
    if (!list.error) announce(t.review.atEnd);
    this.frame.draw();
  }

  /** What the model says, or what people have made of it, is so. */
  confirm() {
    const { evaluation } = this.of;
    const decision = evaluation && confirmed(evaluation);
    if (!evaluation || !decision || this.isBehind || this.drawn !== evaluation.evaluation_id) return;
    const of = { evaluation: evaluation.evaluation_id, dr: evaluation.dr_number };
    outbox.decide({ ...of, decision, reason: whyConfirmed(evaluation) });
    this.next();
  }

  /** Whether what was just decided of it is not in what is on the screen: the verdict may be another one. */
  get isBehind() {
    return outbox.isNews(this.of.id, this.of.asOf);
  }

  /** Asks why it is otherwise. @param {"pass" | "fail"} decision */
  overrule(decision) {
    const { evaluation } = this.of;
    if (!evaluation || this.drawn !== evaluation.evaluation_id) return;
    this.#over((how) => new Reason({
      ...how,
      of: this.of,
      decision,
      row: this.row,
      photo: this.photo,
      say: (chosen) => this.#say(chosen),
    }));
  }

  /** @param {import("./review-reason.js").Chosen} chosen */
  #say(chosen) {
    const { evaluation } = this.of;
    if (!evaluation) return;
    outbox.decide({ ...chosen, evaluation: evaluation.evaluation_id, dr: evaluation.dr_number });
    const open = chosen.step && this.of.byNeed.find((row) => this.of.needs(row) && row.step !== chosen.step && !this.#isSaid(row.step));
    if (open) this.chooseStep(open.step);
    else this.next();
  }

  /** Whether one has just decided this step. @param {string} step */
  #isSaid(step) {
    return outbox.said.some(({ wish, state }) => wish.evaluation === this.of.id && wish.step === step && (state === "going" || state === "stands"));
  }

  /** One's last decision: of this visit, else of this evaluation. */
  get undoable() {
    return outbox.last()[0] ?? this.of.reviews.findLast(isOwn) ?? null;
  }

  /** Takes the last decision back, and goes to what it was about. */
  async takeBack() {
    const these = outbox.last();
    const [first] = these;
    const before = this.of.reviews.findLast(isOwn);
    if (!first && before) this.withdraw(before);
    if (!first) return;
    if (first.wish.evaluation !== this.of.id) this.to(first.wish.evaluation);
    for (const one of these) await outbox.takeBack(one);
  }

  /** Takes a decision of an earlier visit back. @param {import("./review-case.js").Review} review */
  withdraw(review) {
    const { evaluation } = this.of;
    if (evaluation) outbox.takeBack(outbox.known(review, evaluation));
  }

  again() {
    const { evaluation } = this.of;
    if (!evaluation) return;
    this.#over((how) => new Again({
      ...how,
      evaluation,
      started: (id, isSame) => {
        this.told = isSame ? t.review.again.same : "";
        if (isSame) this.of.load();
        else this.to(id);
      },
    }));
  }

  /** @returns {import("./review-compare.js").Candidate[]} */
  get besides() {
    if (!this.photo || !this.mayDecide) return [];
    return candidates(this.of, this.photo, original(this.of.id, this.photo).link?.is_current ?? true);
  }

  /** Puts the photo beside another one. @param {import("./review-compare.js").Candidate | undefined} candidate */
  compare(candidate) {
    const { of, photo } = this;
    if (!candidate || !photo) return;
    this.#over((how) => new Compare({ ...how, title: candidate.title, own: side(of, photo), other: candidate.other }));
  }

  /** @param {(how: { changed: () => void, closed: () => void }) => Open} make */
  #over(make) {
    this.over?.dialog.close();
    const mine = make({
      changed: this.frame.draw,
      closed: () => {
        if (this.over === mine) this.over = null;
      },
    });
    this.over = mine;
    this.frame.draw();
  }

  /** @param {any} message */
  #hear(message) {
    clearTimeout(this.settle);
    this.settle = setTimeout(() => this.of.reload(), message.type === "review" ? 0 : SETTLE_MS);
  }

  /** What others decided. @param {import("./api.js").Schemas["ReviewSaid"][]} news @param {string} [dr] if it is not the one on the screen */
  #tell(news, dr) {
    const others = othersDecided(news, (step) => this.of.evaluation?.steps.find((row) => row.step === step)?.label ?? "");
    if (!others) return;
    this.told = (dr ? `${dr}: ` : "") + others;
    announce(this.told);
    this.frame.draw();
  }

  /** @param {import("./review-said.js").Said} one */
  #heard(one) {
    if (one.state === "stands") this.#tell(one.answer?.also_decided ?? [], one.wish.evaluation === this.of.id ? "" : one.wish.dr);
    if (one.state === "failed" && outbox.said.includes(one)) announce(outbox.isUnsure(one) ? t.review.notKnown(one.wish.dr) : t.review.notRecorded(one.wish.dr));
    // What failed, too: a reply may have been lost.
    if (one.wish.evaluation === this.of.id && one.at < Infinity) this.of.reload();
    this.frame.draw();
  }

  async #freshList() {
    await this.list.refresh();
    this.#preload();
    this.frame.draw();
  }

  /** The next evaluation and its deciding photo, while one looks at this one. */
  #preload() {
    const id = this.list.after(this.of.id);
    if (!id) return;
    const next = caseOf(id);
    const photo = () => {
      const [row] = next.byNeed;
      const deciding = row ? next.decidingPhoto(row) : null;
      if (deciding && this.mayDecide) original(next.id, deciding);
    };
    if (next.evaluation) photo();
    else next.load().then(photo);
  }

  render() {
    const { of } = this;
    this.drawn = of.id;
    if (!of.evaluation) return html`<section class="review">
      ${of.error ? html`${failure(of.error, () => of.load())}<p><a href="#/queue?${this.list.address}" data-action="queue">${t.review.toQueue}</a></p>` : loading()}
    </section>`;
    const shown = this.photo && this.mayDecide ? original(of.id, this.photo) : null;
    this.stage.show(shown?.image ?? null, `${of.id}/${this.photoId}`);
    return html`<section class="review">
      ${head(this)}
      <div class="work">
        <div class="look">${picture(this, shown)}</div>
        <div class="panel">${panel(this)}</div>
      </div>
      ${decisions(this)}
      ${this.over?.render() ?? nothing}
    </section>`;
  }
}

function focusHeading() {
  const heading = document.querySelector(".review h1");
  if (document.activeElement === document.body && heading instanceof HTMLElement) heading.focus({ preventScroll: true });
}

/** When the page is closed. @param {() => unknown} what */
function leaving(what) {
  addEventListener("pagehide", what);
  return () => removeEventListener("pagehide", what);
}

/** @param {number} ms @param {() => unknown} what */
function every(ms, what) {
  const timer = setInterval(() => !document.hidden && what(), ms);
  return () => clearInterval(timer);
}
