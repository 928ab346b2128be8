// Colours that colour-blind people can tell apart (those of Okabe and Ito), one for each class.

export const PALETTE = ["#e69f00", "#56b4e9", "#f0e442", "#cc79a7", "#2fc39a", "#ff7043", "#7aa6ff", "#d9d9d9"];

let known = new Map();

// Takes a model's classes, so that objects in space have the colours of their detections.
export function nameClasses(names) {
  known = new Map(names.map((name, index) => [name, index]));
}

export function colorOf(name, index = -1) {
  if (Number.isInteger(index) && index >= 0) return PALETTE[index % PALETTE.length];
  if (known.has(name)) return PALETTE[known.get(name) % PALETTE.length];
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)) >>> 0;
  return PALETTE[hash % PALETTE.length];
}

export function rgbOf(color) {
  const value = Number.parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
