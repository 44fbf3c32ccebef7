// The page's script begins here: it shows the data that the page has, and other data whenever it is given some.

import { Controls } from "./controls.js";
import type { Data } from "./data.js";
import { captionOf, detailsOf } from "./details.js";
import { byId } from "./dom.js";
import { HopList } from "./list.js";
import { PictureMap } from "./map.js";
import { Player } from "./player.js";
import { found, lastTime, settled, stateAt } from "./state.js";

/** What the page offers to whoever has other data for it, and to tests. */
export interface Picture {
  show(data: Data): void;
  render(time: number): void;
  readonly time: number;
  readonly index: number;
  readonly playing: boolean;
}

declare global {
  interface Window {
    picture?: Picture;
  }
}

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const PRINT = matchMedia("print");

function begin(): Picture {
  const section = byId("picture", HTMLElement);
  let data = read();
  let { map, list } = parts(data);
  let detailed = NaN;
  const caption = byId("picture-caption", HTMLElement);
  const details = byId("picture-details", HTMLElement);
  const player = new Player(data, () => render(player.time));
  section.hidden = false;
  const controls = new Controls(section, data, player);

  function parts(of: Data): { map: PictureMap; list: HopList } {
    const chosen = (index: number): void => player.go(settled(of, index));
    return {
      map: new PictureMap(byId("picture-map", SVGSVGElement), of, chosen),
      list: new HopList(byId("picture-hops", HTMLElement), of, chosen),
    };
  }

  /** Show what is to be seen at a time; the same time always looks the same. */
  function render(time: number): void {
    const state = stateAt(data, PRINT.matches ? data.end : time);
    map.render(state, STILL.matches);
    list.render(state);
    controls.render(state);
    // Nobody could listen to all of it while it plays.
    caption.setAttribute("aria-live", player.playing ? "off" : "polite");
    if (state.index !== detailed) {
      detailed = state.index;
      caption.textContent = captionOf(data, state);
      details.replaceChildren(...detailsOf(data, state));
      details.scrollTop = 0;
    }
  }

  /** Take other data: at the end one stays at the end, else where one was. */
  function show(other: Data): void {
    const atEnd = player.time >= data.end;
    data = other;
    player.data = controls.data = data;
    ({ map, list } = parts(data));
    detailed = NaN;
    player.time = atEnd ? data.end : Math.min(player.time, lastTime(data));
    render(player.time);
  }

  /** Go where the address says: `#hop=23`, or `#hop=` and a name. */
  function follow(): boolean {
    const wanted = /^#hop=(.+)$/.exec(location.hash)?.[1];
    const index = wanted === undefined ? -1 : found(data, decoded(wanted));
    if (index >= 0) {
      player.go(settled(data, index));
      const { top, bottom } = section.getBoundingClientRect();
      if (top >= innerHeight || bottom <= 0 || top < -innerHeight) {
        section.scrollIntoView({ block: "start", behavior: "instant" });
      }
    }
    return index >= 0;
  }

  addEventListener("hashchange", follow);
  PRINT.addEventListener("change", () => render(player.time));
  STILL.addEventListener("change", () => render(player.time));
  if (!follow()) {
    player.go(data.end);
  }
  return {
    show,
    render: (time) => player.go(time),
    get time() { return player.time; },
    get index() { return stateAt(data, player.time).index; },
    get playing() { return player.playing; },
  };
}

function read(): Data {
  return JSON.parse(byId("picture-data", HTMLScriptElement).textContent ?? "") as Data;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

window.picture = begin();
