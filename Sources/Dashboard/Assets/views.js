// The views but that of a single call.

import {
  h, put, card, empty, brief, count, time, money, share, clock, moment, named, table, tableRow, link,
  result, bars, lines, key, meaning,
} from './dom.js';

// Now.

export async function now({ follow, main }) {
  const area = h('div', null, empty('Waiting for the gateway …'));
  put(main, h('h1', null, 'Now'), area);
  follow('live', {}, {
    now: (value) => put(area, ...nowParts(value)),
    fault: (value) => put(area, empty(value.error)),
  });
}

const nothing = { calls: 0, failed: 0, failovers: 0, input_tokens: 0, output_tokens: 0, priced: 0,
  billed: 0 };

function nowParts(found) {
  const { status, minutes } = found;
  const whole = minutes.slice(0, -1);
  const last = whole.at(-1) || minutes.at(-1) || nothing;
  const labels = minutes.map((minute) => minute.from.slice(11, 16));
  const pick = (name) => minutes.map((minute) => minute[name]);
  const inFlight = status.vendors.reduce((sum, vendor) => sum + vendor.in_flight, 0);
  return [
    notices(status, found.record_fault),
    h('dl', { class: 'tiles' },
      tile('Calls in the last minute', count(last.calls),
        last.failed ? `${count(last.failed)} failed, ${share(last.failed, last.calls)}` : 'none failed'),
      tile('In flight', count(inFlight), `${count(status.connections)} connections`),
      tile('Failovers', count(last.failovers), 'in the last minute'),
      tile('First content, p50', time(last.content_us_p50),
        `p90 ${time(last.content_us_p90)}, p99 ${time(last.content_us_p99)}`),
      tile('Tokens in the last minute', count(last.input_tokens + last.output_tokens),
        `${count(last.input_tokens)} in, ${count(last.output_tokens)} out`),
      tile('Money in the last minute', money(last.cost_usd),
        `${count(last.priced)} of ${count(last.billed)} priced`)),
    h('div', { class: 'pair' },
      card('Calls a minute',
        h('p', null, key('f-accent', 'well'), key('f-bad', 'failed')),
        bars('Calls a minute in the last hour', labels, [
          ['f-accent', minutes.map((minute) => minute.calls - minute.failed)],
          ['f-bad', pick('failed')]], brief)),
      card('Time to the first content',
        h('p', null, key('f-accent', 'p50'), key('f-second', 'p99')),
        lines('Time to the first content in the last hour', labels, [
          ['l-accent', pick('content_us_p50')], ['l-second', pick('content_us_p99')]], time))),
    failureCard(found), card('Vendors', vendorTable(status.vendors, found)),
    limitCard(status.limits), recordCard(status), reloadCard(status),
  ];
}

// What clients did not get, by its kind; each leads to its calls.
function failureCard({ failures, failures_since: since }) {
  if (!failures.length) return null;
  return card('Failed calls', table(`Since ${clock(since)} UTC, the most frequent first`, [
    ['Class', (one) => link('calls', { since, class: one.class, vendor: one.vendor },
      one.class.replaceAll('_', ' '))],
    ['Meaning', (one) => meaning(one.class)],
    ['Vendor', (one) => named(one.vendor)],
    ['Calls', (one) => count(one.calls), 'n'],
  ], failures.slice(0, 12)));
}

function tile(name, value, more) {
  return h('div', { class: 'card tile' },
    h('dt', null, name), h('dd', null, value), h('dd', { class: 'sub' }, more));
}

