// A call: what happened in time, what was said, and the bytes of it.

import {
  h, put, s, card, empty, count, time, money, bytes, moment, named, link, result, fitted,
  meaning, words,
} from './dom.js';

export async function call({ ask, main, name, isCurrent }) {
  const found = await ask(`calls/${encodeURIComponent(name)}`);
  const record = found.call;
  const talk = h('div', null);
  put(main,
    h('p', null, link('calls', {}, 'Calls')),
    h('div', { class: 'row' }, h('h1', null, record.model || record.target), result(record)),
    card(null, facts(record)), card('In time', waterfall(record), attempts(record)), talk);
  if (!found.shows_content) {
    return put(talk, empty('Header fields and bodies are not shown. ',
      h('code', null, '[admin] show_content = true'), ' shows them, prompts included.'));
  }
  const [request, response] = await Promise.all(['request', 'response'].map((part) =>
    found[`${part}_body`].kept ? ask(`calls/${record.id}/${part}`) : ''));
  if (!isCurrent()) return;
  put(talk,
    card('Conversation', conversation(request, response)),
    bodyCard('Request', record, found, 'request', request),
    bodyCard('Response', record, found, 'response', response));
}

function facts(record) {
  const usage = [`${count(record.input_tokens)} in`, `${count(record.output_tokens)} out`];
  if (record.cache_read_tokens) usage.push(`${count(record.cache_read_tokens)} from the cache`);
  if (record.reasoning_tokens) usage.push(`${count(record.reasoning_tokens)} of reasoning`);
  const filters = ['vendor', 'chain', 'key', 'session', 'client'];
  const lines = [
    ['Id', h('span', { class: 'mono' }, record.id)], ['Time', moment(record.time)],
    ['Request', h('span', { class: 'mono' }, `${record.method} ${record.target}`)],
    ['Times', `head ${time(record.head_us)}, first content ${time(record.content_us)}, `
      + `all of it ${time(record.end_us)}`],
    ['Error', [record.error_class && named(record.error_class.replaceAll('_', ' ')),
      record.error_class && meaning(record.error_class), record.error_kind, record.error_message]
      .filter(Boolean).join(': ')],
    ['Answered by', record.answering_model !== record.model ? record.answering_model : ''],
    ...filters.map((name) => [name[0].toUpperCase() + name.slice(1),
      record[name] ? link(name === 'session' ? 'session' : 'calls',
        name === 'session' ? { name: record[name] } : { [name]: record[name] }, record[name]) : '']),
    ['Agent', [record.agent, record.parent_agent && `of ${record.parent_agent}`].filter(Boolean).join(' ')],
    ['Tokens', record.usage_state === 'reported' ? usage.join(', ') : 'not known'],
    ['Cost', record.cost_usd !== null && record.cost_usd !== undefined
      ? `${money(record.cost_usd)}, ${record.price_version === 'vendor' ? 'as the vendor says'
        : `by prices of ${record.price_version}`}` : 'not known'],
    ['Ended because of', record.finish_reason], ['Trace', record.trace],
  ];
  return h('dl', { class: 'facts' }, lines.filter(([, value]) => value)
    .map(([name, value]) => [h('dt', null, name), h('dd', null, value)]));
}

// Each phase as a bar on one scale of time.
function waterfall(record) {
  const end = Math.max(record.end_us, 1);
  const rows = [];
  if (record.request_us > 0) rows.push(['request', 0, record.request_us, 'f-faint']);
  const tries = record.attempts || [];
  // No vendor was asked: what the gateway took to answer is all there is.
  if (!tries.length) {
    rows.push(['the gateway', record.request_us || 0, record.head_us ?? end,
      record.error_class ? 'f-bad' : 'f-accent']);
  }
  tries.forEach((one, index) => {
    const isAnswer = index + 1 === record.answered;
    const until = one.failed_us ?? (isAnswer ? one.head_us ?? end : end);
    rows.push([one.vendor, one.began_us, until, one.failure ? 'f-bad' : 'f-accent']);
  });
  if (record.head_us !== null && record.head_us !== undefined && record.content_us) {
    rows.push(['to content', record.head_us, record.content_us, 'f-second']);
  }
  const began = record.content_us ?? record.head_us;
  if (began !== null && began !== undefined) {
    rows.push(['response', began, record.last_byte_us ?? end, 'f-good']);
  }
  return fitted('phases', (width) => phases(rows, end, Math.min(width, 1100)));
}

