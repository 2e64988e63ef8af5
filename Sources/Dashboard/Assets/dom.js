// Elements, figures and pictures. Text always goes in as text: what a client or a vendor wrote is
// never read as markup.

const vectors = 'http://www.w3.org/2000/svg';

// What a screen would obey instead of show: control characters, and marks that turn the direction
// of writing, with which one text can pass for another. They are shown as `weir logs` prints them.
const obeyed = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function plain(child) {
  return child instanceof Node ? child : words(child).replace(obeyed, (mark) =>
    `\\u${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`);
}

// A text out of a body: where one should stand there may be anything, an object with a member
// `toString` as well.
export function words(value, space = 0) {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '';
  try { return JSON.stringify(value, null, space); } catch { return '(nested too deeply)'; }
}

function kept(children) {
  return children.flat(3).filter((child) => child !== null && child !== undefined).map(plain);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of kept(children)) element.append(child);
  return element;
}

// Replaces what an element holds; lists are taken apart, and what is nothing is left out.
export function put(element, ...children) {
  element.replaceChildren();
  for (const child of kept(children)) element.append(child);
}

export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(vectors, tag), attributes, children);
}

export function card(title, ...children) {
  return h('section', { class: 'card' }, title ? h('h2', null, title) : null, ...children);
}

export function empty(...text) { return h('p', { class: 'empty' }, ...text); }

// Figures.

const groups = new Intl.NumberFormat('en-US');

export function count(number) {
  return number === null || number === undefined ? '–' : groups.format(number);
}

export function time(microseconds) {
  if (microseconds === null || microseconds === undefined) return '–';
  if (microseconds < 10000) return `${(microseconds / 1000).toFixed(1)} ms`;
  if (microseconds < 1000000) return `${Math.round(microseconds / 1000)} ms`;
  if (microseconds < 60000000) return `${(microseconds / 1000000).toFixed(1)} s`;
  const seconds = Math.floor(microseconds / 1000000);
  return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
}

export function money(dollars) {
  if (dollars === null || dollars === undefined) return '–';
  const digits = dollars < 0.01 ? 6 : dollars < 100 ? 4 : 2;
  return `$${dollars.toLocaleString('en-US', {
    minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

// For axes, where there is room for a few letters.
export function brief(number) {
  if (number >= 1e9) return `${+(number / 1e9).toPrecision(3)}G`;
  if (number >= 1e6) return `${+(number / 1e6).toPrecision(3)}M`;
  return number >= 1e4 ? `${+(number / 1e3).toPrecision(3)}k` : `${+number.toPrecision(3)}`;
}

export function bytes(number) {
  if (number < 1024) return `${number} B`;
  return number < 1048576
    ? `${(number / 1024).toFixed(1)} KiB` : `${(number / 1048576).toFixed(1)} MiB`;
}

export function share(part, whole) {
  return whole > 0 ? `${Math.round((part / whole) * 100)} %` : '–';
}

export function clock(text) { return text ? text.slice(11, 19) : '–'; }

export function moment(text) { return text ? `${text.slice(5, 10)} ${text.slice(11, 19)}` : '–'; }

export function named(name) { return name === '' || name === undefined ? '–' : name; }

// A table: columns are [heading, cell, class].
export function table(caption, columns, rows) {
  return h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
    h('table', null, h('caption', null, caption),
      h('thead', null, h('tr', null,
        columns.map(([name, , kind]) => h('th', { scope: 'col', class: kind }, name)))),
      h('tbody', null, rows.map((row) => tableRow(columns, row)))));
}

export function tableRow(columns, row) {
  return h('tr', null, columns.map(([, cell, kind]) => h('td', { class: kind }, cell(row))));
}

export function link(view, parameters, text) {
  const query = new URLSearchParams(Object.entries(parameters || {}).filter(([, value]) => value));
  const rest = query.toString();
  return h('a', { href: `#/${view}${rest ? `?${rest}` : ''}` }, text);
}

// What a call's end is called, and how it looks.
export function result(call) {
  const failed = call.error_class !== '' && call.error_class !== undefined;
  const word = call.outcome === 'complete' && call.status > 0 ? `${call.status}` : call.outcome;
  const kind = !failed ? 'good' : call.outcome === 'client_cancelled' ? 'warn' : 'bad';
  return h('span', { class: `pill ${kind}` }, failed && call.outcome === 'complete'
    ? `${word} ${call.error_class}` : word.replaceAll('_', ' '));
}

