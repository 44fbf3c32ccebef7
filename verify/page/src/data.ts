// What the page is told of a run: made by `picture` in verify/hoplab/report/picture.py. Lengths are in the picture's own
// pixels, times in seconds.

/** A rectangle of the picture. holds: the deck's only box on a node, else empty; idle: it has no part in the run. */
export interface Frame {
  title: string;
  holds: string;
  x: number;
  y: number;
  w: number;
  h: number;
  idle: boolean;
}

/** An actor on a node. is: what it is, in words. */
export interface Box {
  id: string;
  actor: string;
  node: string;
  is: string;
  x: number;
  y: number;
  w: number;
  h: number;
}

/** What somebody saw of a hop, or against it. */
export interface Witness {
  who: string;
  kind: string;
  source: string;
  node: string;
  time: string;
  id: string;
  line: string;
}

/**
 * A hop. from, to: ids of boxes; bent: when it begins on the screen; real: when it began, since the run's first hop, null
 * if nobody saw that; took: from its first witness to its last; when, waited, today: in words.
 */
export interface Step {
  number: string;
  name: string;
  from: string;
  to: string;
  verdict: string;
  bent: number;
  real: number | null;
  took: number;
  when: string;
  waited: string;
  meaning: string;
  why: string;
  today: string;
  how: string;
  reason: string;
  after: string[];
  witnesses: Witness[];
  denials: Witness[];
  hint: { where: string; run: string };
}

/** How a verdict is shown. kind: its style class; the styles have its colour and its dashes. */
export interface Look {
  sign: string;
  kind: string;
  short: string;
}

/**
 * A run. steps: the first `reached` of them are played, until `end`; what was not reached has a time behind that. worst:
 * all verdicts, the worst first. broken: the name of the hop at which the run broke (or `preparation`), and what is
 * known of that, as titles with texts. live: the run is not over. compared: two runs, whose hops this is the list of; a
 * step has no witnesses then, and differs where its verdict is `differs`.
 */
export interface Data {
  run: string;
  title: string;
  journey: string;
  result: { verdict: string; name: string };
  sentence: string;
  live: boolean;
  looks: Record<string, Look>;
  worst: string[];
  width: number;
  height: number;
  nodes: Frame[];
  groups: Frame[];
  boxes: Box[];
  steps: Step[];
  reached: number;
  end: number;
  broken: { name: string; lines: [string, string][] } | null;
  compared?: [Data, Data];
}

const UNKNOWN: Look = { sign: "?", kind: "v-unknown", short: "" };

/** Return how a verdict is shown, also one that nobody has told of. */
export function lookOf(data: Data, verdict: string): Look {
  return data.looks[verdict] ?? UNKNOWN;
}

/** Return the name of a box's actor from the box's id. */
export function actorOf(id: string): string {
  return id.slice(0, id.lastIndexOf("@"));
}

/** Return the node from a box's id, empty where it is the client's. */
export function nodeOf(id: string): string {
  const node = id.slice(id.lastIndexOf("@") + 1);
  return node === "client" ? "" : node;
}