// What an operator should know first, with the way to its cause.
function notices(status, fault) {
  const found = [];
  const trouble = (status.record && status.record.trouble) || fault;
  for (const vendor of status.vendors) {
    if (vendor.state === 'well') continue;
    const until = vendor.cools_until ? ` until ${clock(vendor.cools_until)}` : '';
    found.push(h('li', { class: vendor.cools_until ? 'bad' : null },
      `${vendor.name}: ${vendor.state}${until}, last failure: ${vendor.failure
        ? `${vendor.failure}, ${meaning(vendor.failure)}` : '–'}. `,
      link('calls', { since: '1h', failed_at: vendor.name }, `Calls that failed at ${vendor.name}`)));
  }
  if (trouble) found.push(h('li', { class: 'bad' }, `Calls are not recorded: ${trouble}`));
  if (status.record && status.record.losses) {
    found.push(h('li', { class: 'bad' }, 'Parts of the record are lost, '
      + `weir logs verify names them: ${count(status.record.losses)}`));
  }
  for (const sink of status.sinks) {
    if (sink.trouble) found.push(h('li', null, `Sink ${sink.name}: ${sink.trouble}`));
  }
  for (const limit of status.limits) {
    if (!limit.budget_usd || limit.spent_usd < limit.budget_usd * 0.8) continue;
    found.push(h('li', { class: limit.spent_usd >= limit.budget_usd ? 'bad' : null },
      `Budget of ${limit.scope} ${limit.name}: ${money(limit.spent_usd)} of `
      + `${money(limit.budget_usd)} a ${limit.period} is spent. `, link('spend', {}, 'Spend')));
  }
  for (const certificate of status.certificates) {
    const days = (Date.parse(certificate.ends) - Date.now()) / 86400000;
    if (days < 14) {
      found.push(h('li', { class: days < 3 ? 'bad' : null },
        `The certificate of ${certificate.listener} ends ${moment(certificate.ends)}.`));
    }
  }
  if (status.reload && !status.reload.applied) {
    found.push(h('li', { class: 'bad' },
      `The configuration was not reloaded at ${clock(status.reload.time)}: `
      + status.reload.faults.join('; ')));
  }
  if (status.state !== 'serving') found.push(h('li', null, 'The gateway is draining.'));
  return found.length ? h('ul', { class: 'notices', 'aria-label': 'What needs a look' }, found) : null;
}

function health(value) {
  const kind = value.state === 'well' ? 'good' : value.cools_until ? 'bad' : 'warn';
  const until = value.cools_until ? ` until ${clock(value.cools_until)}` : '';
  return h('span', { class: `pill ${kind}` }, value.state + until);
}

function vendorTable(vendors, { recent, recent_minutes: minutes }) {
  if (!vendors.length) return empty('No vendor is configured.');
  const sums = new Map(recent.map((one) => [one.vendor, one]));
  const own = (vendor, name) => sums.get(vendor.name)?.[name];
  return table(`Since the gateway started; first content: the last ${count(minutes)} minutes`, [
    ['Vendor', (vendor) => link('calls', { vendor: vendor.name }, vendor.name)],
    ['Health', health],
    ['Last failure', (vendor) => named(vendor.state === 'well' ? '' : vendor.failure), 'wide'],
    ['First content, p50', (vendor) => time(own(vendor, 'content_us_p50')), 'n'],
    ['p99', (vendor) => time(own(vendor, 'content_us_p99')), 'n'],
    ['In flight', (vendor) => count(vendor.in_flight), 'n wide'],
    ['Calls', (vendor) => count(vendor.calls), 'n'],
    ['Failed attempts', (vendor) => count(vendor.failed_attempts), 'n'],
    ['Moved on', (vendor) => count(vendor.moved_on), 'n wide'],
    ['Cooldowns', (vendor) => count(vendor.cooldowns), 'n wide'],
    ['Dialect', (vendor) => vendor.dialect, 'wide'],
    ['Address', (vendor) => vendor.base_url, 'wide'],
  ], vendors);
}

function limitCard(limits) {
  if (!limits.length) return null;
  return card('Limits', table('Keys and groups with limits', [
    ['Of', (limit) => `${limit.scope} ${limit.name}`],
    ['Budget', (limit) => limit.budget_usd
      ? [h('meter', { min: 0, max: limit.budget_usd, value: limit.spent_usd,
        high: limit.budget_usd * 0.8, optimum: 0,
        'aria-label': `spent of ${limit.name}` }),
      ` ${money(limit.spent_usd)} of ${money(limit.budget_usd)} a ${limit.period}`] : '–'],
    ['Held', (limit) => money(limit.held_usd), 'n wide'],
    ['In flight', (limit) => count(limit.in_flight), 'n'],
    ['Admitted', (limit) => count(limit.admitted), 'n wide'],
    ['Refused', (limit) => count(limit.refused), 'n'],
    ['Tokens', (limit) => count(limit.tokens), 'n wide'],
  ], limits));
}

