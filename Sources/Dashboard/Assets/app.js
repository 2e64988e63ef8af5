// The frame: which view is shown, what it asks the gateway, and how it ends.

import { h, put, empty } from './dom.js';
import * as views from './views.js';
import { call } from './call.js';

const names = [
  ['now', 'Now'], ['calls', 'Calls'], ['sessions', 'Sessions'], ['spend', 'Spend'],
  ['chains', 'Chains'], ['bench', 'Bench'],
];
const shown = { ...views, call };
let current = null;

// Asks the gateway; throws with its own words.
async function ask(path, parameters) {
  const query = new URLSearchParams(
    Object.entries(parameters || {}).filter(([, value]) => value !== '' && value !== undefined));
  const rest = query.toString();
  const answer = await fetch(`/api/${path}${rest ? `?${rest}` : ''}`, {
    headers: { accept: 'application/json' }, signal: current ? current.abort.signal : undefined });
  if (answer.status === 401) location.assign(`/login${location.hash}`);
  const type = answer.headers.get('content-type') || '';
  const body = type.startsWith('application/json') ? await answer.json() : await answer.text();
  if (!answer.ok) throw new Error(body.error || body);
  return body;
}

// Follows events for as long as the view is shown.
function follow(path, parameters, handlers) {
  const query = new URLSearchParams(
    Object.entries(parameters || {}).filter(([, value]) => value !== '' && value !== undefined));
  const rest = query.toString();
  let [source, timer, isOver] = [null, null, false];
  const open = () => {
    if (isOver) return;
    source = new EventSource(`/api/${path}${rest ? `?${rest}` : ''}`);
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
    source.addEventListener('open', () => say('live'));
    source.addEventListener('error', () => {
      say('the gateway does not answer; trying again');
      // A browser tries again by itself only where nothing has answered.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(again, 2000);
    });
  };
  // Another process of the gateway does not know this browser: the question leads to its sign-in.
  const again = () => ask('status').catch(() => null).then(open);
  const stop = () => {
    isOver = true;
    clearTimeout(timer);
    source.close();
    say('');
  };
  open();
  if (current) current.ends.push(stop);
  return stop;
}

function say(text) {
  const state = document.getElementById('state');
  if (state.textContent !== text) state.textContent = text;
}

function navigation(name) {
  const owner = { call: 'calls', session: 'sessions' }[name] || name;
  put(document.getElementById('nav'), ...names.map(([view, title]) =>
    h('a', { href: `#/${view}`, 'aria-current': view === owner ? 'page' : null }, title)));
  document.title = `Weir: ${(names.find(([view]) => view === owner) || ['', ''])[1]}`;
}

// A part of an address; one that is badly written stays as it is.
function decoded(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

async function show() {
  if (current) {
    current.abort.abort();
    for (const end of current.ends) end();
  }
  const view = { abort: new AbortController(), ends: [] };
  current = view;
  const hash = location.hash.startsWith('#/') ? location.hash.slice(2) : '';
  const [path, query] = (hash || 'now').split('?');
  const [name, ...rest] = path.split('/');
  const make = Object.hasOwn(shown, name) ? shown[name] : null;
  const main = document.getElementById('main');
  navigation(name);
  say('');
  if (!make) return put(main, h('h1', null, 'Nothing here'), empty('There is no such view.'));
  const tools = {
    ask, follow, say, main, name: rest.map(decoded).join('/'),
    parameters: Object.fromEntries(new URLSearchParams(query || '')),
    isCurrent: () => current === view, atEnd: (end) => view.ends.push(end),
  };
  try {
    await make(tools);
  } catch (error) {
    if (current !== view || error.name === 'AbortError') return;
    put(main, h('h1', null, 'No answer'), empty(error.message));
  }
}

// The address stays that of the view, so that it can be loaded again.
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  document.getElementById('main').focus();
});
window.addEventListener('hashchange', () => {
  show();
  document.getElementById('main').focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
show();
