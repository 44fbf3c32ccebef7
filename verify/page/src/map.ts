// The map: nodes, boxes and arrows. What lights up is a function of the state.

import { arrowsOf, pathOf, pointAt, tipOf, type Arrow } from "./arrows.js";
import { actorOf, lookOf, type Box, type Data, type Frame } from "./data.js";
import { mark, svg } from "./dom.js";
import { stopsAt, type State } from "./state.js";

interface DrawnArrow extends Arrow {
  group: SVGGElement;
  sign: SVGTextElement;
}

/** Room around the nodes, for arrows that leave a column. */
const EDGE = 34;

export class PictureMap {
  #data: Data;
  #arrows: DrawnArrow[];
  #boxes: Map<string, SVGGElement>;
  #message = svg("circle", { r: 5, class: "message" });
  #chosen: (index: number) => void;
  #shown = -1;

  /** chosen: told the index of a hop whose arrow was clicked. */
  constructor(root: SVGSVGElement, data: Data, chosen: (index: number) => void) {
    this.#data = data;
    this.#chosen = chosen;
    this.#boxes = new Map(data.boxes.map((box) => [box.id, drawnBox(box)]));
    this.#arrows = arrowsOf(data).map((arrow) => this.#drawn(arrow));
    const width = data.width + 2 * EDGE;
    root.setAttribute("viewBox", `${-EDGE} -2 ${width} ${data.height + 4}`);
    root.replaceChildren(
      ...data.nodes.map((frame) => drawnFrame(frame, "node")),
      ...data.groups.map((frame) => drawnFrame(frame, "group")),
      ...this.#boxes.values(),
      ...this.#arrows.map((arrow) => arrow.group),
      this.#message,
    );
  }

  /** Show a state. still: without anything that moves. */
  render(state: State, still: boolean): void {
    this.#shown = state.index;
    const current = state.over ? undefined : this.#data.steps[state.index];
    for (const [id, box] of this.#boxes) {
      const acting = current !== undefined && (current.from === id || current.to === id);
      mark(box, "lit", acting);
      mark(box, "touched", this.#arrows.some((arrow) => isPast(arrow, state) && (arrow.from === id || arrow.to === id)));
    }
    for (const arrow of this.#arrows) {
      this.#renderArrow(arrow, state);
    }
    const lit = this.#arrows.find((arrow) => !state.over && arrow.hops.includes(state.index));
    const moves = lit !== undefined && !still && state.moved < 1 && current?.real !== null;
    mark(this.#message, "moving", moves);
    if (lit && moves) {
      const [x, y] = pointAt(lit.line, state.moved);
      this.#message.setAttribute("cx", x.toFixed(1));
      this.#message.setAttribute("cy", y.toFixed(1));
    }
    if (lit && this.#message.previousElementSibling !== lit.group) {
      // What comes last lies above all others.
      this.#message.before(lit.group);
    }
  }

  #renderArrow(arrow: DrawnArrow, state: State): void {
    const data = this.#data;
    const now = !state.over && arrow.hops.includes(state.index);
    const past = isPast(arrow, state);
    const lacking = state.missing && arrow.hops.some((index) => index >= data.reached || stopsAt(data, index));
    const said = now ? [state.index] : arrow.hops.filter((index) => (lacking ? true : index <= state.index));
    const verdicts = said.map((index) => data.steps[index]?.verdict ?? "");
    const verdict = data.worst.find((one) => verdicts.includes(one)) ?? "proved";
    const shown = now || past || lacking;
    const look = lookOf(data, verdict);
    arrow.group.setAttribute(
      "class",
      ["arrow", now ? "now" : lacking ? "lacking" : past ? "past" : "ahead", shown ? look.kind : ""].join(" ").trim(),
    );
    mark(arrow.group, "signed", now || (shown && verdict !== "proved"));
    arrow.sign.textContent = look.sign;
  }

  #drawn(arrow: Arrow): DrawnArrow {
    const path = pathOf(arrow.line);
    const [x, y] = pointAt(arrow.line, 0.5);
    const sign = svg("text", { x, y: y + 4.5, class: "sign" });
    const title = `${actorOf(arrow.from)} to ${actorOf(arrow.to)}: ${
      arrow.hops.map((index) => label(this.#data, index)).join(", ")}`;
    const group = svg("g", { class: "arrow ahead" },
      svg("title", {}, title),
      svg("path", { d: path, class: "ground" }),
      svg("path", { d: path, class: "stroke" }),
      svg("path", { d: tipOf(arrow.line), class: "fill" }),
      svg("circle", { cx: x, cy: y, r: 9, class: "seal" }),
      sign,
      svg("path", { d: path, class: "hit" }),
    );
    const drawn = { ...arrow, group, sign };
    group.addEventListener("click", () => this.#chosen(this.#meant(drawn)));
    return drawn;
  }

  /** Return which of an arrow's hops a click means: the one that is shown, else the last one before, else the first. */
  #meant(arrow: DrawnArrow): number {
    return arrow.hops.filter((index) => index <= this.#shown).at(-1) ?? arrow.hops[0] ?? 0;
  }
}

function isPast(arrow: Arrow, state: State): boolean {
  return arrow.hops.some((index) => index < state.index);
}

function label(data: Data, index: number): string {
  const step = data.steps[index];
  return step ? `${step.number} ${step.name}` : "";
}

function drawnFrame(frame: Frame, kind: string): SVGGElement {
  const { x, y, w, h } = frame;
  return svg("g", { class: `${kind}${frame.idle ? " idle" : ""}` },
    svg("rect", { x, y, width: w, height: h, rx: 6 }),
    svg("text", { x: x + 10, y: y + 17 }, frame.title),
  );
}

function drawnBox(box: Box): SVGGElement {
  const { x, y, w, h } = box;
  return svg("g", { class: "box" },
    svg("title", {}, box.is ? `${box.actor}: ${box.is}` : box.actor),
    svg("rect", { x, y, width: w, height: h, rx: 4 }),
    svg("text", { x: x + w / 2, y: y + h / 2 + 4.5, ...fitted(box) }, box.actor),
  );
}

/** Have a name that is too long for its box drawn narrower. */
function fitted(box: Box): Record<string, string | number> {
  const room = box.w - 10;
  return box.actor.length * 7.2 > room ? { textLength: room, lengthAdjust: "spacingAndGlyphs" } : {};
}
