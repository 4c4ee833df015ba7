// The command palette: a dialog whose list the server makes, as whoever asks may see it.
export interface Palette {
  open(): void;
}

/** The dialog of a page, or nothing where nobody is logged in. */
export function palette(page: Document): Palette | null {
  const dialog = page.querySelector<HTMLDialogElement>("dialog#palette");
  const input = dialog?.querySelector<HTMLInputElement>("input[name=q]");
  if (!dialog || !input) return null;
  const links = () => [...dialog.querySelectorAll<HTMLAnchorElement>("#jumps a")];

  function move(by: number): void {
    const all = links();
    if (!all.length) return;
    const at = all.indexOf(page.activeElement as HTMLAnchorElement);
    const to = at < 0 && by < 0 ? all.length - 1 : at + by;
    if (to < 0 || to >= all.length) input!.focus();
    else all[to]!.focus();
  }

  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && event.target === input) {
      event.preventDefault(); // the first of the list, not the form
      links()[0]?.click();
    }
  });
  return {
    open() {
      if (dialog.open) return;
      input.value = "";
      dialog.showModal();
      input.dispatchEvent(new Event("opened")); // the list for no words yet
    },
  };
}
