// What is known of the hop that is shown: what it is, how it is today, and the lines of those who saw it.

import { actorOf, lookOf, nodeOf, type Data, type Step, type Witness } from "./data.js";
import { html } from "./dom.js";
import { linkTo, stopsAt, type State } from "./state.js";

/** Return the line below the map: what happens just now. */
export function captionOf(data: Data, state: State): string {
  const step = data.steps[state.index];
  if (state.over || (!step && data.reached === 0)) {
    return data.sentence;
  }
  if (!step) {
    return `${data.reached} hops. Play shows them in the order of their times.`;
  }
  const said = step.verdict === "proved" ? "" : ` ${sentenceOf(`${capital(step.verdict)}: ${step.why}`)}`;
  return `${step.number} ${step.name}: ${placeOf(step.from)} → ${placeOf(step.to)}. ${step.meaning}${said}`;
}

/** Return all that is known of what is shown. */
export function detailsOf(data: Data, state: State): Node[] {
  const step = state.over ? undefined : data.steps[state.index];
  if (!step) {
    return [html("h3", {}, state.over ? capital(data.result.name) : data.title), html("p", {}, data.sentence),
      ...missing(data), ...doubtful(data),
      ...(data.reached ? [html("p", {}, "A click on a hop or an arrow shows its evidence.")] : [])];
  }
  const look = lookOf(data, step.verdict);
  return [
    html("h3", {}, html("a", { href: linkTo(data, step) }, `${step.number} ${step.name}`)),
    html("p", { class: "route" }, `${placeOf(step.from)} → ${placeOf(step.to)}`),
    html("p", {}, html("span", { class: `badge ${look.kind}` }, `${look.sign} ${step.verdict}`),
      step.denials.length ? ": something says that it failed" : look.short ? `: ${look.short}` : ""),
    html("p", {}, step.meaning),
    ...(step.verdict === "proved" ? [] : [fact("Why", sentenceOf(step.why))]),
    ...(stopsAt(data, state.index) ? missing(data) : []),
    fact(`Today ${step.today}`, [step.how, step.reason].filter(Boolean).join(" ")),
    ...(step.real === null ? [] : [fact("When", timeOf(step))]),
    ...step.denials.flatMap((witness) => quoted(witness, "against it, ")),
    ...step.witnesses.flatMap((witness) => quoted(witness, "")),
    ...(step.witnesses.length + step.denials.length ? [] : [html("p", {}, "No witness.")]),
    ...(step.hint.run ? [html("p", {}, html("b", {}, "See it by hand"), `, ${step.hint.where}:`), quote(step.hint.run)] : []),
    ...others(data, step),
    ...(data.live ? [] : [html("p", {}, html("a", { href: `#hop-${step.name}` }, `${step.name} in the list below`))]),
  ];
}

function placeOf(id: string): string {
  return nodeOf(id) ? `${actorOf(id)} on ${nodeOf(id)}` : actorOf(id);
}

function timeOf(step: Step): string {
  const waited = step.waited ? `; over ${step.waited}` : "";
  return `${step.when} since the first hop, ${step.took.toFixed(3)} s from its first witness to its last${waited}.`;
}

/** Return what is missing where the run broke. */
function missing(data: Data): Node[] {
  const lines = (data.broken?.lines ?? []).map(([title, text]) =>
    html("div", {}, html("dt", {}, title), html("dd", {}, text)));
  return lines.length ? [html("h4", {}, "What is missing here"), html("dl", { class: "missing" }, ...lines)] : [];
}

/** Return links to the other hops on the same arrow. */
function others(data: Data, step: Step): Node[] {
  const same = data.steps.filter((one) => one !== step && one.from === step.from && one.to === step.to);
  return same.length ? [html("p", {}, html("b", {}, "On the same arrow:"), " ", ...links(data, same))] : [];
}

/** Return links to the hops that are not simply proved, by their verdicts. */
function doubtful(data: Data): Node[] {
  return data.worst.filter((verdict) => verdict !== "proved").flatMap((verdict) => {
    const those = data.steps.filter((step) => step.verdict === verdict);
    const look = lookOf(data, verdict);
    return those.length
      ? [html("p", {}, html("span", { class: `badge ${look.kind}` }, `${look.sign} ${verdict}`), ": ", ...links(data, those))]
      : [];
  });
}

function links(data: Data, steps: Step[]): (Node | string)[] {
  return steps.flatMap((one, index) => [
    index ? ", " : "", html("a", { href: linkTo(data, one) }, `${one.number} ${one.name}`)]);
}

function quoted(witness: Witness, role: string): Node[] {
  return [
    html("p", { class: "witness" }, html("b", {}, witness.who), ` on ${witness.node}, ${role}${witness.kind}, ${witness.time}`,
      ...(witness.id ? [", by ", html("code", {}, witness.id)] : []), "; read in ", html("code", {}, witness.source), ":"),
    quote(witness.line),
  ];
}

function quote(text: string): Node {
  return html("pre", {}, html("code", {}, text));
}

function fact(title: string, text: string): Node {
  return html("p", {}, html("b", {}, `${title}:`), ` ${text}`);
}

/** Return a text with a full stop at its end, unless it has one. */
function sentenceOf(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
