// @ts-check
/**
 * Sends one file to where the API says, and says how far it has come.
 *
 * Invariants
 * - It ends: who does not get on for a while is stopped, so that nobody waits for what stands still.
 * - A file is stored only if S3 says so.
 */

/** Without getting on for so long a transfer is stopped. */
const STALLED_MS = 20_000;
/** Once the browser has handed all of it on, much may still be on its way: the answer has so long. */
const ANSWERED_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 1000;
/** S3 answers so that it has the photo: now, or since before. */
const STORED = [200, 412];

/**
 * @typedef {"stored" | "stalled" | "cut" | "busy" | "expired" | "refused"} End
 * `expired`: the address is good no more; `refused`: what came is not what was said.
 */

/**
 * @param {{ url: string, headers: Record<string, string> }} address
 * @param {Blob} file
 * @param {(sent: number) => void} progress bytes that have gone
 * @returns {Promise<End>}
 */
export function transfer(address, file, progress) {
  return new Promise((end) => {
    const request = new XMLHttpRequest();
    let moved = Date.now();
    let limit = STALLED_MS;
    let isStalled = false;
    const look = setInterval(() => {
      if (Date.now() - moved < limit) return;
      isStalled = true;
      request.abort();
    }, LOOK_EVERY_MS);
    request.upload.onprogress = (event) => {
      moved = Date.now();
      progress(event.loaded);
    };
    request.upload.onload = () => {
      moved = Date.now();
      limit = ANSWERED_WITHIN_MS;
    };
    request.onloadend = () => {
      clearInterval(look);
      end(isStalled ? "stalled" : meaning(request.status));
    };
    request.open("PUT", address.url);
    for (const [name, value] of Object.entries(signed(address))) request.setRequestHeader(name, value);
    request.send(file);
  });
}

/**
 * How long an address is used: not in its last moments. By how long it was signed for, since the phone's clock may be
 * wrong.
 * @param {string} url
 */
export function goodFor(url) {
  const seconds = Number(new URL(url).searchParams.get("X-Amz-Expires"));
  return seconds > 0 ? seconds * 900 : 300_000;
}

/** @param {number} status @returns {End} */
function meaning(status) {
  if (STORED.includes(status)) return "stored";
  if (status === 403) return "expired";
  if (status === 400) return "refused";
  return status === 0 ? "cut" : "busy";
}

/**
 * The headers that the address was signed with, and no other, for S3 lets a page send no other. The length is the
 * browser's to say.
 * @param {{ url: string, headers: Record<string, string> }} address
 */
function signed({ url, headers }) {
  const names = (new URL(url).searchParams.get("X-Amz-SignedHeaders") ?? "").split(";");
  const sent = Object.entries(headers).filter(([name]) => names.includes(name.toLowerCase()) && name.toLowerCase() !== "content-length");
  return Object.fromEntries(sent);
}