function recordCard(status) {
  const record = status.record;
  if (!record) return null;
  return card('Record', h('dl', { class: 'facts' },
    h('dt', null, 'Calls'), h('dd', null, `${count(record.emitted)} emitted = ${count(record.stored)} `
      + `stored + ${count(record.dropped)} dropped + ${count(record.pending)} pending`),
    status.sinks.map((sink) => [h('dt', null, `Sink ${sink.name}`),
      h('dd', null, `${count(sink.delivered)} delivered, ${count(sink.pending)} pending`)])));
}

function reloadCard(status) {
  const reload = status.reload;
  const facts = [
    ['Version', `${status.version}, process ${status.process}`],
    ['Started', moment(status.started)], ['Listens on', status.listen],
    ['Workers', count(status.workers)], ['Configuration', named(status.configuration.file)],
    ['SHA-256', named(status.configuration.sha256)],
  ];
  if (reload) {
    facts.push(['Last reload', `${moment(reload.time)}, ${reload.applied ? 'applied' : 'refused'}`]);
    const words = reload.applied ? reload.changes : reload.faults;
    facts.push([reload.applied ? 'Changes' : 'Faults', words.join('; ') || 'none']);
    if (reload.waits_for_restart.length) {
      facts.push(['Wait for a restart', reload.waits_for_restart.join(', ')]);
    }
  }
  return card('Gateway', h('dl', { class: 'facts' },
    facts.map(([name, value]) => [h('dt', null, name), h('dd', null, value)])));
}

// Calls.

const fields = [
  ['since', 'Since', '24h'], ['vendor', 'Vendor', 'openai'], ['model', 'Model', 'gpt-*'],
  ['status', 'Status', '5xx'], ['class', 'Class of error', 'timeout'],
  ['outcome', 'Outcome', 'truncated'], ['failed_at', 'An attempt failed at', 'openai'],
  ['key', 'Key', ''], ['chain', 'Chain', ''],
  ['session', 'Session', ''], ['client', 'Client', '10.*'], ['text', 'Text in it', ''],
];

const pageLength = 100;

const callColumns = [
  ['Time', (call) => h('a', { href: `#/call/${call.id}` }, moment(call.time))],
  ['Model', (call) => named(call.model), 'long'], ['Vendor', (call) => named(call.vendor), 'wide'],
  ['Result', result],
  ['First content', (call) => time(call.content_us), 'n wide'],
  ['Total', (call) => time(call.end_us), 'n'],
  ['In', (call) => count(call.input_tokens), 'n wide'],
  ['Out', (call) => count(call.output_tokens), 'n wide'],
  ['Cost', (call) => money(call.cost_usd), 'n wide'],
  ['Tries', (call) => count((call.attempts || []).length), 'n wide'],
  ['Key', (call) => named(call.key), 'long wide'],
];

