// The list of hops beside the map, which follows what is shown.

import { actorOf, lookOf, type Data, type Step } from "./data.js";
import { html, mark } from "./dom.js";
import { linkTo, type State } from "./state.js";

interface Item {
  /** All that it shows. */
  text: string;
  element: HTMLLIElement;
  link: HTMLAnchorElement;
}

export class HopList {
  #root: HTMLElement;
  #chosen: (name: string) => void;
  #items = new Map<string, Item>();
  #listed: Item[] = [];
  #shown = "";
  #name = "";

  /** chosen: told the name of a hop that was clicked. */
  constructor(root: HTMLElement, data: Data, chosen: (name: string) => void) {
    this.#root = root;
    this.#chosen = chosen;
    this.data = data;
  }

  /** Take other data. What stays as it was keeps its place, its focus too. */
  set data(data: Data) {
    const before = this.#items;
    this.#items = new Map(data.steps.map((step, index) => {
      const beyond = index >= data.reached;
      const text = JSON.stringify([step.number, step.from, step.to, step.verdict, step.when, linkTo(data, step), beyond]);
      const known = before.get(step.name);
      return [step.name, known?.text === text ? known : this.#made(data, step, text, beyond)];
    }));
    this.#listed = [...this.#items.values()];
    this.#listed.forEach(({ element }, index) => {
      const there = this.#root.children[index];
      if (there !== element) {
        this.#root.insertBefore(element, there ?? null);
      }
    });
    while (this.#root.children.length > this.#listed.length) {
      this.#root.lastElementChild?.remove();
    }
    this.#shown = "";
  }

  /** Show a state: mark the hop, and scroll the list, and nothing else, to where it can be seen. */
  render(state: State): void {
    const current = state.over ? this.#listed.length : state.index;
    const name = [...this.#items.keys()][current] ?? String(current);
    if (name === this.#shown) {
      return;
    }
    this.#shown = name;
    this.#listed.forEach(({ element, link }, index) => {
      mark(element, "now", index === current);
      link.removeAttribute("aria-current");
    });
    this.#listed[current]?.link.setAttribute("aria-current", "step");
    // What was not reached stands at the end; where the run ended well, so does its last hop.
    const item = this.#listed[current] ?? (current < 0 ? this.#listed[0] : this.#listed[state.index - 1]);
    if (item && name !== this.#name) {
      const [root, own] = [this.#root.getBoundingClientRect(), item.element.getBoundingClientRect()];
      this.#root.scrollTop += own.top - root.top - (root.height - own.height) / 2;
    }
    this.#name = name;
  }

  #made(data: Data, step: Step, text: string, beyond: boolean): Item {
    const link = linked(data, step);
    link.addEventListener("click", () => this.#chosen(step.name));
    return { text, link, element: html("li", { class: beyond ? "beyond" : "" }, link) };
  }
}

function linked(data: Data, step: Step): HTMLAnchorElement {
  const look = lookOf(data, step.verdict);
  const plain = step.verdict === "proved";
  return html("a", { href: linkTo(data, step) },
    html("span", { class: "step" }, step.number),
    html("b", {}, step.name),
    html("span", { class: plain ? "hidden" : `badge ${look.kind}` }, step.verdict),
    html("span", { class: `sign ${look.kind}`, "aria-hidden": "true" }, look.sign),
    html("span", { class: "time" }, step.when),
    html("span", { class: "route" }, `${actorOf(step.from)} → ${actorOf(step.to)}`),
  );
}
