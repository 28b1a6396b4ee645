// Makes workers/classify/tests/reference/nsfwjs-4.3.0.json: what nsfwjs itself, on TensorFlow.js's plain JavaScript
// backend, says of pictures that are described by formulas and so are the same in every language. Run it again only
// for another version of nsfwjs; nothing here is needed to build, test or run. In an empty folder outside of the
// repository:
//
//     npm install --ignore-scripts --legacy-peer-deps nsfwjs@4.3.0 @tensorflow/tfjs@4.22.0 pngjs@7.0.0
//     cp …/models/nsfw-mobilenet-v2/reference.mjs . && node reference.mjs [PICTURE.png] > nsfwjs-4.3.0.json
//
// A PNG given as an argument is added as `file`, its alpha dropped, with the SHA-256 of its RGB bytes.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { load } from "nsfwjs/core";
import { MobileNetV2Model } from "nsfwjs/models/mobilenet_v2";
import png from "pngjs";

const noise = (seed) => () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) >>> 24;
const div = (a, b) => Math.floor(a / b);
const disc = (x, y, cx, cy, r) => (x - cx) ** 2 + (y - cy) ** 2 <= r * r;

// Each takes x, y, width and height, and answers red, green and blue; called row by row. tests/common/pictures.rs
// holds the same formulas.
const formulas = {
  gradient: () => (x, y, w, h) => [div(x * 255, w - 1), div(y * 255, h - 1), div((x + y) * 255, w + h - 2)],
  checkerboard: () => (x, y) => ((div(x, 37) + div(y, 37)) % 2 ? [230, 40, 60] : [20, 200, 240]),
  noise: () => { const next = noise(12345); return () => [next(), next(), next()]; },
  discs: () => (x, y, w, h) =>
    disc(x, y, div(w, 2), div(h, 3), div(h, 5)) ? [224, 172, 140]
    : disc(x, y, div(w, 2), div(h * 4, 5), div(h, 3)) ? [198, 134, 100]
    : [40 + div(y * 80, h), 60, 90],
  stripes: () => (x, y) => ((x + 2 * y) % 24 < 12 ? [250, 250, 245] : [30, 30, 35]),
  waves: () => (x, y) => [(x * y) & 255, (x * x + y) & 255, (x + y * y) & 255],
  flat: () => () => [128, 64, 32],
};
const sizes = [
  ["gradient", 640, 480], ["gradient", 223, 225], ["checkerboard", 300, 500], ["checkerboard", 64, 48],
  ["noise", 100, 100], ["noise", 224, 224], ["noise", 1000, 40], ["discs", 500, 333], ["discs", 768, 1024],
  ["stripes", 320, 240], ["waves", 640, 480], ["waves", 5, 3], ["flat", 1, 1], ["flat", 50, 1],
];

const draw = (name, width, height) => {
  const at = formulas[name]();
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels.set(at(x, y, width, height), (y * width + x) * 3);
  }
  return { formula: name, width, height, pixels };
};
const decode = (path) => {
  const { width, height, data } = png.PNG.sync.read(readFileSync(path));
  return { file: basename(path), width, height, pixels: data.filter((_, i) => i % 4 !== 3) };
};

console.info = () => {};
await tf.setBackend("cpu");
const model = await load("MobileNetV2", { modelDefinitions: [MobileNetV2Model] });
const pictures = [...sizes.map((s) => draw(...s)), ...process.argv.slice(2).map(decode)];
const results = [];
for (const { pixels, ...picture } of pictures) {
  const image = tf.tensor3d(Int32Array.from(pixels), [picture.height, picture.width, 3], "int32");
  const said = await model.classify(image, 5);
  const scores = Object.fromEntries(said.map((s) => [s.className.toLowerCase(), s.probability]).sort());
  results.push({ ...picture, rgb_sha256: createHash("sha256").update(pixels).digest("hex"), scores });
  image.dispose();
}
console.log(JSON.stringify({ nsfwjs: "4.3.0", tfjs: tf.version.tfjs, backend: tf.getBackend(), pictures: results }, null, 1));
