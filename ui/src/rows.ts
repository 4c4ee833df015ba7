// The rows of a page's list: one of them is current, moved by keys and kept in the address, so that a link leads to the same row.
export interface Rows {
  move(by: number): void;
  choose(): void;
}

const LINE = "main tbody tr";

export function rows(page: Document): Rows {
  const all = () => [...page.querySelectorAll<HTMLTableRowElement>(LINE)].filter((row) => row.querySelector("a[href]"));
  const current = () => page.querySelector<HTMLTableRowElement>(`${LINE}[data-current]`);

  function select(row: HTMLTableRowElement): void {
    current()?.removeAttribute("data-current");
    row.dataset.current = "";
    row.querySelector<HTMLAnchorElement>("a[href]")!.focus();
    const place = new URL(location.href);
    place.hash = `row-${all().indexOf(row) + 1}`;
    history.replaceState(history.state, "", place);
  }

  function chooseAll(): void {
    for (const head of page.querySelectorAll<HTMLTableCellElement>("main th.pick")) {
      const table = head.closest("table")!;
      const boxes = () => [...table.querySelectorAll<HTMLInputElement>("tbody input[type=checkbox]")];
      if (head.querySelector("input") || boxes().length < 2) continue;
      const box = page.createElement("input");
      box.type = "checkbox";
      box.setAttribute("aria-label", head.dataset.all ?? head.textContent!.trim());
      box.addEventListener("change", () => boxes().forEach((one) => (one.checked = box.checked)));
      head.append(box);
      let last = -1; // with Shift, everything between this one and the one before
      table.addEventListener("click", (event) => {
        const at = boxes().indexOf(event.target as HTMLInputElement);
        if (at < 0) return;
        if (event.shiftKey && last >= 0) {
          const on = boxes()[at]!.checked;
          for (const one of boxes().slice(Math.min(at, last), Math.max(at, last))) one.checked = on;
        }
        last = at;
      });
    }
  }

  chooseAll();
  page.addEventListener("htmx:after:swap", chooseAll);
  const place = Number(/^#row-(\d{1,4})$/.exec(location.hash)?.[1] ?? 0);
  const row = all()[place - 1];
  if (row) select(row);
  return {
    move(by) {
      const list = all();
      const at = list.indexOf(current()!);
      const next = list[at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1)];
      if (next) select(next);
    },
    choose() {
      current()?.querySelector<HTMLInputElement>("input[type=checkbox]")?.click();
    },
  };
}
