// Time that passes: at the pace that was chosen, until the end.

import type { Data } from "./data.js";
import { afterReal, lastTime } from "./state.js";

/** Paces by their names in the page; `real` is the run's own, others are times that at which hops can be followed. */
const PACES: Record<string, number | "real"> = { followed: 1, half: 0.5, four: 4, real: "real" };

/** Seconds that pass at most from one frame to the next. */
const LONGEST = 0.25;

/** Return the screen's time some seconds later, at a pace. */
export function later(data: Data, time: number, seconds: number, pace: string): number {
  const speed = PACES[pace] ?? 1;
  const at = speed === "real" ? afterReal(data, time, seconds) : time + seconds * speed;
  return Math.min(at, data.end);
}

export class Player {
  playing = false;
  time = 0;
  pace = "followed";
  #data: Data;
  #frame = 0;
  #last = 0;
  #changed: () => void;

  /** changed: called whenever time, or whether it passes, is another one. */
  constructor(data: Data, changed: () => void) {
    this.#data = data;
    this.#changed = changed;
  }

  /** Take other data; the time stays as far as it can. */
  set data(data: Data) {
    this.#data = data;
    this.time = Math.min(this.time, lastTime(data));
  }

  /** Go to a time, and stay there. */
  go(time: number): void {
    this.#halt();
    this.time = Math.min(Math.max(time, 0), lastTime(this.#data));
    this.#changed();
  }

  /** Play, from the beginning if the end is reached; pause if it plays. */
  toggle(): void {
    if (this.playing) {
      this.#halt();
      this.#changed();
      return;
    }
    if (this.time >= this.#data.end) {
      this.time = 0;
    }
    this.playing = true;
    this.#last = performance.now();
    this.#frame = requestAnimationFrame((now) => this.#tick(now));
    this.#changed();
  }

  #tick(now: number): void {
    // A window that was hidden has no frames: it goes on where it was.
    const passed = Math.min(Math.max(now - this.#last, 0) / 1000, LONGEST);
    this.time = later(this.#data, this.time, passed, this.pace);
    this.#last = now;
    if (this.time >= this.#data.end) {
      this.#halt();
    } else {
      this.#frame = requestAnimationFrame((next) => this.#tick(next));
    }
    this.#changed();
  }

  #halt(): void {
    cancelAnimationFrame(this.#frame);
    this.playing = false;
  }
}
