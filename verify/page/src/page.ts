// The page's script begins here: it shows the data that the page has, and other data whenever it is given some.

import { comparedDetails, ComparedMaps } from "./compared.js";
import { Controls } from "./controls.js";
import type { Data, Step } from "./data.js";
import { captionOf, detailsOf } from "./details.js";
import { byId } from "./dom.js";
import { HopList } from "./list.js";
import { listen } from "./live.js";
import { PictureMap } from "./map.js";
import { Player } from "./player.js";
import { found, settled, stateAt } from "./state.js";

/** What the page offers to whoever has other data for it, and to tests. */
export interface Picture {
  /** fresh: names of hops that have just come, of a run that goes on. */
  show(data: Data, fresh?: ReadonlySet<string>): void;
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

/** Begin with the page that is there. shown: the name of the hop to begin with, empty for what the address says. */
function begin(shown = ""): Picture {
  const section = byId("picture", HTMLElement);
  const life = new AbortController();
  const { signal } = life;
  let data = read();
  let detailed = NaN;
  let named = "";
  const caption = byId("picture-caption", HTMLElement);
  const details = byId("picture-details", HTMLElement);
  const player = new Player(data, () => render(player.time));
  section.hidden = false;
  const controls = new Controls(section, data, player, signal);
  let map = mapOf(new Set());
  const list = new HopList(byId("picture-hops", HTMLElement), data, (name) => choose(found(data, name)));

  function mapOf(fresh: ReadonlySet<string>): PictureMap | ComparedMaps {
    return data.compared
      ? new ComparedMaps(data, choose)
      : new PictureMap(byId("picture-map", SVGSVGElement), data, choose, fresh);
  }

  function choose(index: number): void {
    player.go(settled(data, index));
  }

  function current(): Step | undefined {
    return data.steps[stateAt(data, player.time).index];
  }

  /** Show what is to be seen at a time; the same time always looks the same. */
  function render(time: number): void {
    const state = stateAt(data, PRINT.matches ? data.end : time);
    map.render(state, STILL.matches);
    list.render(state);
    controls.render(state);
    // Nobody could listen to all of it while it plays, or goes on.
    caption.setAttribute("aria-live", player.playing || data.live ? "off" : "polite");
    if (state.index !== detailed) {
      detailed = state.index;
      const name = data.steps[state.index]?.name ?? "";
      caption.textContent = captionOf(data, state);
      details.replaceChildren(...(data.compared ? comparedDetails(data, state) : detailsOf(data, state)));
      if (name !== named) {
        details.scrollTop = 0;
      }
      named = name;
    }
  }

  /** Take other data: at the end one stays at the end, else at the same hop. */
  function show(other: Data, fresh: ReadonlySet<string> = new Set()): void {
    const [atEnd, before, time] = [player.time >= data.end, current(), player.time];
    data = other;
    player.data = controls.data = list.data = data;
    map = mapOf(fresh);
    const index = before ? data.steps.findIndex((step) => step.name === before.name) : -1;
    const now = data.steps[index];
    detailed = before && JSON.stringify(before) === JSON.stringify(now) ? index : NaN;
    if (atEnd) {
      player.time = data.end;
    } else if (before && now) {
      player.time = Math.min(now.bent + time - before.bent, Math.max(settled(data, index), now.bent));
    }
    render(player.time);
  }

  /** Go where the address says: `#hop=23`, or `#hop=` and a name. */
  function follow(): boolean {
    const wanted = /^#hop=(.+)$/.exec(location.hash)?.[1];
    const index = wanted === undefined ? -1 : found(data, decoded(wanted));
    if (index >= 0) {
      choose(index);
      const { top, bottom } = section.getBoundingClientRect();
      if (top >= innerHeight || bottom <= 0 || top < -innerHeight) {
        section.scrollIntoView({ block: "start", behavior: "instant" });
      }
    }
    return index >= 0;
  }

  addEventListener("hashchange", follow, { signal });
  PRINT.addEventListener("change", () => render(player.time), { signal });
  STILL.addEventListener("change", () => render(player.time), { signal });
  const index = shown ? found(data, shown) : -1;
  if (index >= 0) {
    choose(index);
  } else if (!follow()) {
    player.go(data.end);
  }
  if (data.live) {
    listen({
      changed: show,
      over(page) {
        const step = player.time < data.end ? current() : undefined;
        player.go(player.time);
        life.abort();
        become(page, step?.name);
      },
    });
  }
  return {
    show,
    render: (time) => player.go(time),
    get time() { return player.time; },
    get index() { return stateAt(data, player.time).index; },
    get playing() { return player.playing; },
  };
}

/** Have another page of the same server, with the same script and style, in this one's place. */
function become(page: string, shown = ""): void {
  const next = new DOMParser().parseFromString(page, "text/html");
  const focused = document.activeElement?.id ?? "";
  document.title = next.title;
  document.body.replaceWith(document.adoptNode(next.body));
  document.getElementById(focused)?.focus({ preventScroll: true });
  window.picture = begin(shown);
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
