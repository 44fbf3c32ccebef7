// The map: nodes, boxes and arrows. What lights up is a function of the state.

import { arrowsOf, pathOf, pointAt, signPlace, tipOf, type Arrow, type Point } from "./arrows.js";
import { actorOf, lookOf, type Box, type Data, type Frame } from "./data.js";
import { mark, svg } from "./dom.js";
import { stopsAt, type State } from "./state.js";

/** An arrow, and its sign, which lies above all names. */
interface DrawnArrow extends Arrow {
  group: SVGGElement;
  seal: SVGGElement;
  sign: SVGTextElement;
}

/** A box, and its name, which lies above all arrows. */
interface DrawnBox {
  id: string;
  parts: [SVGGElement, SVGGElement];
}

/** Room beside and above the nodes, for arrows that leave a column. */
const EDGE = 34;
const TOP = 10;
const SIGN = 9;
/** How many pixels of the screen one of the picture takes at most. */
const LARGEST = 1.15;
/** Verdicts of which an arrow has no sign but while it is shown: what is blocked is many at once, and dashed. */
const PLAIN = new Set(["proved", "blocked"]);

export class PictureMap {
  #data: Data;
  #arrows: DrawnArrow[];
  #boxes: DrawnBox[];
  #message = svg("circle", { r: 5, class: "message" });
  #chosen: (index: number) => void;
  #fresh: ReadonlySet<string>;
  #shown = -1;
  #signs: Point[] = [];

  /**
   * chosen: told the index of a hop whose arrow was clicked; fresh: names of hops that have just come, of a run that goes
   * on: at its end they light up together.
   */
  constructor(root: SVGSVGElement, data: Data, chosen: (index: number) => void, fresh: ReadonlySet<string>) {
    this.#data = data;
    this.#fresh = fresh;
    this.#chosen = chosen;
    this.#boxes = data.boxes.map(drawnBox);
    this.#arrows = arrowsOf(data).map((arrow) => this.#drawn(arrow));
    const frames = [...data.nodes.map((frame) => drawnFrame(frame, "node")),
      ...data.groups.map((frame) => drawnFrame(frame, "group"))];
    root.setAttribute("viewBox", `${-EDGE} ${-TOP} ${data.width + 2 * EDGE} ${data.height + 2 * TOP}`);
    // A small cloud is not blown up.
    root.style.maxWidth = `${(data.width + 2 * EDGE) * LARGEST}px`;
    root.replaceChildren(
      ...frames.map(([frame]) => frame),
      ...this.#boxes.map(({ parts: [box] }) => box),
      svg("g", {}, ...this.#arrows.map(({ group }) => group), this.#message),
      ...frames.map(([, title]) => title),
      ...this.#boxes.map(({ parts: [, name] }) => name),
      ...this.#arrows.map(({ seal }) => seal),
    );
  }

  /** Show a state. still: without anything that moves. */
  render(state: State, still: boolean): void {
    this.#shown = state.index;
    const current = state.over ? undefined : this.#data.steps[state.index];
    const lighted = this.#lighted(state);
    const acting = new Set(lighted.flatMap((index) => [this.#data.steps[index]?.from, this.#data.steps[index]?.to]));
    for (const { id, parts } of this.#boxes) {
      const touched = this.#arrows.some((arrow) => isPast(arrow, state) && (arrow.from === id || arrow.to === id));
      for (const part of parts) {
        mark(part, "lit", acting.has(id));
        mark(part, "touched", touched);
      }
    }
    for (const arrow of this.#arrows) {
      this.#renderArrow(arrow, state, lighted);
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

  /** Return the indices of the hops that light up. */
  #lighted(state: State): number[] {
    if (state.over) {
      return [];
    }
    const { live, reached, steps } = this.#data;
    const came = live && state.index === reached - 1 ? this.#fresh : new Set<string>();
    return steps.flatMap((step, index) => (index === state.index || came.has(step.name) ? [index] : []));
  }

  #renderArrow(arrow: DrawnArrow, state: State, lighted: number[]): void {
    const data = this.#data;
    const own = arrow.hops.filter((index) => lighted.includes(index));
    const now = own.length > 0;
    const past = isPast(arrow, state);
    const lacking = state.missing && arrow.hops.some((index) => index >= data.reached || stopsAt(data, index));
    const said = now ? own : arrow.hops.filter((index) => (lacking ? true : index <= state.index));
    const verdicts = said.map((index) => data.steps[index]?.verdict ?? "");
    const verdict = data.worst.find((one) => verdicts.includes(one)) ?? "proved";
    const shown = now || past || lacking;
    const look = lookOf(data, verdict);
    arrow.group.setAttribute(
      "class",
      ["arrow", now ? "now" : lacking ? "lacking" : past ? "past" : "ahead", shown ? look.kind : ""].join(" ").trim(),
    );
    arrow.seal.setAttribute("class", `seal ${look.kind}${now || (shown && !PLAIN.has(verdict)) ? " shown" : ""}`);
    arrow.sign.textContent = look.sign;
  }

  #drawn(arrow: Arrow): DrawnArrow {
    const path = pathOf(arrow.line);
    const [x, y] = signPlace(arrow.line, this.#data.boxes, this.#signs, SIGN);
    if (arrow.hops.some((index) => !PLAIN.has(this.#data.steps[index]?.verdict ?? ""))) {
      this.#signs.push([x, y]);
    }
    const sign = svg("text", { x, y: y + 4.5 });
    const seal = svg("g", { class: "seal" }, svg("circle", { cx: x, cy: y, r: SIGN }), sign);
    const title = `${actorOf(arrow.from)} to ${actorOf(arrow.to)}: ${
      arrow.hops.map((index) => label(this.#data, index)).join(", ")}`;
    const group = svg("g", { class: "arrow ahead" },
      svg("title", {}, title),
      svg("path", { d: path, class: "stroke" }),
      svg("path", { d: tipOf(arrow.line), class: "fill" }),
      svg("path", { d: path, class: "hit" }),
    );
    const drawn = { ...arrow, group, seal, sign };
    for (const part of [group, seal]) {
      part.addEventListener("click", () => this.#chosen(this.#meant(drawn)));
    }
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

/** Return a frame and its title. */
function drawnFrame(frame: Frame, kind: string): [SVGGElement, SVGGElement] {
  const { x, y, w, h } = frame;
  const name = `${kind}${frame.idle ? " idle" : ""}`;
  return [
    svg("g", { class: name }, svg("rect", { x, y, width: w, height: h, rx: 6 })),
    svg("g", { class: `${name} title` }, svg("text", { x: x + 10, y: y + 17 }, frame.title,
      ...(frame.holds ? [svg("tspan", { class: "holds" }, `: ${frame.holds}`)] : []))),
  ];
}

function drawnBox(box: Box): DrawnBox {
  const { x, y, w, h } = box;
  const title = box.is ? `${box.actor}: ${box.is}` : box.actor;
  return {
    id: box.id,
    parts: [
      svg("g", { class: "box" }, svg("title", {}, title), svg("rect", { x, y, width: w, height: h, rx: 4 })),
      svg("g", { class: "box name" }, svg("text", { x: x + w / 2, y: y + h / 2 + 4.5, ...fitted(box) }, box.actor)),
    ],
  };
}

/** Have a name that is too long for its box drawn narrower. */
function fitted(box: Box): Record<string, string | number> {
  const room = box.w - 10;
  return box.actor.length * 7.2 > room ? { textLength: room, lengthAdjust: "spacingAndGlyphs" } : {};
}
