// Numbers, times and ranges as people read them; ranges are written as in logs and errors, so that one can search them.

export const number = (value) => Math.round(value).toLocaleString("en-US").replaceAll(",", "\u202f");

/** `3 rows`, `1 row`. */
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

export const range = (topic, partition, [start, end]) => `${topic}[${partition}]@[${start}, ${end})`;

function short(value) {
  return value < 10 ? value.toFixed(1) : number(value);
}

export function bytes(value) {
  for (const [unit, name] of [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (value >= unit) return `${short(value / unit)} ${name}`;
  }
  return `${number(value)} B`;
}

export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} days`;
}

/** `2026-11-22 10:00` in UTC, with seconds where there are any; what is no time stays as it is. */
export function instant(text) {
  const time = typeof text === "string" && /^\d{4}-\d\d-\d\dT/.test(text) ? new Date(text) : new Date(NaN);
  if (Number.isNaN(time.getTime())) return String(text);
  const written = time.toISOString();
  const seconds = written.slice(17, 19) === "00" ? "" : written.slice(16, 19);
  return `${written.slice(0, 10)} ${written.slice(11, 16)}${seconds} UTC`;
}

export const ago = (text, now) => `${duration(Math.max(0, (now - Date.parse(text)) / 1000))} ago`;

/** Offsets that were given as one end of a window; null: it is something else. */
function given(text) {
  try {
    const offsets = JSON.parse(text);
    return offsets !== null && typeof offsets === "object" ? Object.entries(offsets) : null;
  } catch {
    return null;
  }
}

/** What a window was asked for, in one line: both ends of a day share its date. */
export function asked(window) {
  const [first, last] = [given(window.start?.asked), given(window.end?.asked)];
  if (first && last) {
    const [[partition, one], [, two]] = [first[0] ?? ["", ""], last[0] ?? ["", ""]];
    if (first.length === 1 && last.length === 1) return `partition ${partition}, offsets ${one} \u2192 ${two}`;
    return `given offsets of ${first.length} partitions, ${sumOf(first)} \u2192 ${sumOf(last)} in all`;
  }
  const [start, end] = [instant(window.start?.asked), instant(window.end?.asked)];
  const [day, from, zone] = start.split(" ");
  const [same, to] = end.split(" ");
  if (zone !== "UTC" || !end.endsWith(" UTC")) return `${start} \u2192 ${end}`;
  return day === same ? `${day} ${from} \u2192 ${to} UTC` : `${day} ${from} \u2192 ${same} ${to} UTC`;
}

const sumOf = (offsets) => number(offsets.reduce((sum, [, offset]) => sum + Number(offset), 0));

export const partitionsOf = (window) => Object.keys(window.partitions).map(Number).sort((a, b) => a - b);

export const spanOf = ([start, end]) => Math.max(0, end - start);
