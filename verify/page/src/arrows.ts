// Arrows: one between two boxes, however many hops take it, and the line that it is drawn as.

import type { Box, Data, Step } from "./data.js";

/** from, to: ids of boxes; hops: indices of the steps that take it, in their order. */
export interface Arrow {
  from: string;
  to: string;
  hops: number[];
  line: Line;
}

export type Point = [number, number];

/** A cubic curve; its end is level. side: 1 if it points to the right, else -1. */
export interface Line {
  points: [Point, Point, Point, Point];
  side: 1 | -1;
}

const TIP = 9;
const NOWHERE: Line = { points: [[0, 0], [0, 0], [0, 0], [0, 0]], side: 1 };

/** Return all arrows of a run. */
export function arrowsOf(data: Data): Arrow[] {
  const boxes = new Map(data.boxes.map((box) => [box.id, box]));
  const found = new Map<string, Arrow>();
  data.steps.forEach((step, index) => {
    const key = JSON.stringify([step.from, step.to]);
    const arrow = found.get(key) ?? { from: step.from, to: step.to, hops: [], line: lineOf(boxes, step) };
    arrow.hops.push(index);
    found.set(key, arrow);
  });
  return [...found.values()];
}

function lineOf(boxes: Map<string, Box>, step: Step): Line {
  const [from, to] = [boxes.get(step.from), boxes.get(step.to)];
  return from && to ? lineBetween(from, to) : NOWHERE;
}

/** Return the line between two boxes: from side to side, there and back beside each other. */
export function lineBetween(from: Box, to: Box): Line {
  const [y1, y2] = [from.y + from.h / 2, to.y + to.h / 2];
  const right = from.x + from.w;
  if (from.id === to.id) {
    return { points: [[right, y1 - 7], [right + 34, y1 - 16], [right + 34, y1 + 16], [right + TIP, y1 + 7]], side: -1 };
  }
  if (from.x < to.x + to.w && to.x < right) {
    // Above each other: down on the right, up on the left.
    const down = y2 > y1;
    const bulge = 20 + Math.min(Math.abs(y2 - y1) * 0.12, 26);
    const [x1, x2] = down ? [right, to.x + to.w] : [from.x, to.x];
    const way = down ? 1 : -1;
    const out = Math.max(x1 * way, x2 * way) * way + bulge * way;
    return { points: [[x1, y1 + 3 * way], [out, y1 + 3 * way], [out, y2 - 3 * way], [x2 + TIP * way, y2 - 3 * way]],
      side: down ? -1 : 1 };
  }
  const side = to.x > from.x ? 1 : -1;
  const [x1, x2] = side > 0 ? [right, to.x - TIP] : [from.x, to.x + to.w + TIP];
  const bend = Math.max(Math.abs(x2 - x1) * 0.45, 24) * side;
  const shift = -5 * side;
  return { points: [[x1, y1 + shift], [x1 + bend, y1 + shift], [x2 - bend, y2 + shift], [x2, y2 + shift]], side };
}

/** Parts of the way at which a sign may stand, the best first. */
const PLACES = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8, 0.14, 0.86];

/**
 * Return where on a line a sign of a radius stands: where it lies over no box and no sign that is there already, if there
 * is such a place.
 */
export function signPlace(line: Line, boxes: Box[], there: Point[], radius: number): Point {
  const places = PLACES.map((part) => pointAt(line, part));
  const besideSigns = places.filter(([x, y]) => there.every((other) => Math.hypot(x - other[0], y - other[1]) > 2 * radius));
  const free = besideSigns.find(([x, y]) => !boxes.some((box) =>
    x > box.x - radius && x < box.x + box.w + radius && y > box.y - radius && y < box.y + box.h + radius));
  return free ?? besideSigns[0] ?? pointAt(line, 0.5);
}

/** Return the line as SVG has it. */
export function pathOf({ points: [a, b, c, d] }: Line): string {
  return `M${a.join(" ")} C${b.join(" ")} ${c.join(" ")} ${d.join(" ")}`;
}

/** Return the tip at its end as SVG has it. */
export function tipOf({ points, side }: Line): string {
  const [x, y] = points[3];
  return `M${x + TIP * side} ${y} L${x - 2 * side} ${y - 5} V${y + 5} Z`;
}

/** Return the point of the line at a part of its way, from 0 to 1. */
export function pointAt({ points: [a, b, c, d] }: Line, part: number): Point {
  const rest = 1 - part;
  const [i, j, k, l] = [rest ** 3, 3 * rest ** 2 * part, 3 * rest * part ** 2, part ** 3];
  return [a[0] * i + b[0] * j + c[0] * k + d[0] * l, a[1] * i + b[1] * j + c[1] * k + d[1] * l];
}
