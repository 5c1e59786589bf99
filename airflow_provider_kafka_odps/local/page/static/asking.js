// What the page asks the endpoint; a refusal is an Error with the endpoint's own words.

async function answered(answer) {
  if (answer.status === 204) return undefined;
  const text = await answer.text();
  let content;
  try {
    content = JSON.parse(text);
  } catch {
    content = { Message: text };
  }
  if (!answer.ok) throw new Error(content.Message ?? `the endpoint answered ${answer.status}`);
  return content;
}

const sent = (method, path, content) => fetch(path, {
  method,
  body: content === undefined ? undefined : JSON.stringify(content),
  headers: content === undefined ? {} : { "Content-Type": "application/json" },
}).then(answered);

const enc = encodeURIComponent;

export const overview = () => sent("GET", "/_page/overview");
export const table = (full) => sent("GET", `/_page/tables/${enc(full)}`);
export const run = (query) => sent("POST", "/_page/statements", { query });
export const statement = (id) => sent("GET", `/_page/statements/${enc(id)}`);
export const stop = (id) => sent("DELETE", `/_page/statements/${enc(id)}`);
export const setFault = (rule) => sent("POST", "/_control/faults", rule);
export const clearFaults = () => sent("DELETE", "/_control/faults");
