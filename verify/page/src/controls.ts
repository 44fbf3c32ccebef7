// Buttons, scrubber, pace and keys.

import { lookOf, type Data } from "./data.js";
import { byId, svg } from "./dom.js";
import type { Player } from "./player.js";
import { stateAt, stepped, type State } from "./state.js";

const TICK_SCALE = 1000;

export class Controls {
  #data: Data;
  #player: Player;
  #play = byId("picture-play", HTMLButtonElement);
  #time = byId("picture-time", HTMLInputElement);
  #ticks = byId("picture-ticks", SVGSVGElement);
  #clock = byId("picture-clock", HTMLElement);

  /** life: as long as that is not aborted, keys are listened to. */
  constructor(section: HTMLElement, data: Data, player: Player, life: AbortSignal) {
    this.#data = data;
    this.#player = player;
    this.#play.addEventListener("click", () => player.toggle());
    byId("picture-back", HTMLButtonElement).addEventListener("click", () => this.#step(-1));
    byId("picture-forward", HTMLButtonElement).addEventListener("click", () => this.#step(1));
    this.#time.addEventListener("input", () => player.go(Number(this.#time.value)));
    const pace = byId("picture-pace", HTMLSelectElement);
    pace.addEventListener("change", () => (player.pace = pace.value));
    document.addEventListener("keydown", (event) => this.#key(event, section), { signal: life });
    this.data = data;
  }

  /** Take other data: the hops' ticks, and the end. */
  set data(data: Data) {
    this.#data = data;
    this.#time.max = String(data.end);
    this.#ticks.setAttribute("viewBox", `0 0 ${TICK_SCALE} 14`);
    this.#ticks.replaceChildren(...data.steps.slice(0, data.reached).map((step) => {
      const x = ((step.bent / data.end) * TICK_SCALE).toFixed(1);
      const plain = step.verdict === "proved";
      return svg("line", { x1: x, x2: x, y1: plain ? 5 : 0, y2: 14, class: `stroke ${lookOf(data, step.verdict).kind}` });
    }));
  }

  /** Show a state. */
  render(state: State): void {
    const { playing } = this.#player;
    this.#play.textContent = playing ? "Pause" : "Play";
    this.#time.value = String(Math.min(state.time, this.#data.end));
    const step = state.over ? undefined : this.#data.steps[state.index];
    const place = step ? `hop ${state.index + 1} of ${this.#data.steps.length}` : state.over ? "end" : "beginning";
    const real = step ? step.when || "no time" : "";
    this.#clock.textContent = [place, real && `${real}`, `${state.time.toFixed(1)} s on the screen`].filter(Boolean).join(", ");
    this.#time.setAttribute("aria-valuetext", step ? `${place}: ${step.number} ${step.name}` : place);
  }

  #step(by: number): void {
    this.#player.go(stepped(this.#data, stateAt(this.#data, this.#player.time), by));
  }

  #key(event: KeyboardEvent, section: HTMLElement): void {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) {
      return;
    }
    const target = event.target instanceof Element ? event.target : document.body;
    const within = section.contains(target);
    if ((!within && !(target === document.body && isSeen(section))) || target instanceof HTMLSelectElement) {
      return;
    }
    const acts: Record<string, () => void> = {
      ArrowRight: () => this.#step(1),
      ArrowLeft: () => this.#step(-1),
    };
    // What has a text of its own is scrolled by the others.
    if (!target.closest("#picture-details")) {
      acts["Home"] = () => this.#player.go(0);
      acts["End"] = () => this.#player.go(this.#data.end);
      // On a button, the space bar presses that.
      if (!(target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement)) {
        acts[" "] = () => this.#player.toggle();
      }
    }
    const act = acts[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  }
}

/** Tell whether something of an element is in the window. */
function isSeen(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < window.innerHeight;
}