function phases(rows, end, whole) {
  const left = 120;
  const wide = whole - left - 80;
  const height = rows.length * 24 + 8;
  return s('svg', { class: 'phases', viewBox: `0 0 ${whole} ${height}`, role: 'img',
    'aria-label': `The phases of the call, ${time(end)} in all` },
  rows.map(([name, from, to, kind], index) => {
    const y = index * 24 + 4;
    const x = left + (Math.min(from, end) / end) * wide;
    const width = Math.max(2, ((Math.min(to, end) - Math.min(from, end)) / end) * wide);
    return [
      s('text', { x: left - 8, y: y + 13, 'text-anchor': 'end' }, name.slice(0, 16)),
      s('rect', { class: 'f-soft', x: left, y: y + 2, width: wide, height: 14, rx: 3, opacity: 0.4 }),
      s('rect', { class: kind, x, y: y + 2, width, height: 14, rx: 3 }),
      s('text', { x: whole - 2, y: y + 13, 'text-anchor': 'end' }, time(Math.max(0, to - from))),
    ];
  }).flat());
}

function attempts(record) {
  if (!(record.attempts || []).length) {
    return h('p', { class: 'quiet' }, 'No vendor was asked: the gateway answered by itself.');
  }
  return h('ol', null, (record.attempts || []).map((one, index) => h('li', null,
    h('strong', null, one.vendor), one.model ? ` as ${one.model}` : '', ', after ',
    time(one.began_us), ': ', one.failure
      ? `${one.failure}${one.status ? ` ${one.status}` : ''}, ${one.reason}`
        + (index + 1 < record.attempts.length ? ', so the next was tried' : '')
        + (one.sent && !one.status ? '; the vendor may have acted on it' : '')
      : one.status ? `status ${one.status}` : 'answered')));
}

// The bytes.

function bodyCard(title, record, found, part, text) {
  const body = found[`${part}_body`];
  const fields = found[`${part}_fields`];
  const size = body.bytes === body.kept
    ? (body.bytes ? bytes(body.bytes) : 'no bytes') : `${bytes(body.kept)} kept of ${bytes(body.bytes)}`;
  return card(title,
    h('p', { class: 'quiet' }, size, body.coding ? `, ${body.coding}` : '',
      body.fault ? `, ${body.fault}` : '', ' ',
      body.kept ? h('a', { href: `/api/calls/${record.id}/${part}?raw=1`, download: '' },
        'Save it byte for byte') : ''),
    fields ? h('details', null, h('summary', null, 'Fields'), h('pre', { tabindex: 0 }, fields)) : null,
    body.kept ? h('details', null, h('summary', null, 'Body'),
      h('pre', { tabindex: 0 }, text.length > 200000
        ? `${text.slice(0, 200000)}\n… ${count(text.length - 200000)} more characters` : text)) : null);
}

// The conversation, in whichever dialect it was held.

function parsed(text) {
  try { return JSON.parse(text); } catch { return null; }
}

const partsMax = 2000;
const lettersMax = 100000;
const depthMax = 8;

// What a client or a vendor sent may have any form: where no conversation can be made of it, the
// bytes are below.
function conversation(request, response) {
  try { return talk(request, response); } catch (error) {
    return empty(`The conversation cannot be shown: ${error.message}`);
  }
}

function talk(request, response) {
  const said = [];
  const asked = parsed(request);
  if (asked) fromRequest(asked, said);
  const answered = parsed(response);
  if (answered) fromAnswer(answered, said);
  else if (response) fromEvents(response, said);
  if (!said.length) {
    return empty(request || response ? 'The bodies hold no conversation that can be read here.'
      : 'No bodies are kept of this call.');
  }
  const rest = { parts: partsMax };
  return h('div', { class: 'talk' }, said.slice(0, 400).map((one) => message(one, rest)),
    said.length > 400 ? empty(`${count(said.length - 400)} more`) : null);
}

function message({ role, parts }, rest) {
  const kept = parts.slice(0, rest.parts);
  rest.parts -= kept.length;
  const kind = role === 'user' || role === 'assistant' ? role : role === 'model' ? 'assistant' : '';
  return h('section', { class: `said ${kind}` }, h('h3', null, named(words(role))), kept.map(part),
    parts.length > kept.length ? empty(`${count(parts.length - kept.length)} more parts`) : null);
}

