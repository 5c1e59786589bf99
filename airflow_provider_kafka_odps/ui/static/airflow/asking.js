// Questions to Airflow's public REST API, with the session of whoever looks. Nothing is ever written.

export class Refused extends Error {
  constructor(status, path) {
    super(`${status} from ${path}`);
    this.status = status;
  }

  /** Whether the viewer lacks a right, or a login. */
  get isForbidden() {
    return this.status === 401 || this.status === 403;
  }
}

/** Returns a function that asks for JSON under /api/v2; null: there is no such thing. `base` is Airflow's root. */
export function asker(base) {
  return async (path, query = {}) => {
    // A browser takes these for the way to another question.
    if (path.split("/").some((each) => each === "." || each === "..")) return null;
    const url = new URL(`api/v2/${path}`, base);
    for (const [name, value] of Object.entries(query)) {
      for (const each of Array.isArray(value) ? value : [value]) {
        if (each !== undefined) url.searchParams.append(name, each);
      }
    }
    const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Refused(answer.status, url.pathname);
    return answer.json();
  };
}

export const enc = encodeURIComponent;

/** Airflow gives no more at a time. */
export const PAGE = 100;

/** The answer to a question for which the viewer lacks the right. */
export const HIDDEN = Symbol("hidden");

/** The same question, where it may be that the viewer lacks the right to it: then the answer is `instead`. */
export async function allowed(asked, instead) {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Refused && error.isForbidden) return instead;
    throw error;
  }
}

/** Pages through a list until `most` entries, or all of them, are there. */
export async function listed(ask, path, name, query = {}, most = 1000) {
  const entries = [];
  for (;;) {
    const page = await ask(path, { ...query, limit: PAGE, offset: entries.length });
    const more = page?.[name] ?? [];
    entries.push(...more);
    if (!more.length || entries.length >= most || entries.length >= page.total_entries) return entries;
  }
}