export async function calls({ ask, follow, main, parameters, isCurrent, say }) {
  const form = h('form', { class: 'filter', 'aria-label': 'Which calls', onsubmit: (event) => {
    event.preventDefault();
    const chosen = Object.fromEntries([...new FormData(form)].filter(([, value]) => value));
    location.hash = `#/calls?${new URLSearchParams(chosen)}`;
  } }, fields.map(([name, title, example]) => h('div', null,
    h('label', { for: `f-${name}` }, title),
    h('input', { id: `f-${name}`, name, value: parameters[name] || '', placeholder: example,
      autocomplete: 'off', spellcheck: 'false' }))),
  h('div', null, h('button', { type: 'submit' }, 'Show')));
  const list = h('div', null, empty('Reading …'));
  const more = h('button', { type: 'button', hidden: true }, 'Older calls');
  let stop = null;
  const live = h('button', { type: 'button', 'aria-pressed': 'false' }, 'Live');
  put(main,
    h('div', { class: 'row' }, h('h1', null, 'Calls'), h('span', { class: 'push' }, live)),
    h('section', { class: 'card' }, form), list, h('p', null, more));

  let next = null;
  let body = null;
  const append = (calls) => {
    if (!calls.length) return;
    if (body) return body.append(...calls.map((call) => tableRow(callColumns, call)));
    put(list, card(null, table('The newest first', callColumns, calls)));
    body = list.querySelector('tbody');
  };
  // The gateway searches for a moment at a time; a filter that few calls meet takes many of them.
  const search = async () => {
    more.hidden = true;
    let left = pageLength;
    do {
      const found = await ask('calls',
        { ...parameters, limit: left, until: next === null ? parameters.until : next });
      if (!isCurrent()) return;
      append(found.calls);
      left -= found.calls.length;
      next = found.next;
      const back = next === null ? '' : moment(new Date(next / 1000).toISOString());
      if (!stop) say(next === null || left <= 0 ? '' : `searching, back to ${back}`);
      if (next !== null && !body) put(list, empty(`Searching. No call matches back to ${back}.`));
    } while (next !== null && left > 0);
    more.hidden = next === null;
    if (!body) put(list,
      empty('No call matches. ', Object.keys(parameters).length ? 'A wider filter may.'
        : 'Point a client at this gateway, and its calls appear here.'));
  };
  more.addEventListener('click', async () => {
    try { await search(); } catch (error) { if (isCurrent()) say(error.message); }
  });
  live.addEventListener('click', () => {
    if (stop) {
      stop();
      stop = null;
    } else {
      stop = follow('tail', parameters, { call: (call) => {
        if (!body) append([call]);
        else body.prepend(tableRow(callColumns, call));
        while (body.children.length > 500) body.lastElementChild.remove();
      } });
    }
    live.setAttribute('aria-pressed', stop ? 'true' : 'false');
  });
  // A filter that is mistyped is corrected in the form.
  try { await search(); } catch (error) {
    if (error.name === 'AbortError') throw error;
    if (isCurrent()) put(list, empty(error.message));
  }
}

// Sessions.

const sumColumns = [
  ['Calls', (line) => count(line.calls), 'n'],
  ['Failed', (line) => count(line.failed), 'n wide'],
  ['Tokens in', (line) => count(line.input_tokens), 'n'],
  ['Tokens out', (line) => count(line.output_tokens), 'n wide'],
  ['From cache', (line) => share(line.cache_read_tokens, line.input_tokens), 'n wide'],
  ['Cost', (line) => money(line.cost_usd), 'n'],
  ['Priced', (line) => `${count(line.priced)} of ${count(line.billed)}`, 'n wide'],
];

export async function sessions({ ask, main, parameters }) {
  put(main, h('h1', null, 'Sessions'), empty('Reading …'));
  const found = await ask('sessions', parameters);
  put(main, h('h1', null, 'Sessions'), found.sessions.length
    ? card(null, table('Those with the latest calls first, of the last 7 days', [
      ['Session', (line) => link('session', { name: line.session }, line.session), 'long'],
      ['Agents', (line) => count(line.agents.length), 'n wide'], ...sumColumns,
      ['Last call', (line) => moment(line.to), 'wide'],
    ], found.sessions))
    : empty('No client has named a session in the last 7 days. Coding agents do; ',
      h('code', null, 'weir env'), ' has the lines that point them here.'));
}

export async function session({ ask, main, parameters }) {
  const found = await ask('session', { name: parameters.name });
  const agents = found.agents.map((agent) => card(
    agent.agent || 'Main agent',
    agent.parent_agent ? h('p', { class: 'quiet' }, `started by ${agent.parent_agent}`) : null,
    table(`${agent.agent || 'Main agent'}: ${count(agent.calls)} calls, ${count(agent.input_tokens)} tokens in, `
      + `${count(agent.output_tokens)} out, ${money(agent.cost_usd)}`, [
      ['Time', (call) => h('a', { href: `#/call/${call.id}` }, moment(call.time))],
      ['Model', (call) => named(call.model), 'long'], ['Vendor', (call) => named(call.vendor), 'wide'],
      ['Error', (call) => named(call.error_class)],
      ['Total', (call) => time(call.end_us), 'n wide'],
      ['In', (call) => count(call.input_tokens), 'n wide'],
      ['Out', (call) => count(call.output_tokens), 'n wide'],
      ['From cache', (call) => share(call.cache_read_tokens, call.input_tokens), 'n wide'],
      ['Cost', (call) => money(call.cost_usd), 'n'],
    ], agent.list)));
  put(main,
    h('p', null, link('sessions', {}, 'Sessions')), h('h1', null, found.session),
    card(null, table('All of it', [['From', (line) => moment(line.from)],
      ['To', (line) => moment(line.to), 'wide'], ...sumColumns], [found])), agents);
}

