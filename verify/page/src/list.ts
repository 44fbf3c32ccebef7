// The list of hops beside the map, which follows what is shown.

import { actorOf, lookOf, type Data, type Step } from "./data.js";
import { html, mark } from "./dom.js";
import { linkTo, type State } from "./state.js";

export class HopList {
  #root: HTMLElement;
  #items: HTMLLIElement[];
  #links: HTMLAnchorElement[];
  #shown = -2;

  /** chosen: told the index of a hop that was clicked. */
  constructor(root: HTMLElement, data: Data, chosen: (index: number) => void) {
    this.#root = root;
    this.#links = data.steps.map((step) => linked(data, step));
    this.#items = this.#links.map((link, index) => {
      link.addEventListener("click", () => chosen(index));
      return html("li", { class: index < data.reached ? "" : "beyond" }, link);
    });
    root.replaceChildren(...this.#items);
  }

  /** Show a state: mark the hop, and scroll the list, and nothing else, to where it can be seen. */
  render(state: State): void {
    const current = state.over ? this.#items.length : state.index;
    if (current === this.#shown) {
      return;
    }
    this.#links[this.#shown]?.removeAttribute("aria-current");
    this.#shown = current;
    this.#links[current]?.setAttribute("aria-current", "step");
    this.#items.forEach((item, index) => mark(item, "now", index === current));
    // What was not reached stands at the end; where the run ended well, so does its last hop.
    const item = this.#items[current] ?? (current < 0 ? this.#items[0] : this.#items[state.index - 1]);
    if (item) {
      const [root, own] = [this.#root.getBoundingClientRect(), item.getBoundingClientRect()];
      this.#root.scrollTop += own.top - root.top - (root.height - own.height) / 2;
    }
  }
}

function linked(data: Data, step: Step): HTMLAnchorElement {
  const look = lookOf(data, step.verdict);
  const plain = step.verdict === "proved";
  return html("a", { href: linkTo(data, step) },
    html("span", { class: "step" }, step.number),
    html("b", {}, step.name),
    html("span", { class: `sign ${look.kind}`, "aria-hidden": "true" }, look.sign),
    html("span", { class: plain ? "hidden" : `badge ${look.kind}` }, step.verdict),
    html("span", { class: "time" }, step.when),
    html("span", { class: "route" }, `${actorOf(step.from)} → ${actorOf(step.to)}`),
  );
}
