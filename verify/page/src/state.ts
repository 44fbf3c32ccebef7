// What is to be seen at a time: computed from the data and the time alone.

import type { Data, Step } from "./data.js";

/**
 * index: of the hop that is shown, -1 before the first; over: all was played, and nothing broke; missing: what was not
 * reached is shown; moved: how far the hop's message is on its way, from 0 to 1.
 */
export interface State {
  time: number;
  index: number;
  over: boolean;
  missing: boolean;
  moved: number;
}

/** Seconds on the screen that a message is on its way. */
const WAY = 0.45;

/** Return the time at which a hop is there as a whole. */
export function settled(data: Data, index: number): number {
  const step = data.steps[index];
  if (!step) {
    return index < 0 ? 0 : data.end;
  }
  return Math.min(step.bent + WAY, nextOf(data, index) - 0.001);
}

function nextOf(data: Data, index: number): number {
  if (index === data.reached - 1) {
    return data.end;
  }
  return data.steps[index + 1]?.bent ?? Infinity;
}

/** Return the latest time: behind the hops that were not reached. */
export function lastTime(data: Data): number {
  return Math.max(data.end, (data.steps.at(-1)?.bent ?? 0) + WAY);
}

/** Return what is to be seen at a time of the screen, in seconds. */
export function stateAt(data: Data, wanted: number): State {
  const time = Math.min(Math.max(wanted, 0), lastTime(data));
  let index = -1;
  while (index + 1 < data.steps.length && (data.steps[index + 1] as Step).bent <= time) {
    index += 1;
  }
  const ended = time >= data.end;
  const over = ended && index < data.reached && !stopsAt(data, index) && !data.live;
  const missing = data.broken !== null && (ended || stopsAt(data, index));
  const began = data.steps[index]?.bent ?? 0;
  const moved = Math.min(Math.max((time - began) / WAY, 0), 1);
  return { time, index: over ? data.reached : index, over, missing, moved };
}

/** Tell whether a hop is the one at which the run broke. */
export function stopsAt(data: Data, index: number): boolean {
  return data.broken !== null && data.steps[index]?.name === data.broken.name;
}

/** Return the time of the next hop, or of the one before (by: 1 or -1), as a whole. */
export function stepped(data: Data, state: State, by: number): number {
  if (state.over) {
    return by < 0 ? settled(data, data.reached - 1) : settled(data, data.reached);
  }
  const index = state.index + by;
  if (index < 0) {
    return 0;
  }
  if (by > 0 && index === data.reached && !stopsAt(data, state.index) && state.time < data.end) {
    return data.end;
  }
  return settled(data, Math.min(index, data.steps.length - 1));
}

/**
 * Return the index of the hop that a link means: a name, or a number of the documented list; -1 if there is none. Of
 * several with a number the first one.
 */
export function found(data: Data, wanted: string): number {
  const named = data.steps.findIndex((step) => step.name === wanted);
  if (named >= 0) {
    return named;
  }
  return data.steps.findIndex((step) => step.number.split(", ").includes(wanted) && wanted !== "+");
}

/** Return the hop's address in the page: its number where no other hop has it, else its name. */
export function linkTo(data: Data, step: Step): string {
  const alone = step.number !== "+" && data.steps.filter((other) => other.number === step.number).length === 1;
  return `#hop=${encodeURIComponent(alone && !step.number.includes(",") ? step.number : step.name)}`;
}

/**
 * Return the screen's time some seconds of the real time after another one: within a hop, real time is bent evenly.
 * instant: seconds of real time that a hop lasts at least, for those at the same moment as the next.
 */
export function afterReal(data: Data, time: number, seconds: number, instant = 0.02): number {
  let [at, left] = [time, seconds];
  while (left > 0 && at < data.end) {
    const index = stateAt(data, at).index;
    const [begin, real] = [data.steps[index]?.bent ?? 0, data.steps[index]?.real ?? null];
    const behind = index + 1 < data.reached ? (data.steps[index + 1] as Step) : null;
    const until = behind?.bent ?? data.end;
    const took = behind === null ? until - begin : Math.max((behind.real ?? real ?? 0) - (real ?? 0), instant);
    const needed = ((until - at) / (until - begin)) * took;
    if (needed > left) {
      return at + (left / took) * (until - begin);
    }
    [at, left] = [until, left - needed];
  }
  return Math.min(at, data.end);
}
