(() => {
"use strict";
const modules = {};
modules.data = (() => {
const UNKNOWN = { sign: "?", kind: "v-unknown", short: "" };
function lookOf(data, verdict) {
    return data.looks[verdict] ?? UNKNOWN;
}
function actorOf(id) {
    return id.slice(0, id.lastIndexOf("@"));
}
function nodeOf(id) {
    const node = id.slice(id.lastIndexOf("@") + 1);
    return node === "client" ? "" : node;
}
return { lookOf, actorOf, nodeOf };
})();
modules.dom = (() => {
const SVG = "http://www.w3.org/2000/svg";
function html(tag, attributes = {}, ...inside) {
    return filled(document.createElement(tag), attributes, inside);
}
function svg(tag, attributes = {}, ...inside) {
    return filled(document.createElementNS(SVG, tag), attributes, inside);
}
function filled(element, attributes, inside) {
    for (const [name, value] of Object.entries(attributes)) {
        element.setAttribute(name, String(value));
    }
    element.append(...inside);
    return element;
}
function byId(id, kind) {
    const found = document.getElementById(id);
    if (!(found instanceof kind)) {
        throw new Error(`the page has no ${kind.name} with the id ${id}`);
    }
    return found;
}
function mark(element, name, wanted) {
    element.classList.toggle(name, wanted);
}
return { html, svg, byId, mark };
})();
modules.state = (() => {
const WAY = 0.45;
function settled(data, index) {
    const step = data.steps[index];
    if (!step) {
        return index < 0 ? 0 : data.end;
    }
    return Math.min(step.bent + WAY, nextOf(data, index) - 0.001);
}
function nextOf(data, index) {
    if (index === data.reached - 1) {
        return data.end;
    }
    return data.steps[index + 1]?.bent ?? Infinity;
}
function lastTime(data) {
    return Math.max(data.end, (data.steps.at(-1)?.bent ?? 0) + WAY);
}
function stateAt(data, wanted) {
    const time = Math.min(Math.max(wanted, 0), lastTime(data));
    let index = -1;
    while (index + 1 < data.steps.length && data.steps[index + 1].bent <= time) {
        index += 1;
    }
    const ended = time >= data.end;
    const over = ended && index < data.reached && !stopsAt(data, index) && !data.live;
    const missing = data.broken !== null && (ended || stopsAt(data, index));
    const began = data.steps[index]?.bent ?? 0;
    const moved = Math.min(Math.max((time - began) / WAY, 0), 1);
    return { time, index: over ? data.reached : index, over, missing, moved };
}
function stopsAt(data, index) {
    return data.broken !== null && data.steps[index]?.name === data.broken.name;
}
function stepped(data, state, by) {
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
function found(data, wanted) {
    const named = data.steps.findIndex((step) => step.name === wanted);
    if (named >= 0) {
        return named;
    }
    return data.steps.findIndex((step) => step.number.split(", ").includes(wanted) && wanted !== "+");
}
function linkTo(data, step) {
    const alone = step.number !== "+" && data.steps.filter((other) => other.number === step.number).length === 1;
    return `#hop=${encodeURIComponent(alone && !step.number.includes(",") ? step.number : step.name)}`;
}
function afterReal(data, time, seconds, instant = 0.02) {
    let [at, left] = [time, seconds];
    while (left > 0 && at < data.end) {
        const index = stateAt(data, at).index;
        const [begin, real] = [data.steps[index]?.bent ?? 0, data.steps[index]?.real ?? null];
        const behind = index + 1 < data.reached ? data.steps[index + 1] : null;
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
return { settled, lastTime, stateAt, stopsAt, stepped, found, linkTo, afterReal };
})();
modules.details = (() => {
const { actorOf, lookOf, nodeOf } = modules.data;
const { html } = modules.dom;
const { linkTo, stopsAt } = modules.state;
function captionOf(data, state) {
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
function detailsOf(data, state) {
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
        html("p", {}, html("span", { class: `badge ${look.kind}` }, `${look.sign} ${step.verdict}`), step.denials.length ? ": something says that it failed" : look.short ? `: ${look.short}` : ""),
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
function placeOf(id) {
    return nodeOf(id) ? `${actorOf(id)} on ${nodeOf(id)}` : actorOf(id);
}
function timeOf(step) {
    const waited = step.waited ? `; over ${step.waited}` : "";
    return `${step.when} since the first hop, ${step.took.toFixed(3)} s from its first witness to its last${waited}.`;
}
function missing(data) {
    const lines = (data.broken?.lines ?? []).map(([title, text]) => html("div", {}, html("dt", {}, title), html("dd", {}, text)));
    return lines.length ? [html("h4", {}, "What is missing here"), html("dl", { class: "missing" }, ...lines)] : [];
}
function others(data, step) {
    const same = data.steps.filter((one) => one !== step && one.from === step.from && one.to === step.to);
    return same.length ? [html("p", {}, html("b", {}, "On the same arrow:"), " ", ...links(data, same))] : [];
}
function doubtful(data) {
    return data.worst.filter((verdict) => verdict !== "proved").flatMap((verdict) => {
        const those = data.steps.filter((step) => step.verdict === verdict);
        const look = lookOf(data, verdict);
        return those.length
            ? [html("p", {}, html("span", { class: `badge ${look.kind}` }, `${look.sign} ${verdict}`), ": ", ...links(data, those))]
            : [];
    });
}
function links(data, steps) {
    return steps.flatMap((one, index) => [
        index ? ", " : "", html("a", { href: linkTo(data, one) }, `${one.number} ${one.name}`)
    ]);
}
function quoted(witness, role) {
    return [
        html("p", { class: "witness" }, html("b", {}, witness.who), ` on ${witness.node}, ${role}${witness.kind}, ${witness.time}`, ...(witness.id ? [", by ", html("code", {}, witness.id)] : []), "; read in ", html("code", {}, witness.source), ":"),
        quote(witness.line),
    ];
}
function quote(text) {
    return html("pre", {}, html("code", {}, text));
}
function fact(title, text) {
    return html("p", {}, html("b", {}, `${title}:`), ` ${text}`);
}
function sentenceOf(text) {
    return /[.!?…]$/.test(text) ? text : `${text}.`;
}
function capital(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
}
return { captionOf, detailsOf };
})();
modules.arrows = (() => {
const TIP = 9;
const NOWHERE = { points: [[0, 0], [0, 0], [0, 0], [0, 0]], side: 1 };
function arrowsOf(data) {
    const boxes = new Map(data.boxes.map((box) => [box.id, box]));
    const found = new Map();
    data.steps.forEach((step, index) => {
        const key = JSON.stringify([step.from, step.to]);
        const arrow = found.get(key) ?? { from: step.from, to: step.to, hops: [], line: lineOf(boxes, step) };
        arrow.hops.push(index);
        found.set(key, arrow);
    });
    return [...found.values()];
}
function lineOf(boxes, step) {
    const [from, to] = [boxes.get(step.from), boxes.get(step.to)];
    return from && to ? lineBetween(from, to) : NOWHERE;
}
function lineBetween(from, to) {
    const [y1, y2] = [from.y + from.h / 2, to.y + to.h / 2];
    const right = from.x + from.w;
    if (from.id === to.id) {
        return { points: [[right, y1 - 7], [right + 34, y1 - 16], [right + 34, y1 + 16], [right + TIP, y1 + 7]], side: -1 };
    }
    if (from.x < to.x + to.w && to.x < right) {
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
const PLACES = [0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73, 0.2, 0.8, 0.14, 0.86];
function signPlace(line, boxes, there, radius) {
    const places = PLACES.map((part) => pointAt(line, part));
    const besideSigns = places.filter(([x, y]) => there.every((other) => Math.hypot(x - other[0], y - other[1]) > 2 * radius));
    const free = besideSigns.find(([x, y]) => !boxes.some((box) => x > box.x - radius && x < box.x + box.w + radius && y > box.y - radius && y < box.y + box.h + radius));
    return free ?? besideSigns[0] ?? pointAt(line, 0.5);
}
function pathOf({ points: [a, b, c, d] }) {
    return `M${a.join(" ")} C${b.join(" ")} ${c.join(" ")} ${d.join(" ")}`;
}
function tipOf({ points, side }) {
    const [x, y] = points[3];
    return `M${x + TIP * side} ${y} L${x - 2 * side} ${y - 5} V${y + 5} Z`;
}
function pointAt({ points: [a, b, c, d] }, part) {
    const rest = 1 - part;
    const [i, j, k, l] = [rest ** 3, 3 * rest ** 2 * part, 3 * rest * part ** 2, part ** 3];
    return [a[0] * i + b[0] * j + c[0] * k + d[0] * l, a[1] * i + b[1] * j + c[1] * k + d[1] * l];
}
return { arrowsOf, lineBetween, signPlace, pathOf, tipOf, pointAt };
})();
modules.map = (() => {
const { arrowsOf, pathOf, pointAt, signPlace, tipOf } = modules.arrows;
const { actorOf, lookOf } = modules.data;
const { mark, svg } = modules.dom;
const { stopsAt } = modules.state;
const EDGE = 34;
const TOP = 10;
const SIGN = 9;
const LARGEST = 1.15;
const PLAIN = new Set(["proved", "blocked"]);
class PictureMap {
    #data;
    #arrows;
    #boxes;
    #message = svg("circle", { r: 5, class: "message" });
    #chosen;
    #fresh;
    #shown = -1;
    #signs = [];
    constructor(root, data, chosen, fresh) {
        this.#data = data;
        this.#fresh = fresh;
        this.#chosen = chosen;
        this.#boxes = data.boxes.map(drawnBox);
        this.#arrows = arrowsOf(data).map((arrow) => this.#drawn(arrow));
        const frames = [...data.nodes.map((frame) => drawnFrame(frame, "node")),
            ...data.groups.map((frame) => drawnFrame(frame, "group"))];
        root.setAttribute("viewBox", `${-EDGE} ${-TOP} ${data.width + 2 * EDGE} ${data.height + 2 * TOP}`);
        root.style.maxWidth = `${(data.width + 2 * EDGE) * LARGEST}px`;
        root.replaceChildren(...frames.map(([frame]) => frame), ...this.#boxes.map(({ parts: [box] }) => box), svg("g", {}, ...this.#arrows.map(({ group }) => group), this.#message), ...frames.map(([, title]) => title), ...this.#boxes.map(({ parts: [, name] }) => name), ...this.#arrows.map(({ seal }) => seal));
    }
    render(state, still) {
        this.#shown = state.index;
        const current = state.over ? undefined : this.#data.steps[state.index];
        const lighted = this.#lighted(state);
        const acting = new Set(lighted.flatMap((index) => [this.#data.steps[index]?.from, this.#data.steps[index]?.to]));
        for (const { id, parts } of this.#boxes) {
            const touched = this.#arrows.some((arrow) => isPast(arrow, state) && (arrow.from === id || arrow.to === id));
            for (const part of parts) {
                mark(part, "lit", acting.has(id));
                mark(part, "touched", touched);
            }
        }
        for (const arrow of this.#arrows) {
            this.#renderArrow(arrow, state, lighted);
        }
        const lit = this.#arrows.find((arrow) => !state.over && arrow.hops.includes(state.index));
        const moves = lit !== undefined && !still && state.moved < 1 && current?.real !== null;
        mark(this.#message, "moving", moves);
        if (lit && moves) {
            const [x, y] = pointAt(lit.line, state.moved);
            this.#message.setAttribute("cx", x.toFixed(1));
            this.#message.setAttribute("cy", y.toFixed(1));
        }
        if (lit && this.#message.previousElementSibling !== lit.group) {
            this.#message.before(lit.group);
        }
    }
    #lighted(state) {
        if (state.over) {
            return [];
        }
        const { live, reached, steps } = this.#data;
        const came = live && state.index === reached - 1 ? this.#fresh : new Set();
        return steps.flatMap((step, index) => (index === state.index || came.has(step.name) ? [index] : []));
    }
    #renderArrow(arrow, state, lighted) {
        const data = this.#data;
        const own = arrow.hops.filter((index) => lighted.includes(index));
        const now = own.length > 0;
        const past = isPast(arrow, state);
        const lacking = state.missing && arrow.hops.some((index) => index >= data.reached || stopsAt(data, index));
        const said = now ? own : arrow.hops.filter((index) => (lacking ? true : index <= state.index));
        const verdicts = said.map((index) => data.steps[index]?.verdict ?? "");
        const verdict = data.worst.find((one) => verdicts.includes(one)) ?? "proved";
        const shown = now || past || lacking;
        const look = lookOf(data, verdict);
        arrow.group.setAttribute("class", ["arrow", now ? "now" : lacking ? "lacking" : past ? "past" : "ahead", shown ? look.kind : ""].join(" ").trim());
        arrow.seal.setAttribute("class", `seal ${look.kind}${now || (shown && !PLAIN.has(verdict)) ? " shown" : ""}`);
        arrow.sign.textContent = look.sign;
    }
    #drawn(arrow) {
        const path = pathOf(arrow.line);
        const [x, y] = signPlace(arrow.line, this.#data.boxes, this.#signs, SIGN);
        if (arrow.hops.some((index) => !PLAIN.has(this.#data.steps[index]?.verdict ?? ""))) {
            this.#signs.push([x, y]);
        }
        const sign = svg("text", { x, y: y + 4.5 });
        const seal = svg("g", { class: "seal" }, svg("circle", { cx: x, cy: y, r: SIGN }), sign);
        const title = `${actorOf(arrow.from)} to ${actorOf(arrow.to)}: ${arrow.hops.map((index) => label(this.#data, index)).join(", ")}`;
        const group = svg("g", { class: "arrow ahead" }, svg("title", {}, title), svg("path", { d: path, class: "stroke" }), svg("path", { d: tipOf(arrow.line), class: "fill" }), svg("path", { d: path, class: "hit" }));
        const drawn = { ...arrow, group, seal, sign };
        for (const part of [group, seal]) {
            part.addEventListener("click", () => this.#chosen(this.#meant(drawn)));
        }
        return drawn;
    }
    #meant(arrow) {
        return arrow.hops.filter((index) => index <= this.#shown).at(-1) ?? arrow.hops[0] ?? 0;
    }
}
function isPast(arrow, state) {
    return arrow.hops.some((index) => index < state.index);
}
function label(data, index) {
    const step = data.steps[index];
    return step ? `${step.number} ${step.name}` : "";
}
function drawnFrame(frame, kind) {
    const { x, y, w, h } = frame;
    const name = `${kind}${frame.idle ? " idle" : ""}`;
    return [
        svg("g", { class: name }, svg("rect", { x, y, width: w, height: h, rx: 6 })),
        svg("g", { class: `${name} title` }, svg("text", { x: x + 10, y: y + 17 }, frame.title, ...(frame.holds ? [svg("tspan", { class: "holds" }, `: ${frame.holds}`)] : []))),
    ];
}
function drawnBox(box) {
    const { x, y, w, h } = box;
    const title = box.is ? `${box.actor}: ${box.is}` : box.actor;
    return {
        id: box.id,
        parts: [
            svg("g", { class: "box" }, svg("title", {}, title), svg("rect", { x, y, width: w, height: h, rx: 4 })),
            svg("g", { class: "box name" }, svg("text", { x: x + w / 2, y: y + h / 2 + 4.5, ...fitted(box) }, box.actor)),
        ],
    };
}
function fitted(box) {
    const room = box.w - 10;
    return box.actor.length * 7.2 > room ? { textLength: room, lengthAdjust: "spacingAndGlyphs" } : {};
}
return { PictureMap };
})();
modules.compared = (() => {
const { detailsOf } = modules.details;
const { byId, html } = modules.dom;
const { PictureMap } = modules.map;
const IDS = ["picture-map", "picture-map-2"];
const NAMES = ["First", "Second"];
function sideOf(whole, run, state) {
    const missing = state.time >= whole.end && run.broken !== null;
    if (state.over) {
        return { ...state, index: run.reached, missing };
    }
    const own = new Map(run.steps.map((step, index) => [step.name, index]));
    const until = whole.steps.slice(0, state.index + 1).map((step) => own.get(step.name));
    const shown = until.at(-1);
    const behind = Math.max(-1, ...until.filter((index) => index !== undefined)) + 0.5;
    return { ...state, index: shown ?? (behind < 0 ? -1 : behind), missing };
}
class ComparedMaps {
    #whole;
    #runs;
    #maps;
    constructor(whole, chosen) {
        this.#whole = whole;
        this.#runs = whole.compared ?? [];
        this.#maps = this.#runs.map((run, side) => new PictureMap(byId(IDS[side] ?? "", SVGSVGElement), run, (index) => chosen(whole.steps.findIndex((step) => step.name === run.steps[index]?.name)), new Set()));
    }
    render(state, still) {
        this.#maps.forEach((map, side) => map.render(sideOf(this.#whole, this.#runs[side], state), still));
    }
}
function comparedDetails(whole, state) {
    const step = state.over ? undefined : whole.steps[state.index];
    const said = step === undefined ? whole.sentence
        : step.verdict === "differs" ? `This hop differs: ${step.why}.` : "This hop is alike in both runs.";
    const sides = (whole.compared ?? []).map((run, side) => html("div", {}, html("p", { class: "run" }, `${NAMES[side] ?? ""}: ${run.run}`), ...(step !== undefined && !run.steps.some((one) => one.name === step.name)
        ? [html("p", {}, `The list of this run leaves out ${step.name}.`)]
        : detailsOf(run, sideOf(whole, run, state)))));
    return [html("p", {}, html("b", {}, said)), html("div", { class: "pair" }, ...sides)];
}
return { sideOf, ComparedMaps, comparedDetails };
})();
modules.controls = (() => {
const { lookOf } = modules.data;
const { byId, svg } = modules.dom;
const { stateAt, stepped } = modules.state;
const TICK_SCALE = 1000;
class Controls {
    #data;
    #player;
    #play = byId("picture-play", HTMLButtonElement);
    #time = byId("picture-time", HTMLInputElement);
    #ticks = byId("picture-ticks", SVGSVGElement);
    #clock = byId("picture-clock", HTMLElement);
    constructor(section, data, player, life) {
        this.#data = data;
        this.#player = player;
        this.#play.addEventListener("click", () => player.toggle());
        byId("picture-back", HTMLButtonElement).addEventListener("click", () => this.#step(-1));
        byId("picture-forward", HTMLButtonElement).addEventListener("click", () => this.#step(1));
        this.#time.addEventListener("input", () => player.go(Number(this.#time.value)));
        const pace = byId("picture-pace", HTMLSelectElement);
        pace.addEventListener("change", () => (player.pace = pace.value));
        document.addEventListener("keydown", (event) => this.#key(event, section), { signal: life });
        this.data = data;
    }
    set data(data) {
        this.#data = data;
        this.#time.max = String(data.end);
        this.#ticks.setAttribute("viewBox", `0 0 ${TICK_SCALE} 14`);
        this.#ticks.replaceChildren(...data.steps.slice(0, data.reached).map((step) => {
            const x = ((step.bent / data.end) * TICK_SCALE).toFixed(1);
            const plain = step.verdict === "proved";
            return svg("line", { x1: x, x2: x, y1: plain ? 5 : 0, y2: 14, class: `stroke ${lookOf(data, step.verdict).kind}` });
        }));
    }
    render(state) {
        const { playing } = this.#player;
        this.#play.textContent = playing ? "Pause" : "Play";
        this.#time.value = String(Math.min(state.time, this.#data.end));
        const step = state.over ? undefined : this.#data.steps[state.index];
        const place = step ? `hop ${state.index + 1} of ${this.#data.steps.length}` : state.over ? "end" : "beginning";
        const real = step ? step.when || "no time" : "";
        this.#clock.textContent = [place, real && `${real}`, `${state.time.toFixed(1)} s on the screen`].filter(Boolean).join(", ");
        this.#time.setAttribute("aria-valuetext", step ? `${place}: ${step.number} ${step.name}` : place);
    }
    #step(by) {
        this.#player.go(stepped(this.#data, stateAt(this.#data, this.#player.time), by));
    }
    #key(event, section) {
        if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) {
            return;
        }
        const target = event.target instanceof Element ? event.target : document.body;
        const within = section.contains(target);
        if ((!within && !(target === document.body && isSeen(section))) || target instanceof HTMLSelectElement) {
            return;
        }
        const acts = {
            ArrowRight: () => this.#step(1),
            ArrowLeft: () => this.#step(-1),
        };
        if (!target.closest("#picture-details")) {
            acts["Home"] = () => this.#player.go(0);
            acts["End"] = () => this.#player.go(this.#data.end);
            if (!(target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement)) {
                acts[" "] = () => this.#player.toggle();
            }
        }
        const act = acts[event.key];
        if (act) {
            event.preventDefault();
            act();
        }
    }
}
function isSeen(element) {
    const { top, bottom } = element.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
}
return { Controls };
})();
modules.list = (() => {
const { actorOf, lookOf } = modules.data;
const { html, mark } = modules.dom;
const { linkTo } = modules.state;
class HopList {
    #root;
    #chosen;
    #items = new Map();
    #listed = [];
    #shown = "";
    #name = "";
    constructor(root, data, chosen) {
        this.#root = root;
        this.#chosen = chosen;
        this.data = data;
    }
    set data(data) {
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
    render(state) {
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
        const item = this.#listed[current] ?? (current < 0 ? this.#listed[0] : this.#listed[state.index - 1]);
        if (item && name !== this.#name) {
            const [root, own] = [this.#root.getBoundingClientRect(), item.element.getBoundingClientRect()];
            this.#root.scrollTop += own.top - root.top - (root.height - own.height) / 2;
        }
        this.#name = name;
    }
    #made(data, step, text, beyond) {
        const link = linked(data, step);
        link.addEventListener("click", () => this.#chosen(step.name));
        return { text, link, element: html("li", { class: beyond ? "beyond" : "" }, link) };
    }
}
function linked(data, step) {
    const look = lookOf(data, step.verdict);
    const plain = step.verdict === "proved";
    return html("a", { href: linkTo(data, step) }, html("span", { class: "step" }, step.number), html("b", {}, step.name), html("span", { class: plain ? "hidden" : `badge ${look.kind}` }, step.verdict), html("span", { class: `sign ${look.kind}`, "aria-hidden": "true" }, look.sign), html("span", { class: "time" }, step.when), html("span", { class: "route" }, `${actorOf(step.from)} → ${actorOf(step.to)}`));
}
return { HopList };
})();
modules.live = (() => {
const { byId, mark } = modules.dom;
const QUIET = 5;
function listen(told) {
    const section = byId("live", HTMLElement);
    const sentence = byId("live-sentence", HTMLElement);
    const heard = byId("live-state", HTMLElement);
    const say = spoken(byId("live-said", HTMLElement));
    const parts = {};
    let reached = new Set();
    const source = new EventSource("events");
    function state(name, hears) {
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
    source.addEventListener("state", (event) => {
        Object.assign(parts, JSON.parse(event.data));
        const data = joined(parts);
        const now = new Set(data.steps.slice(0, data.reached).map((step) => step.name));
        const fresh = new Set([...now].filter((name) => !reached.has(name)));
        reached = now;
        sentence.textContent = data.sentence;
        say(data.sentence);
        told.changed(data, fresh);
    });
    source.addEventListener("broken", (event) => {
        source.close();
        state("Over", false);
        sentence.textContent = `There is no report: ${String(JSON.parse(event.data))}. This is as far as it came.`;
        say(sentence.textContent, true);
    });
    source.addEventListener("end", (event) => {
        source.close();
        told.over(String(JSON.parse(event.data)));
    });
}
function joined(parts) {
    const order = parts["order"];
    return { ...parts, steps: order.map((name) => parts[`step ${name}`]) };
}
function spoken(status) {
    let waiting = 0;
    let newest = "";
    function speak() {
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
return { listen };
})();
modules.player = (() => {
const { afterReal, lastTime } = modules.state;
const PACES = { followed: 1, half: 0.5, four: 4, real: "real" };
const LONGEST = 0.25;
function later(data, time, seconds, pace) {
    const speed = PACES[pace] ?? 1;
    const at = speed === "real" ? afterReal(data, time, seconds) : time + seconds * speed;
    return Math.min(at, data.end);
}
class Player {
    playing = false;
    time = 0;
    pace = "followed";
    #data;
    #frame = 0;
    #last = 0;
    #changed;
    constructor(data, changed) {
        this.#data = data;
        this.#changed = changed;
    }
    set data(data) {
        this.#data = data;
        this.time = Math.min(this.time, lastTime(data));
    }
    go(time) {
        this.#halt();
        this.time = Math.min(Math.max(time, 0), lastTime(this.#data));
        this.#changed();
    }
    toggle() {
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
    #tick(now) {
        const passed = Math.min(Math.max(now - this.#last, 0) / 1000, LONGEST);
        this.time = later(this.#data, this.time, passed, this.pace);
        this.#last = now;
        if (this.time >= this.#data.end) {
            this.#halt();
        }
        else {
            this.#frame = requestAnimationFrame((next) => this.#tick(next));
        }
        this.#changed();
    }
    #halt() {
        cancelAnimationFrame(this.#frame);
        this.playing = false;
    }
}
return { later, Player };
})();
modules.page = (() => {
const { comparedDetails, ComparedMaps } = modules.compared;
const { Controls } = modules.controls;
const { captionOf, detailsOf } = modules.details;
const { byId } = modules.dom;
const { HopList } = modules.list;
const { listen } = modules.live;
const { PictureMap } = modules.map;
const { Player } = modules.player;
const { found, settled, stateAt } = modules.state;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const PRINT = matchMedia("print");
function begin(shown = "") {
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
    function mapOf(fresh) {
        return data.compared
            ? new ComparedMaps(data, choose)
            : new PictureMap(byId("picture-map", SVGSVGElement), data, choose, fresh);
    }
    function choose(index) {
        player.go(settled(data, index));
    }
    function current() {
        return data.steps[stateAt(data, player.time).index];
    }
    function render(time) {
        const state = stateAt(data, PRINT.matches ? data.end : time);
        map.render(state, STILL.matches);
        list.render(state);
        controls.render(state);
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
    function show(other, fresh = new Set()) {
        const [atEnd, before, time] = [player.time >= data.end, current(), player.time];
        data = other;
        player.data = controls.data = list.data = data;
        map = mapOf(fresh);
        const index = before ? data.steps.findIndex((step) => step.name === before.name) : -1;
        const now = data.steps[index];
        detailed = before && JSON.stringify(before) === JSON.stringify(now) ? index : NaN;
        if (atEnd) {
            player.time = data.end;
        }
        else if (before && now) {
            player.time = Math.min(now.bent + time - before.bent, Math.max(settled(data, index), now.bent));
        }
        render(player.time);
    }
    function follow() {
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
    }
    else if (!follow()) {
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
function become(page, shown = "") {
    const next = new DOMParser().parseFromString(page, "text/html");
    const focused = document.activeElement?.id ?? "";
    document.title = next.title;
    document.body.replaceWith(document.adoptNode(next.body));
    document.getElementById(focused)?.focus({ preventScroll: true });
    window.picture = begin(shown);
}
function read() {
    return JSON.parse(byId("picture-data", HTMLScriptElement).textContent ?? "");
}
function decoded(text) {
    try {
        return decodeURIComponent(text);
    }
    catch {
        return text;
    }
}
window.picture = begin();
return {  };
})();
})();
