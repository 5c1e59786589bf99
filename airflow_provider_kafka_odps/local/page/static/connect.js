// Lines to copy: how each client is told about this endpoint.

import { el } from "./dom.js";

/** Clients and what one writes for them; the key is shown only where it is the one of the documentation. */
export function snippets({ project, access_id: id, access_key: known, schemas }, address) {
  const key = known ?? "<your access key>";
  const airflow = {
    conn_type: "maxcompute", extra: { access_key_id: id, access_key_secret: key, project, endpoint: address },
  };
  return [
    ["PyODPS", `from odps import ODPS\n\nodps = ODPS("${id}", "${key}", "${project}", "${address}")`],
    ["SQLAlchemy", `odps://${id}:${key}@${project}/?endpoint=${address}`],
    ["Airflow", `export AIRFLOW_CONN_MAXCOMPUTE_DEFAULT='${JSON.stringify(airflow)}'`],
    ["Java", `Odps odps = new Odps(new AliyunAccount("${id}", "${key}"));\nodps.setEndpoint("${address}");\n`
      + `odps.setDefaultProject("${project}");`],
    ["JDBC (DBeaver)", `jdbc:odps:${address}?project=${project}&odpsNamespaceSchema=${schemas}&accessId=${id}&accessKey=${key}`],
    ["dbt", `type: maxcompute\nproject: ${project}\nschema: default\nendpoint: ${address}\n`
      + `access_key_id: ${id}\naccess_key_secret: ${key}`],
  ];
}

function copied(text, button) {
  const done = () => {
    button.textContent = "copied";
  };
  // Without a secure context there is no clipboard: the text is selected, and the keyboard copies it.
  const select = () => {
    const chosen = document.createRange();
    chosen.selectNodeContents(button.closest("section").querySelector("pre"));
    getSelection().removeAllRanges();
    getSelection().addRange(chosen);
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, select);
  else select();
}

export function connectLines(endpoint, address) {
  return el("div", { class: "snippets" }, snippets(endpoint, address).map(([name, text]) => {
    const button = el("button", { type: "button", id: `copy-${name.split(" ")[0]}`, click: () => copied(text, button) }, "copy");
    return el("section", { "aria-label": name }, el("h3", {}, name, button), el("pre", {}, text));
  }));
}
