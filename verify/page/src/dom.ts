// Elements, made of names, attributes and texts alone: no text is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

type Attributes = Record<string, string | number>;

/** Return a new HTML element. */
export function html<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...inside: (Node | string)[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(tag), attributes, inside);
}

/** Return a new SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...inside: (Node | string)[]
): SVGElementTagNameMap[K] {
  return filled(document.createElementNS(SVG, tag), attributes, inside);
}

function filled<E extends Element>(element: E, attributes: Attributes, inside: (Node | string)[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, String(value));
  }
  element.append(...inside);
  return element;
}

/** Return the page's element with an id. */
export function byId<E extends Element>(id: string, kind: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) {
    throw new Error(`the page has no ${kind.name} with the id ${id}`);
  }
  return found;
}

/** Give an element a class, or take it away. */
export function mark(element: Element, name: string, wanted: boolean): void {
  element.classList.toggle(name, wanted);
}
