// Keys: they do what a link or a field of the page does, never anything else, and never while somebody types.
import type { Palette } from "./palette.ts";
import type { Rows } from "./rows.ts";

const TYPED = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]";

export function keys(page: Document, table: Rows, jump: Palette | null): void {
  const help = page.querySelector<HTMLDialogElement>("dialog#keys");
  let went = 0; // when `g` was pressed
  for (const button of page.querySelectorAll<HTMLButtonElement>("button[data-opens]")) {
    button.hidden = false;
    button.addEventListener("click", () => (button.dataset.opens === "palette" ? jump?.open() : help?.showModal()));
  }

  page.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // an input method is at work
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k" && jump) {
      event.preventDefault();
      jump.open();
      return;
    }
    const target = event.target as Element;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest(TYPED) || page.querySelector("dialog[open]")) return;
    if (event.timeStamp - went < 1_000) {
      const link = page.querySelector<HTMLAnchorElement>(`header nav a[data-key="${CSS.escape(event.key)}"]`);
      went = 0;
      if (link) {
        event.preventDefault();
        link.click();
        return;
      }
    }
    const act = {
      "/": () => page.querySelector<HTMLInputElement>("main form[role=search] input[type=search], .find input")?.focus(),
      j: () => table.move(1),
      k: () => table.move(-1),
      x: () => table.choose(),
      g: () => (went = event.timeStamp),
      "?": () => help?.showModal(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
