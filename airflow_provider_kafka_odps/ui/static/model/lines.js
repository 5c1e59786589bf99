// A message of this package, as it was before it was laid out for Airflow's log, whose page breaks no lines.

const WIDTH = 84;

const indentOf = (line) => line.length - line.trimStart().length;

/**
 * Puts the lines of a message together again: a line that hangs below the one before, because there was no room for it,
 * goes on there; what is a list stays one. `taken` is what stood in front of the first line in the log.
 */
export function unbroken(text, taken = 0) {
  const lines = [];
  let [indent, length] = [0, 0];
  for (const line of text.split("\n").map((each) => each.trimEnd())) {
    if (!line) continue;
    const word = line.trim().split(" ")[0];
    const hangs = lines.length > 0 && indentOf(line) === indent + 2;
    if (hangs && (lines.at(-1).endsWith(";") || length + 1 + word.length > WIDTH)) {
      lines[lines.length - 1] += ` ${line.trim()}`;
    } else {
      indent = indentOf(line);
      lines.push(line);
    }
    length = line.length + (lines.length === 1 && !hangs ? taken : 0);
  }
  return lines;
}
