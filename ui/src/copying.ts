// Buttons that copy an id. They are hidden where no script runs.
export function copying(page: Document): void {
  for (const button of page.querySelectorAll<HTMLButtonElement>("button[data-copy]")) button.hidden = false;
  page.addEventListener("click", async (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("button[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy!);
      button.dataset.done = "";
    } catch {
      // A browser that forbids it, or a page without TLS: the text is chosen, to be copied by hand.
      const text = button.previousElementSibling;
      if (text) page.getSelection()?.selectAllChildren(text);
    }
  });
}