function part(one) {
  switch (one.kind) {
    case 'text': return h('p', null, bounded(words(one.text)));
    case 'reasoning': return h('details', null, h('summary', null, 'Reasoning'),
      h('p', { class: 'text' }, bounded(words(one.text))));
    case 'call': return h('div', null, h('span', { class: 'pill' }, `calls ${words(one.name)}`),
      h('pre', { tabindex: 0 }, pretty(one.text)));
    case 'result': return h('details', null, h('summary', null, `Result ${words(one.name)}`),
      h('pre', { tabindex: 0 }, pretty(one.text)));
    case 'image': return h('img', { src: one.url, alt: 'An image of the conversation', loading: 'lazy' });
    default: return h('details', null, h('summary', null, words(one.name) || 'Other'),
      h('pre', { tabindex: 0 }, pretty(one.text)));
  }
}

function pretty(text) {
  const value = typeof text === 'string' ? parsed(text) : text;
  return bounded(value !== null && typeof value === 'object' ? words(value, 2) : words(text));
}

function bounded(text) {
  return text.length <= lettersMax ? text
    : `${text.slice(0, lettersMax)}\n… ${count(text.length - lettersMax)} more characters`;
}

// The elements of a list, or the one thing instead of it; what is nothing is left out.
function list(value) {
  return (Array.isArray(value) ? value : [value]).filter((one) =>
    one !== null && one !== undefined && one !== '');
}

function fromRequest(asked, said) {
  if (typeof asked !== 'object' || asked === null) return;
  const add = (role, content) => {
    const parts = partsOf(content);
    if (parts.length) said.push({ role, parts });
  };
  add('system', asked.system || asked.instructions);
  add('system', (asked.systemInstruction || asked.system_instruction)?.parts);
  for (const one of list(asked.messages)) said.push(messageOf(one));
  for (const one of list(asked.input)) {
    if (typeof one === 'string') add('user', one);
    else if (one.role || one.content) said.push(messageOf(one));
    else said.push({ role: one.type || 'input', parts: partsOf([one]) });
  }
  for (const one of list(asked.contents)) add(one.role || 'user', one.parts);
  if (typeof asked.prompt === 'string') add('user', asked.prompt);
}

function messageOf(one) {
  const parts = partsOf(one.content);
  const reasoning = one.reasoning_content || one.reasoning;
  if (typeof reasoning === 'string') parts.unshift({ kind: 'reasoning', text: reasoning });
  for (const tool of list(one.tool_calls)) {
    const made = tool.function || tool;
    parts.push({ kind: 'call', name: made.name || '', text: made.arguments ?? made.input ?? '' });
  }
  if (one.role === 'tool') {
    return { role: 'tool', parts: [{ kind: 'result', name: one.tool_call_id, text: textOf(parts) }] };
  }
  return { role: one.role || 'user', parts };
}

function textOf(parts) { return parts.map((one) => words(one.text)).join(''); }

// An image that the page may show: bytes in the text itself, of a kind that holds no script.
function image(type, data) {
  return /^image\/(png|jpeg|gif|webp)$/.test(words(type)) && typeof data === 'string'
    && /^[A-Za-z0-9+/=]+$/.test(data)
    ? { kind: 'image', url: `data:${type};base64,${data}` }
    : { kind: 'other', name: `Attachment, ${words(type)}`, text: `${words(data).length} characters` };
}

function partsOf(content, depth = 0) {
  if (typeof content === 'string') return content ? [{ kind: 'text', text: content }] : [];
  if (depth > depthMax) return [{ kind: 'other', name: 'Nested further', text: content }];
  return list(content).map((one) => partOf(one, depth)).filter(Boolean);
}

function partOf(one, depth) {
  if (typeof one === 'string') return { kind: 'text', text: one };
  if (one === null || typeof one !== 'object') return null;
  const inner = (content) => textOf(partsOf(content, depth + 1));
  if (one.thought && typeof one.text === 'string') return { kind: 'reasoning', text: one.text };
  const url = typeof one.image_url === 'string' ? one.image_url : one.image_url?.url;
  if (typeof url === 'string' && url) {
    const found = /^data:([a-z/+.-]+);base64,(.*)$/s.exec(url);
    return found ? image(found[1], found[2]) : { kind: 'other', name: 'Image elsewhere', text: url };
  }
  const data = one.inlineData || one.inline_data;
  if (data) return image(data.mimeType || data.mime_type || '', data.data);
  if (one.source?.type === 'base64') return image(one.source.media_type, one.source.data);
  const call = one.functionCall || one.function_call;
  if (call) return { kind: 'call', name: call.name, text: call.args ?? '' };
  const response = one.functionResponse || one.function_response;
  if (response) return { kind: 'result', name: response.name, text: response.response ?? '' };
  switch (one.type) {
    case 'thinking': return { kind: 'reasoning', text: inner(one.thinking) };
    case 'reasoning': return { kind: 'reasoning', text: inner(one.summary) };
    case 'tool_use': return { kind: 'call', name: one.name, text: one.input ?? '' };
    case 'function_call': return { kind: 'call', name: one.name, text: one.arguments ?? '' };
    case 'tool_result': return { kind: 'result', name: one.tool_use_id, text: inner(one.content) };
    case 'function_call_output': return { kind: 'result', name: one.call_id, text: one.output ?? '' };
    case 'message': return { kind: 'text', text: inner(one.content) };
    default: break;
  }
  if (typeof one.text === 'string') return { kind: 'text', text: one.text };
  return { kind: 'other', name: one.type || 'Other', text: one };
}

