// @ts-check
/**
 * What is known of a file before it is sent: whether it is a photo, what it is to be called, a small picture of it.
 *
 * Invariants
 * - What is in a file decides whether it is a photo, not what it is called.
 * - No two photos are to be called the same: what is stored under a photo's name is that photo.
 */
import { t } from "./texts.js";

/** Bytes that S3 takes. */
const LARGEST = 50_000_000;
/** Bytes at a file's front that say what it is. */
const FRONT = 16;
/** Hexadecimal digits of what is in a photo that stand in its name. */
const DIGITS = 10;
const LONGEST_STEM = 80;
const SMALL = 240;
const ENDINGS = { "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/heic": ".heic", "image/heif": ".heif" };
/** What phones call a photo that they have just taken. */
const NAMELESS = /^(image|img|photo|blob|capture|picture)?$/i;

/** @typedef {keyof typeof ENDINGS} PhotoType */

/** Why a file can't be a photo of a DR, in words with what to do; null if it can. @param {Blob} blob @param {PhotoType | null} type */
export function refusal(blob, type) {
  if (blob.size === 0) return t.technician.refused.empty;
  if (!type) return t.technician.refused.type;
  if (blob.size > LARGEST) return t.technician.refused.size;
  return null;
}

/** What kind of photo it is, if one. @param {Blob} blob @returns {Promise<PhotoType | null>} */
export async function kind(blob) {
  const bytes = new Uint8Array(await blob.slice(0, FRONT).arrayBuffer());
  const text = String.fromCharCode(...bytes);
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG")) return "image/png";
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") return "image/webp";
  if (text.slice(4, 8) !== "ftyp") return null;
  const brand = text.slice(8, 12);
  if (/^(heic|heix|heim|heis|hevc|hevx)$/.test(brand)) return "image/heic";
  return /^(mif1|msf1)$/.test(brand) ? "image/heif" : null;
}

/** What is in it, as hexadecimal digits. @param {ArrayBuffer} bytes */
export async function hash(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * What a photo is to be called where it is stored. What hints at a step in the phone's name does so in this one, and a
 * photo that was taken for a step is called by it.
 * @param {string} name
 * @param {PhotoType} type
 * @param {string} sha256
 * @param {{ number: number, step: string } | null} [taken]
 */
export function wanted(name, type, sha256, taken) {
  const mark = sha256.slice(0, DIGITS);
  const ending = /\.[A-Za-z0-9]{2,5}$/.exec(name)?.[0].toLowerCase() ?? ENDINGS[type];
  const stem = name.replace(/\.[A-Za-z0-9]{2,5}$/, "").replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^[._]+/, "").slice(0, LONGEST_STEM);
  if (taken) return `step${taken.number}_${taken.step}_${mark}${ending}`;
  // Behind a slot stands a number and nothing else.
  if (/_ph_/i.test(stem)) return `${mark}_${stem}${ending}`;
  return `${stem || "photo"}_${mark}${ending}`;
}

/** A stored name without what makes it the only one. @param {string} name */
export const shown = (name) => spoken(name);

/** Words that name stored photos, without what makes their names the only ones. @param {string} text */
export const spoken = (text) => text.replace(/(?<![\w.-])[0-9a-f]{10}_(?=[^\s,]*_ph_)/g, "").replace(/_[0-9a-f]{10}(?=\.[a-z0-9]{2,5}(?![\w]))/g, "");

/** What a photo is called for people: phones call all that they have just taken the same. @param {File} file */
export function called(file) {
  const stem = file.name.replace(/\.[A-Za-z0-9]{2,5}$/, "");
  if (!NAMELESS.test(stem)) return file.name;
  const at = new Date(file.lastModified || Date.now());
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  return `photo-${two(at.getHours())}-${two(at.getMinutes())}-${two(at.getSeconds())}${file.name.slice(stem.length)}`;
}

/** A small picture of a photo; none where the browser can't read it. @param {Blob} blob @returns {Promise<Blob | undefined>} */
export async function small(blob) {
  try {
    const bitmap = await createImageBitmap(blob, { resizeWidth: SMALL, resizeQuality: "low" });
    const canvas = document.createElement("canvas");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    bitmap.close();
    return await new Promise((use) => canvas.toBlob((made) => use(made ?? undefined), "image/jpeg", 0.7));
  } catch {
    return undefined;
  }
}