// What a class of error means, in a few words.
const meanings = {
  connect: 'the vendor could not be reached', timeout: 'the vendor took too long',
  reset: 'the vendor broke off before its answer', status: 'an error status',
  credential: 'the vendor did not take the key', stream_error: 'an error instead of content',
  truncated: 'the answer broke off', client_cancelled: 'the client went away',
  refused: 'refused by the gateway', upstream_error: 'the vendor failed',
  slow_client: 'the client read too slowly', interrupted: 'the gateway ended first',
  timeout_connect: 'no connection in time', timeout_first_content: 'no content in time',
  timeout_idle: 'silent for too long', timeout_total: 'too long in all',
};

export function meaning(name) { return meanings[name] || name; }

// Pictures.

function nice(value) {
  if (value <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

const known = new Map();

// A picture that is drawn anew where its room gets another width: its letters keep their size.
export function fitted(name, draw) {
  let width = known.get(name) || Math.max(260, Math.min(900, window.innerWidth - 70));
  const box = h('div', { class: 'picture' }, draw(width));
  new ResizeObserver(([entry]) => {
    const found = Math.max(260, Math.round(entry.contentRect.width));
    if (found === width) return;
    width = found;
    known.set(name, width);
    put(box, draw(width));
  }).observe(box);
  return box;
}

const frame = { height: 200, left: 60, right: 10, top: 10, bottom: 26 };

function stepOf(width, labels) {
  return (width - frame.left - frame.right) / Math.max(1, labels.length);
}

function marksOf(width, labels, step) {
  const every = Math.ceil(labels.length / Math.max(1, Math.floor(width / 100)));
  return labels.map((text, index) => [frame.left + step * (index + 0.5), text])
    .filter((_, index) => index % every === 0);
}

// Without a value there is nothing to measure: the picture says so.
function axes(title, width, top, label, marks) {
  const { height, left, right, bottom } = frame;
  const parts = [];
  for (const part of top > 0 ? [0, 0.5, 1] : [0]) {
    const y = position(top * part, top || 1);
    parts.push(s('line', { class: 'grid', x1: left, x2: width - right, y1: y, y2: y }));
    parts.push(s('text', { x: left - 6, y: y + 4, 'text-anchor': 'end' }, label(top * part)));
  }
  if (!top) {
    parts.push(s('text', { x: (left + width) / 2, y: height / 2, 'text-anchor': 'middle' },
      'nothing in this time'));
  }
  for (const [x, text] of marks) {
    parts.push(s('text', { x, y: height - 7, 'text-anchor': 'middle' }, text));
  }
  return s('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': title }, parts);
}

function position(value, top) {
  return frame.height - frame.bottom
    - (Math.min(value, top) / top) * (frame.height - frame.bottom - frame.top);
}

// Bars in layers, the first at the bottom: series are [class, values].
export function bars(title, labels, series, label) {
  const totals = labels.map((_, index) => series.reduce((sum, [, values]) => sum + values[index], 0));
  const top = nice(Math.max(...totals, 0));
  return fitted(title, (width) => {
    const step = stepOf(width, labels);
    const picture = axes(title, width, top, label, marksOf(width, labels, step));
    labels.forEach((_, index) => {
      let below = 0;
      for (const [kind, values] of series) {
        const y = position(below + values[index], top || 1);
        const height = position(below, top || 1) - y;
        below += values[index];
        if (height > 0) {
          picture.append(s('rect', { class: kind, y, height,
            x: frame.left + step * index + step * 0.12, width: Math.max(0.5, step * 0.76) }));
        }
      }
    });
    return picture;
  });
}

// Lines; a value that is missing interrupts its line.
export function lines(title, labels, series, label) {
  const values = series.flatMap(([, line]) => line).filter((value) => value !== null);
  const top = nice(Math.max(...values, 0));
  return fitted(title, (width) => {
    const step = stepOf(width, labels);
    const picture = axes(title, width, top, label, marksOf(width, labels, step));
    for (const [kind, line] of series) picture.append(s('path', { class: kind, d: path(line, step, top) }));
    return picture;
  });
}

function path(line, step, top) {
  let text = '';
  line.forEach((value, index) => {
    if (value === null) return;
    const isFirst = index === 0 || line[index - 1] === null;
    const isLonely = isFirst && (index + 1 === line.length || line[index + 1] === null);
    const x = frame.left + step * (index + 0.5);
    text += `${isFirst ? 'M' : 'L'}${x.toFixed(1)} ${position(value, top).toFixed(1)}`;
    if (isLonely) text += 'h2';
  });
  return text || 'M0 0';
}

export function key(kind, text) {
  return h('span', { class: 'key' },
    s('svg', { viewBox: '0 0 8 8', 'aria-hidden': 'true' },
      s('rect', { class: kind, width: 8, height: 8, rx: 2 })), text);
}
