"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const network = document.getElementById("network");
  const panel = document.getElementById("panel");
  const hint = [...panel.childNodes];
  const edges = data.edges.map((edge, n) => ({ ...edge, kind: "edge", place: n, box: document.getElementById("e" + n), link: document.getElementById("l" + n) }));
  const nodes = data.nodes.map((node, n) => ({ ...node, kind: "node", place: n, box: document.getElementById("n" + n) }));
  const middle = (thing) => { const box = thing.box.getBBox(); return box.x + box.width / 2; };
  let pinned = null, shown = null, metric = 0;

  const make = (tag, attributes = {}, ...children) => {
    const svg = ["svg", "path", "line", "circle", "rect", "text", "g", "tspan"].includes(tag);
    const made = svg ? document.createElementNS(SVG, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const written = (runs) => runs.map(([text, level]) => (level ? make(level > 0 ? "sup" : "sub", {}, text) : document.createTextNode(text)));
  const spoken = (runs) => runs.map(([text, level]) => (level < 0 ? " " : level > 0 ? " to the " : "") + text).join("");
  const number = (value) => {
    if (value === null) return "–";
    const size = Math.abs(value);
    const text = size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(2) : String(Number(value.toPrecision(3)));
    return text.replaceAll("-", "−");
  };
  const ordinal = (n) => n + (["th", "st", "nd", "rd"][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] || "th");

  // by each metric, the rank of every edge among those that are drawn
  const ranks = data.metrics.map((_, m) => {
    const rank = [];
    edges.map((edge) => edge.place).sort((a, b) => edges[b].scores[m] - edges[a].scores[m]).forEach((n, place) => { rank[n] = place + 1; });
    return rank;
  });

  // the points of a thumbnail's curve in thousandths of its range: "M" starts a piece, numbers go from point to point
  const pieces = (edge) => {
    const found = [];
    let x = 0, y = 0;
    for (const [, sign, rest] of edge.box.querySelector("path").getAttribute("d").matchAll(/([Ml])([^Ml]*)/g)) {
      const steps = rest.match(/-?\d+/g).map(Number);
      for (let k = 0; k < steps.length; k += 2) {
        [x, y] = sign === "M" ? [steps[k], steps[k + 1]] : [x + steps[k], y + steps[k + 1]];
        if (sign === "M") found.push([]);
        found.at(-1).push([x, y]);
      }
    }
    return found;
  };
  const height = (curve, x) => {
    for (const piece of curve) {
      for (let k = 1; k < piece.length; k++) {
        const [[a, u], [b, v]] = [piece[k - 1], piece[k]];
        if (a <= x && x <= b) return b > a ? u + ((v - u) * (x - a)) / (b - a) : u;
      }
    }
    return null;
  };

  const chart = (edge) => {
    const [left, top, width, tall] = [46, 8, 250, 170];
    const [x0, x1, y0, y1] = edge.range;
    const curve = pieces(edge);
    const at = (x) => left + (width * x) / 1000, up = (y) => top + (tall * y) / 1000;
    const drawn = make("svg", { viewBox: `0 0 ${left + width + 14} ${top + tall + 36}`, role: "img", "aria-label": "the curve of this edge" });
    drawn.append(make("rect", { x: left, y: top, width, height: tall, class: "axis" }));
    if (x0 < 0 && x1 > 0) drawn.append(make("line", { x1: at((-1000 * x0) / (x1 - x0)), x2: at((-1000 * x0) / (x1 - x0)), y1: top, y2: top + tall, class: "axis" }));
    if (y0 < 0 && y1 > 0) drawn.append(make("line", { x1: left, x2: left + width, y1: up((1000 * y1) / (y1 - y0)), y2: up((1000 * y1) / (y1 - y0)), class: "axis" }));
    const path = curve.map((piece) => "M" + piece.map(([x, y]) => `${at(x).toFixed(1)} ${up(y).toFixed(1)}`).join("L")).join("");
    drawn.append(make("path", { d: path, class: "big " + edge.look }));
    for (const x of x1 > x0 ? data.samples[edge.from] || [] : []) {
      const share = (1000 * (x - x0)) / (x1 - x0), y = height(curve, share);
      if (y !== null) drawn.append(make("circle", { cx: at(share), cy: up(y), r: 2.2, class: "point" }));
    }
    const label = (x, y, text, anchor) => drawn.append(make("text", { x, y, "text-anchor": anchor }, text));
    label(left, top + tall + 15, number(x0), "start");
    label(left + width, top + tall + 15, number(x1), "end");
    label(left - 5, top + 10, number(y1), "end");
    label(left - 5, top + tall, number(y0), "end");
    const under = make("text", { x: left + width / 2, y: top + tall + 30, "text-anchor": "middle" });
    for (const [text, level] of nodes[edge.from].name) under.append(make("tspan", level ? { "font-size": "9" } : {}, text));
    drawn.append(under);
    return drawn;
  };

  const edgePanel = (edge) => {
    const head = make("h2", {}, ...written(nodes[edge.from].name), " → ", ...written(nodes[edge.to].name));
    const kind = { numeric: "A fitted curve", symbolic: "A function", both: "A function and a fitted curve" }[edge.look];
    const table = make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "score"), make("th", {}), make("th", { scope: "col" }, "rank"))));
    const body = make("tbody");
    data.metrics.forEach((name, m) => {
      body.append(make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, number(edge.scores[m])), make("td", {}, `${ordinal(ranks[m][edge.place])} of ${edges.length.toLocaleString("en")}`)));
    });
    table.append(body);
    return [head, make("p", { class: "kind" }, `${kind}; edge `, make("code", {}, `(${edge.at.join(", ")})`)), make("p", { class: "formula" }, ...written(edge.formula)), chart(edge), table];
  };
  const nodePanel = (node) => {
    const parts = [make("h2", {}, ...written(node.name)), make("p", { class: "kind" }, node.says)];
    if (node.formula.length) parts.push(make("p", { class: "formula" }, ...written(node.name), " = ", ...written(node.formula)));
    if (node.whole.length) parts.push(make("p", { class: "kind" }, "In the inputs:"), make("p", { class: "formula" }, ...written(node.name), " = ", ...written(node.whole)));
    if (node.range) parts.push(make("p", {}, `From ${number(node.range[0])} to ${number(node.range[1])} in the data.`));
    parts.push(make("p", {}, `Score ${number(node.score)}.`));
    return parts;
  };

  const lit = (thing) => (thing.kind === "edge" ? [thing] : edges.filter((edge) => edge.from === thing.place || edge.to === thing.place));
  const show = (thing) => {
    if (thing === shown) return;
    for (const old of network.querySelectorAll(".on")) old.classList.remove("on");
    shown = thing;
    panel.replaceChildren(...(thing ? (thing.kind === "edge" ? edgePanel(thing) : nodePanel(thing)) : hint));
    if (!thing) return;
    thing.box.classList.add("on");
    for (const edge of lit(thing)) { edge.box.classList.add("on"); edge.link.classList.add("on"); }
    if (thing.kind === "edge") for (const end of [thing.from, thing.to]) nodes[end].box.classList.add("on");
  };
  const thingOf = (target) => {
    const box = target.closest && target.closest(".e, .node, .link");
    if (!box) return null;
    const place = Number(box.id.slice(1));
    return box.id[0] === "n" ? nodes[place] : edges[place];
  };

  let stop = nodes[0];
  const focus = (thing) => {
    if (!thing) return;
    stop.box.setAttribute("tabindex", "-1");
    stop = thing;
    thing.box.setAttribute("tabindex", "0");
    thing.box.focus();
  };
  const strongest = (some) => some.reduce((best, edge) => (!best || edge.scores[metric] > best.scores[metric] ? edge : best), null);
  const beside = (thing, step) => {
    const row = (thing.kind === "edge" ? edges.filter((e) => e.at[0] === thing.at[0]) : nodes.filter((n) => n.layer === thing.layer))
      .map((other) => [middle(other), other]).sort((a, b) => a[0] - b[0]).map(([, other]) => other);
    return row[row.indexOf(thing) + step];
  };
  const moves = {
    ArrowLeft: (thing) => beside(thing, -1),
    ArrowRight: (thing) => beside(thing, 1),
    ArrowUp: (thing) => (thing.kind === "edge" ? nodes[thing.to] : strongest(edges.filter((e) => e.from === thing.place))),
    ArrowDown: (thing) => (thing.kind === "edge" ? nodes[thing.from] : strongest(edges.filter((e) => e.to === thing.place))),
  };

  for (const thing of [...edges, ...nodes]) {
    thing.box.setAttribute("tabindex", thing === stop ? "0" : "-1");
    thing.box.setAttribute("role", "button");
    const name = thing.kind === "edge" ? `edge from ${spoken(nodes[thing.from].name)} to ${spoken(nodes[thing.to].name)}, ${thing.look}` : `node ${spoken(thing.name)}`;
    thing.box.setAttribute("aria-label", name);
  }
  // on the box around it: an SVG that listens for focus would be a stop of its own
  const around = network.parentElement;
  around.addEventListener("pointerover", (event) => { if (!pinned && event.pointerType !== "touch") show(thingOf(event.target) || shown); });
  around.addEventListener("focusin", (event) => { const thing = thingOf(event.target); if (thing) { if (pinned && pinned !== thing) pinned = null; show(thing); } });
  around.addEventListener("click", (event) => {
    const thing = thingOf(event.target);
    pinned = thing === pinned ? null : thing;
    if (thing) focus(thing);
    show(thing);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { pinned = null; show(null); return; }
    const thing = thingOf(event.target);
    if (!thing) return;
    if (moves[event.key]) { event.preventDefault(); focus(moves[event.key](thing)); }
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pinned = pinned === thing ? null : thing; show(thing); }
  });
  const choice = document.getElementById("metric"), beta = document.getElementById("beta");
  const fade = () => {
    metric = Number(choice.value);
    const strength = Number(beta.value) > 0 ? Number(beta.value) : data.beta;
    for (const edge of edges) {
      const seen = Math.max(Math.tanh(strength * Math.abs(edge.scores[metric])), data.faintest).toFixed(3);
      edge.box.style.setProperty("--o", seen);
      edge.link.style.setProperty("--o", seen);
    }
  };
  choice.addEventListener("change", fade);
  beta.addEventListener("input", fade);
})();
