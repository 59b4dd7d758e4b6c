/** Tables that are drawn anew again and again without taking the focus away. */
import { element, make, show } from "../dom.ts";

/** A cell: text, or something to press. */
export type Cell = Node | string;

/** Fill a table's body; each row has a key by which its button keeps the focus. */
export function fill(id: string, rows: [key: string, cells: Cell[]][]): void {
  const body = element(id, "table").tBodies[0];
  if (body === undefined) {
    return;
  }
  const focused = document.activeElement?.closest("tr");
  const key = focused !== null && body.contains(focused ?? null) ? focused?.dataset.key : undefined;
  body.replaceChildren(
    ...rows.map(([name, cells]) =>
      make("tr", { "data-key": name }, ...cells.map((cell) => make("td", {}, cell))),
    ),
  );
  if (key !== undefined) {
    body.querySelector<HTMLElement>(`tr[data-key="${CSS.escape(key)}"] button`)?.focus();
  }
  show(element(`${id}-empty`, "p"), rows.length === 0);
}

/** Names and values, as a description list. A value may be bad. */
export function facts(id: string, rows: [name: string, value: string, bad?: boolean][]): void {
  element(id, "dl").replaceChildren(
    ...rows.flatMap(([name, value, bad]) => [
      make("dt", {}, name),
      make("dd", bad ? { "data-bad": "" } : {}, value),
    ]),
  );
}

/** A button of a row. */
export function button(label: string, described: string, pressed: () => void): HTMLButtonElement {
  const made = make(
    "button",
    { type: "button", class: "button", "aria-label": `${label}: ${described}` },
    label,
  );
  made.addEventListener("click", pressed);
  return made;
}
