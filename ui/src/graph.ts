// The drawing of what is around an object: one request, whole numbers, WebGL. It moves by the reader's hand alone, and says no more than the table.
import { MultiUndirectedGraph } from "graphology";
import Sigma from "sigma";
import { EdgeLineProgram, EdgeRectangleProgram } from "sigma/rendering";

interface Drawing {
  types: string[];
  type: number[];
  id: string[];
  name: string[];
  step: number[];
  x: number[];
  y: number[];
  link: number[];
  kind: string[];
}

interface Shown {
  color: string;
  kind: string;
}

const MANY = 2_000; // links beyond which each is one pixel wide

function size(objects: number, step: number): number {
  const usual = objects > 5_000 ? 1.8 : objects > 1_000 ? 2.5 : objects > 100 ? 4 : 7;
  return step === 0 ? usual * 1.8 + 2 : usual;
}

/** By type, the colour and the word of the legend. */
function legend(page: Document): Map<string, Shown> {
  const found = new Map<string, Shown>();
  for (const line of page.querySelectorAll<HTMLElement>(".legend [data-type]")) {
    const dot = line.querySelector(".dot");
    found.set(line.dataset.type!, {
      color: dot ? getComputedStyle(dot).backgroundColor : "#808080",
      kind: line.querySelector(".word")?.textContent ?? line.dataset.type!,
    });
  }
  return found;
}

function made(drawing: Drawing, shown: Map<string, Shown>, here: string, other: string): MultiUndirectedGraph {
  const graph = new MultiUndirectedGraph();
  const count = drawing.id.length;
  for (let n = 0; n < count; n++) {
    const type = drawing.types[drawing.type[n]!]!;
    const of = shown.get(type) ?? { color: other, kind: n === 0 ? here : type };
    const name = drawing.name[n];
    graph.addNode(String(n), {
      x: drawing.x[n]!,
      y: -drawing.y[n]!,
      size: size(count, drawing.step[n]!),
      color: of.color,
      label: name || null,
      full: name ? `${name} · ${of.kind}` : of.kind,
      forceLabel: n === 0,
    });
  }
  for (let n = 0; n < drawing.link.length; n += 2) {
    graph.addEdge(String(drawing.link[n]!), String(drawing.link[n + 1]!), { label: drawing.kind[n / 2] ?? null });
  }
  return graph;
}

/** The name of what is pointed at, on the paper of the page. */
function named(context: CanvasRenderingContext2D, data: { x: number; y: number; size: number; label: string | null }, ink: string, paper: string): void {
  const text = data.label ?? "";
  const width = context.measureText(text).width;
  context.fillStyle = paper;
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.beginPath();
  context.rect(data.x + data.size + 2, data.y - 12, width + 10, 24);
  context.fill();
  context.stroke();
  context.beginPath();
  context.arc(data.x, data.y, data.size + 2, 0, 2 * Math.PI);
  context.stroke();
  context.fillStyle = ink;
  context.fillText(text, data.x + data.size + 7, data.y + 4);
}

function shownIn(element: HTMLElement, drawing: Drawing): void {
  const style = (): CSSStyleDeclaration => getComputedStyle(element);
  const graph = made(drawing, legend(element.ownerDocument), element.dataset.here ?? "", style().color);
  const links = graph.size;
  const sigma = new Sigma(graph, element, {
    edgeProgramClasses: { line: links > MANY ? EdgeLineProgram : EdgeRectangleProgram },
    defaultEdgeColor: style().borderTopColor, // opaque: where many are see-through they add up to a blob
    hideEdgesOnMove: links > MANY,
    hideLabelsOnMove: true,
    renderEdgeLabels: drawing.kind.length > 0 && drawing.id.length <= 60,
    labelFont: style().fontFamily,
    labelSize: 12,
    labelColor: { color: style().color },
    edgeLabelSize: 11,
    edgeLabelColor: { color: style().color },
    labelRenderedSizeThreshold: drawing.id.length <= 60 ? 0 : 3,
    inertiaDuration: 0,
    zoomDuration: 0,
    doubleClickZoomingDuration: 0,
    defaultDrawNodeHover: (context, data, settings) => {
      context.font = `${settings.labelSize}px ${settings.labelFont}`;
      const full = graph.getNodeAttribute(data.key, "full") as string;
      named(context, { ...data, label: full }, style().color, style().backgroundColor);
    },
  });
  sigma.on("enterNode", () => (element.style.cursor = "pointer"));
  sigma.on("leaveNode", () => (element.style.cursor = ""));
  sigma.on("clickNode", ({ node }) => {
    const n = Number(node);
    location.assign(`/objects/${drawing.types[drawing.type[n]!]}--${drawing.id[n]}`);
  });
  // The wheel zooms with Ctrl alone, as the map's does: else the page scrolls.
  element.addEventListener("wheel", (event) => !(event.ctrlKey || event.metaKey) && event.stopPropagation(), { capture: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    const colours = legend(element.ownerDocument);
    graph.updateEachNodeAttributes((node, data) => {
      const of = colours.get(drawing.types[drawing.type[Number(node)]!]!);
      return { ...data, color: of?.color ?? style().color };
    });
    sigma.setSetting("defaultEdgeColor", style().borderTopColor);
    sigma.setSetting("labelColor", { color: style().color });
  });
  const buttons = element.ownerDocument.querySelectorAll<HTMLButtonElement>("button[data-look]");
  for (const button of buttons) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const camera = sigma.getCamera();
      const at = camera.getState();
      const ratio = { in: at.ratio * 0.6, out: at.ratio / 0.6 }[button.dataset.look ?? ""];
      camera.setState(ratio === undefined ? { x: 0.5, y: 0.5, ratio: 1, angle: 0 } : { ...at, ratio });
    });
  }
  // Sigma has drawn its first frame when it is made; the browser shows it before this runs. Tests wait for it.
  requestAnimationFrame(() =>
    setTimeout(() => {
      const at = sigma.graphToViewport({ x: drawing.x[1] ?? 0, y: -(drawing.y[1] ?? 0) });
      element.dataset.first = `${Math.round(at.x)},${Math.round(at.y)}`;
      element.dataset.drawn = String(graph.order);
    }),
  );
}

async function draw(element: HTMLElement): Promise<void> {
  element.hidden = false;
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", element.dataset.label ?? "");
  try {
    const answer = await fetch(element.getAttribute("src")!, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    shownIn(element, (await answer.json()) as Drawing);
  } catch {
    element.replaceChildren(element.dataset.failed ?? "");
    element.dataset.drawn = "0";
  }
}

for (const element of document.querySelectorAll<HTMLElement>("kz-graph[src]")) {
  const button = document.querySelector<HTMLButtonElement>("button[data-draws]");
  if (element.dataset.later === undefined || !button) void draw(element);
  else {
    button.hidden = false;
    button.addEventListener("click", () => {
      button.hidden = true;
      void draw(element);
    });
  }
}