function fromAnswer(answered, said) {
  if (answered === null || typeof answered !== 'object') return;
  const parts = [];
  for (const choice of list(answered.choices)) {
    if (choice.message) addAll(parts, messageOf(choice.message).parts);
    else if (typeof choice.text === 'string') parts.push({ kind: 'text', text: choice.text });
  }
  addAll(parts, partsOf(answered.content));
  addAll(parts, partsOf(answered.output));
  for (const candidate of list(answered.candidates)) addAll(parts, partsOf(candidate.content?.parts));
  const { error } = answered;
  if (error) parts.push({ kind: 'text', text: words(error.message) || words(error) });
  if (parts.length) said.push({ role: error ? 'error' : 'assistant', parts });
}

// Not as the arguments of one call, of which there may be too many.
function addAll(parts, more) { for (const one of more) parts.push(one); }

// A stream of events, put together again.
function fromEvents(text, said) {
  const state = { parts: [], open: new Map(), whole: null };
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (!line.startsWith('data:')) continue;
    const event = parsed(line.slice(5));
    if (event && typeof event === 'object') take(event, state);
  }
  if (state.whole) return fromAnswer(state.whole, said);
  if (state.parts.length) said.push({ role: 'assistant', parts: state.parts });
}

// The part that a piece belongs to: those of one kind and index are one.
function grow(state, name, kind, text, more = {}) {
  let one = state.open.get(name);
  if (!one) {
    one = { kind, text: '', ...more };
    state.open.set(name, one);
    state.parts.push(one);
  }
  one.text += words(text);
}

function take(event, state) {
  for (const choice of list(event.choices)) {
    const delta = choice.delta || {};
    const slot = words(choice.index);
    const reasoning = delta.reasoning_content || delta.reasoning;
    if (typeof reasoning === 'string') grow(state, `reasoning${slot}`, 'reasoning', reasoning);
    takeParts(partsOf(delta.content), slot, state);
    if (typeof choice.text === 'string') grow(state, `text${slot}`, 'text', choice.text);
    for (const tool of list(delta.tool_calls)) {
      grow(state, `c${slot}.${words(tool.index)}`, 'call', tool.function?.arguments,
        { name: tool.function?.name || '' });
    }
  }
  if (event.type === 'content_block_start' && event.content_block) {
    const block = event.content_block;
    if (block.type === 'tool_use') grow(state, event.index, 'call', '', { name: block.name });
    else if (block.type === 'thinking') grow(state, event.index, 'reasoning', block.thinking);
    else if (block.type === 'text') grow(state, event.index, 'text', block.text);
  }
  if (event.type === 'content_block_delta' && event.delta) {
    const { delta } = event;
    grow(state, event.index, 'text', delta.text ?? delta.partial_json ?? delta.thinking);
  }
  if (event.type === 'response.output_text.delta') {
    grow(state, `o${words(event.output_index)}`, 'text', event.delta);
  }
  if (['response.completed', 'response.incomplete', 'response.failed'].includes(event.type)
    && event.response && list(event.response.output).length) state.whole = event.response;
  for (const candidate of list(event.candidates)) {
    takeParts(partsOf(candidate.content?.parts), '', state);
  }
  if (event.error) {
    state.parts.push({ kind: 'text', text: words(event.error.message) || words(event.error) });
  }
}

// Pieces of one text in a stream; other parts come whole.
function takeParts(parts, slot, state) {
  for (const one of parts) {
    if (one.kind === 'text' || one.kind === 'reasoning') {
      grow(state, `${one.kind}${slot}`, one.kind, one.text);
    } else state.parts.push(one);
  }
}
