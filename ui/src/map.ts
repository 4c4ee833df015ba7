// The map of the Picture, which the server draws: with a script it zooms and moves, and a sentence shows its arc.
interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

const NEAREST = 1 / 40; // of the whole map's width

interface Control {
  turn(what: string): void;
  again(): void;
}

const controls = new WeakMap<SVGSVGElement, Control>();

export function map(page: Document): void {
  begin(page);
  // A page that keeps itself up to date brings its map anew, as the server draws it.
  page.addEventListener("htmx:after:swap", () => begin(page));
  page.addEventListener("click", (event) => {
    const button = (event.target as Element).closest<HTMLButtonElement>("button[data-zoom]");
    const svg = button?.closest("figure")?.querySelector<SVGSVGElement>("svg[data-map]");
    if (svg) controls.get(svg)?.turn(button!.dataset.zoom!);
  });
  for (const kind of ["pointerenter", "focusin", "pointerleave", "focusout"] as const) {
    for (const line of page.querySelectorAll<HTMLElement>("[data-arc]")) {
      line.addEventListener(kind, () => {
        const arc = page.getElementById(line.dataset.arc!);
        arc?.toggleAttribute("data-current", kind === "pointerenter" || kind === "focusin");
      });
    }
  }
}

function begin(page: Document): void {
  for (const svg of page.querySelectorAll<SVGSVGElement>("svg[data-map]")) {
    const known = controls.get(svg);
    if (known) known.again();
    else controls.set(svg, moving(svg));
    for (const button of svg.closest("figure")?.querySelectorAll<HTMLButtonElement>("button[data-zoom]") ?? []) button.hidden = false;
  }
}

function moving(svg: SVGSVGElement): Control {
  const { x, y, width, height } = svg.viewBox.baseVal;
  const whole: Box = { x, y, width, height };
  let box = { ...whole };
  let held: { x: number; y: number } | null = null;

  function show(next: Box): void {
    const across = Math.min(Math.max(next.width, whole.width * NEAREST), whole.width);
    const down = (across * whole.height) / whole.width;
    box = {
      width: across,
      height: down,
      x: Math.min(Math.max(next.x, whole.x), whole.x + whole.width - across),
      y: Math.min(Math.max(next.y, whole.y), whole.y + whole.height - down),
    };
    svg.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
    // Lines and points keep their size on the screen.
    svg.style.setProperty("--zoom", String(box.width / whole.width));
  }

  function zoom(by: number, at?: { clientX: number; clientY: number }): void {
    const frame = svg.getBoundingClientRect();
    const across = at ? (at.clientX - frame.left) / frame.width : 0.5;
    const down = at ? (at.clientY - frame.top) / frame.height : 0.5;
    const next = Math.min(Math.max(box.width * by, whole.width * NEAREST), whole.width);
    show({
      width: next,
      height: (next * whole.height) / whole.width,
      x: box.x + (box.width - next) * across,
      y: box.y + (box.height - (next * whole.height) / whole.width) * down,
    });
  }

  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1.25 : 0.8, event);
    },
    { passive: false },
  );
  svg.addEventListener("pointerdown", (event) => {
    if ((event.target as Element).closest("a") || box.width >= whole.width) return;
    held = { x: event.clientX, y: event.clientY };
    svg.setPointerCapture(event.pointerId);
  });
  svg.addEventListener("pointermove", (event) => {
    if (!held) return;
    const scale = box.width / svg.getBoundingClientRect().width;
    show({ ...box, x: box.x - (event.clientX - held.x) * scale, y: box.y - (event.clientY - held.y) * scale });
    held = { x: event.clientX, y: event.clientY };
  });
  for (const end of ["pointerup", "pointercancel"] as const) svg.addEventListener(end, () => (held = null));
  return {
    turn: (what) => (what === "whole" ? show(whole) : zoom(what === "in" ? 0.6 : 1 / 0.6)),
    again: () => show(box),
  };
}
