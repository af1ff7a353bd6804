// sharp's side of `bench photos`. Each line of standard input is a request, each line of standard output its answer;
// tests/bench/src/photos/side.rs describes both. Time is measured here, so that neither side pays for the pipe.
"use strict";

const { readFile } = require("node:fs/promises");
const readline = require("node:readline");
const sharp = require("sharp");

// One thread a photo: at two threads two photos are under way, as on our side. And nothing may be remembered.
sharp.concurrency(1);
sharp.cache(false);

async function prepare(path, longEdge, quality) {
  const { data, info } = await sharp(await readFile(path))
    .rotate()
    .resize({ width: longEdge, height: longEdge, fit: "inside", withoutEnlargement: true, kernel: "lanczos3" })
    .toColourspace("srgb")
    .jpeg({ quality, chromaSubsampling: "4:2:0", mozjpeg: false })
    .toBuffer({ resolveWithObject: true });
  return { base64: data.toString("base64"), bytes: data.length, width: info.width, height: info.height };
}

async function one(path, { long_edge: longEdge, quality, keep }) {
  const begun = process.hrtime.bigint();
  try {
    const { base64, ...figures } = await prepare(path, longEdge, quality);
    const ms = Number(process.hrtime.bigint() - begun) / 1e6;
    return { ms, ...figures, ...(keep && { jpeg: base64 }) };
  } catch (error) {
    return { ms: Number(process.hrtime.bigint() - begun) / 1e6, error: String(error.message) };
  }
}

async function all(request) {
  const photos = new Array(request.photos.length);
  let next = 0;
  const loop = async () => {
    for (let index = next++; index < photos.length; index = next++) {
      photos[index] = await one(request.photos[index], request);
    }
  };
  await Promise.all(Array.from({ length: request.workers }, loop));
  return photos;
}

async function answer(line) {
  const begun = process.hrtime.bigint();
  const cpuBefore = process.cpuUsage();
  const photos = await all(JSON.parse(line));
  const { user, system } = process.cpuUsage(cpuBefore);
  const wall_ms = Number(process.hrtime.bigint() - begun) / 1e6;
  process.stdout.write(`${JSON.stringify({ wall_ms, cpu_ms: (user + system) / 1e3, photos })}\n`);
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    await answer(line);
  }
})();