// Spend.

export async function spend({ ask, main, parameters }) {
  const since = parameters.since || '7d';
  put(main, h('h1', null, 'Spend'), empty('Reading …'));
  const kinds = [['key', 'Key'], ['group', 'Group'], ['model', 'Model'], ['vendor', 'Vendor'],
    ['chain', 'Chain']];
  const [found, status] = await Promise.all([ask('spend', { since }), ask('status')]);
  const { days } = found;
  const began = `since ${found.since.slice(0, 16).replace('T', ' ')} UTC`;
  const choice = h('div', { class: 'row' }, h('h1', null, 'Spend'), h('span', { class: 'push' },
    ['1d', '7d', '30d', '90d'].map((span) => h('button', { type: 'button',
      'aria-pressed': span === since ? 'true' : 'false',
      onclick: () => { location.hash = `#/spend?since=${span}`; } }, span))));
  const labels = days.map((day) => day.day.slice(5));
  const total = days.reduce((sum, day) => sum + day.calls, 0);
  if (!total) return put(main, choice, empty('No calls in this time.'));
  put(main, choice, h('div', { class: 'pair' },
    card('Money a day', h('p', null, key('f-accent', 'as far as prices are known')), bars('Money a day', labels,
      [['f-accent', days.map((day) => day.cost_usd || 0)]], (value) => `$${brief(value)}`)),
    card('Tokens a day', h('p', null, key('f-accent', 'in'), key('f-second', 'out')),
      bars('Tokens a day', labels, [['f-accent', days.map((day) => day.input_tokens)],
        ['f-second', days.map((day) => day.output_tokens)]], brief))),
  limitCard(status.limits.filter((limit) => limit.budget_usd)),
  kinds.map(([by, title]) => card(`By ${title.toLowerCase()}`,
    table(`By ${title.toLowerCase()}, ${began}`, [
      [title, (line) => spender(by, line[by], since), 'long'], ...sumColumns], found.by[by]))),
  card('By day', table(`By day, ${began}`,
    [['Day', (day) => day.day], ...sumColumns], [...days].reverse())));
}

// Calls know their key, and not its group.
function spender(by, name, since) {
  return name && by !== 'group' ? link('calls', { [by]: name, since }, name) : named(name);
}

// Chains.

export async function chains({ ask, main, isCurrent }) {
  const answer = h('div', { 'aria-live': 'polite' });
  const paths = ['/v1/chat/completions', '/v1/responses', '/v1/messages', '/v1/embeddings',
    '/v1beta/models/gemini-2.5-pro:generateContent', '/v1/models'];
  const form = h('form', { class: 'filter', onsubmit: async (event) => {
    event.preventDefault();
    try {
      const found = await ask('route', Object.fromEntries(new FormData(form)));
      put(answer, ...routeParts(found));
    } catch (error) { if (isCurrent()) put(answer, empty(error.message)); }
  } },
  h('div', { class: 'span' }, h('label', { for: 'r-path' }, 'Path'),
    h('input', { id: 'r-path', name: 'path', value: paths[0], list: 'r-paths', spellcheck: 'false' }),
    h('datalist', { id: 'r-paths' }, paths.map((path) => h('option', { value: path })))),
  h('div', null, h('label', { for: 'r-model' }, 'Model'),
    h('input', { id: 'r-model', name: 'model', placeholder: 'gpt-4o', spellcheck: 'false' })),
  h('div', null, h('label', { for: 'r-field' }, 'The client\'s key is in'),
    h('select', { id: 'r-field', name: 'field' },
      ['authorization', 'x-api-key', 'x-goog-api-key', 'none'].map((field) =>
        h('option', { value: field }, field)))),
  h('div', null, h('label', { for: 'r-method' }, 'Method'),
    h('select', { id: 'r-method', name: 'method' },
      ['POST', 'GET', 'DELETE'].map((method) => h('option', { value: method }, method)))),
  h('div', null, h('button', { type: 'submit' }, 'Show')));
  const status = await ask('status');
  put(main, h('h1', null, 'Chains'),
    card('What would happen to this request',
      h('p', { class: 'quiet' }, 'It is routed, and nothing is sent.'), form, answer),
    status.chains.map((chain) => card(
      chain.name || 'Requests that no chain serves',
      h('p', { class: 'quiet' }, chain.name
        ? `${chain.prefix ? `prefix ${chain.prefix}, ` : ''}paths ${chain.paths.join(', ')}; `
          + `models ${chain.models.join(', ')}` : 'go to the vendor of their dialect.'),
      chain.plans.map((plan) => h('div', null,
        h('h3', null, plan.api === 'geminiCompatible' ? '/v1beta/openai' : plan.dialect),
        h('p', { class: 'quiet' }, `at most ${tries(plan.attempts_max)}`),
        h('ol', { class: 'flow' }, plan.targets.map(target)),
        plan.never.map((one) => h('p', { class: 'quiet' }, `never ${one.vendor}: ${one.reason}`)))))));
}

