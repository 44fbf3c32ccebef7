// Two runs beside each other: one list and one time for both, a map for each. A map shows its own run at the hop that the
// list shows.

import type { Data } from "./data.js";
import { detailsOf } from "./details.js";
import { byId, html } from "./dom.js";
import { PictureMap } from "./map.js";
import type { State } from "./state.js";

const IDS = ["picture-map", "picture-map-2"];
const NAMES = ["First", "Second"];

/** Return what is to be seen of one of two runs: at the hop that is shown, or behind the last one that it has. */
export function sideOf(whole: Data, run: Data, state: State): State {
  const missing = state.time >= whole.end && run.broken !== null;
  if (state.over) {
    return { ...state, index: run.reached, missing };
  }
  const own = new Map(run.steps.map((step, index) => [step.name, index]));
  const until = whole.steps.slice(0, state.index + 1).map((step) => own.get(step.name));
  const shown = until.at(-1);
  // Between two hops no arrow is lit, and those before are past.
  const behind = Math.max(-1, ...until.filter((index) => index !== undefined)) + 0.5;
  return { ...state, index: shown ?? (behind < 0 ? -1 : behind), missing };
}

export class ComparedMaps {
  #whole: Data;
  #runs: Data[];
  #maps: PictureMap[];

  /** chosen: told the index, in the list of both, of a hop whose arrow was clicked. */
  constructor(whole: Data, chosen: (index: number) => void) {
    this.#whole = whole;
    this.#runs = whole.compared ?? [];
    this.#maps = this.#runs.map((run, side) => new PictureMap(byId(IDS[side] ?? "", SVGSVGElement), run, (index) =>
      chosen(whole.steps.findIndex((step) => step.name === run.steps[index]?.name)), new Set()));
  }

  /** Show a state of both. still: without anything that moves. */
  render(state: State, still: boolean): void {
    this.#maps.forEach((map, side) => map.render(sideOf(this.#whole, this.#runs[side] as Data, state), still));
  }
}

/** Return all that is known of what is shown, of each run beside the other. */
export function comparedDetails(whole: Data, state: State): Node[] {
  const step = state.over ? undefined : whole.steps[state.index];
  const said = step === undefined ? whole.sentence
    : step.verdict === "differs" ? `This hop differs: ${step.why}.` : "This hop is alike in both runs.";
  const sides = (whole.compared ?? []).map((run, side) => html("div", {},
    html("p", { class: "run" }, `${NAMES[side] ?? ""}: ${run.run}`),
    ...(step !== undefined && !run.steps.some((one) => one.name === step.name)
      ? [html("p", {}, `The list of this run leaves out ${step.name}.`)]
      : detailsOf(run, sideOf(whole, run, state)))));
  return [html("p", {}, html("b", {}, said)), html("div", { class: "pair" }, ...sides)];
}
