// A run that goes on: what its server says of it, and whether the server is heard.

import type { Data, Step } from "./data.js";
import { byId, mark } from "./dom.js";

/** Seconds that lie between two things that are read out at least: nobody could listen to more. */
const QUIET = 5;

/** What the server sends: parts of the data by name; each hop by itself as `step` and its name, and their `order`. */
type Parts = Record<string, unknown>;

interface Listener {
  /** Told the data whenever something in it is new. fresh: names of the hops that came. */
  changed(data: Data, fresh: ReadonlySet<string>): void;
  /** Told the page of the report, once it is there. */
  over(page: string): void;
}

/** Listen to the server of this page until the run is over. */
export function listen(told: Listener): void {
  const section = byId("live", HTMLElement);
  const sentence = byId("live-sentence", HTMLElement);
  const heard = byId("live-state", HTMLElement);
  const say = spoken(byId("live-said", HTMLElement));
  const parts: Parts = {};
  let reached = new Set<string>();
  const source = new EventSource("events");

  function state(name: string, hears: boolean): void {
    heard.textContent = name;
    mark(section, "hears", hears);
    mark(section, "lost", !hears);
  }

  source.addEventListener("open", () => state("Live", true));
  source.addEventListener("error", () => {
    const again = source.readyState === EventSource.CONNECTING;
    state(again ? "Connection lost, trying again" : "Connection lost", false);
    say(heard.textContent ?? "", true);
  });
  source.addEventListener("state", (event: MessageEvent<string>) => {
    Object.assign(parts, JSON.parse(event.data) as Parts);
    const data = joined(parts);
    const now = new Set(data.steps.slice(0, data.reached).map((step) => step.name));
    const fresh = new Set([...now].filter((name) => !reached.has(name)));
    reached = now;
    sentence.textContent = data.sentence;
    say(data.sentence);
    told.changed(data, fresh);
  });
  source.addEventListener("broken", (event: MessageEvent<string>) => {
    source.close();
    state("Over", false);
    sentence.textContent = `There is no report: ${String(JSON.parse(event.data))}. This is as far as it came.`;
    say(sentence.textContent, true);
  });
  source.addEventListener("end", (event: MessageEvent<string>) => {
    source.close();
    told.over(String(JSON.parse(event.data)));
  });
}

function joined(parts: Parts): Data {
  const order = parts["order"] as string[];
  return { ...parts, steps: order.map((name) => parts[`step ${name}`] as Step) } as unknown as Data;
}

/** Return what has a text read out: at once if it is urgent, else the newest one when it has been quiet for a while. */
function spoken(status: HTMLElement): (text: string, urgent?: boolean) => void {
  let waiting = 0;
  let newest = "";
  function speak(): void {
    status.textContent = newest;
    waiting = window.setTimeout(() => {
      waiting = 0;
      if (status.textContent !== newest) {
        speak();
      }
    }, QUIET * 1000);
  }
  return (text, urgent = false) => {
    newest = text;
    if (urgent || !waiting) {
      window.clearTimeout(waiting);
      speak();
    }
  };
}