function tries(number) { return `${count(number)} attempt${number === 1 ? '' : 's'}`; }

function target(one) {
  return h('li', null, h('strong', null, one.vendor), one.model ? ` as ${one.model}` : '', ' ',
    health(one));
}

function routeParts(found) {
  if (!found.served) return [h('p', null, h('span', { class: 'pill bad' }, 'refused'), ` ${found.reason}`)];
  return [
    h('p', null, found.chain ? ['Chain ', h('strong', null, found.chain)] : 'No chain: its dialect',
      ` serves it, in the words of ${found.dialect}; at most ${tries(found.attempts_max)}.`),
    table('In the order in which they would be tried', [
      ['Vendor', (one) => one.vendor], ['Health', (one) => health(one.health)],
      ['Model', (one) => one.model || 'the client\'s'], ['Key', (one) => one.key],
      ['Asked for', (one) => one.url]], found.targets),
    found.never.map((one) => h('p', { class: 'quiet' }, `never ${one.vendor}: ${one.reason}`)),
  ].flat();
}

// Bench.

export async function bench({ main, isCurrent }) {
  const area = h('div', null);
  const show = async (file) => {
    try {
      const report = JSON.parse(await file.text());
      if (isCurrent()) put(area, ...benchParts(report));
    } catch (error) { put(area, empty(`${file.name}: ${error.message}`)); }
  };
  const input = h('input', { type: 'file', id: 'report', accept: '.json,application/json',
    onchange: () => input.files.length && show(input.files[0]) });
  put(main, h('h1', null, 'Bench'), h('section', { class: 'card' },
    h('div', { class: 'drop' }, h('label', { for: 'report' },
      'A report of ', h('code', null, 'weir bench --json > report.json')), input,
    h('p', { class: 'quiet' }, 'It is shown here and sent nowhere.'))), area);
}

function benchParts(report) {
  const scenarios = report.scenarios || [];
  if (!scenarios.length) return [empty('The file holds no report of weir bench.')];
  return scenarios.map((scenario) => card(scenario.name, table(
    `${scenario.name}, ${count(scenario.rounds)} rounds`, [
      ['Through', (one) => named(one.name)], ['Verified', (one) => count(one.verified), 'n'],
      ['Errors', (one) => count(Object.values(one.errors || {}).reduce((a, b) => a + b, 0)), 'n'],
      ['Calls a second', (one) => count(Math.round(one.calls_per_second)), 'n wide'],
      ['First content, p50', (one) => time(one.first_content_us?.p50 ?? null), 'n'],
      ['Total, p50', (one) => time(one.total_us?.p50 ?? null), 'n wide'],
      ['Added', (one) => time((scenario.streams ? one.added_first_content_us
        : one.added_total_us)?.median ?? null), 'n'],
    ], scenario.targets || [])));
}
