// Begins the session, looks at the pool again and again, and says so when that is not possible.
import { endSession, get, openSession } from './api.js';
import { createVolume } from './actions.js';
import { byId, setText } from './dom.js';
import { bytes } from './format.js';
import { showFacts } from './facts.js';
import { showClients, showEvents } from './lists.js';
import { Plot } from './plot.js';
import { forget } from './space.js';
import { begin, refresh } from './volumes.js';

const LOOK_MILLIS = 2_000;

/** Every so many looks the table is asked for, too. */
const TABLE_LOOKS = 2;

/** Who has not touched anything for so long is away: gossamer ui may end. */
const AWAY_MILLIS = 15 * 60_000;

let ended = false;
let troubled = false;
let touched = performance.now();
let seen = new Map();
let seenAt = 0;
let looks = 0;
let plots = null;

function trouble(words) {
  setText(byId('trouble'), words);
  document.body.classList.toggle('stale', words !== '');
  troubled = words !== '';
}

function failed(refusal) {
  if (refusal.status === 401 || refusal.status === 403 || refusal.kind === 'no-page') {
    ended = refusal.kind !== 'no-page';
    trouble(refusal.message);
  } else {
    trouble(`${refusal.message}. Looking again every ${LOOK_MILLIS / 1000} s; what is below is older.`);
  }
}

/** Bytes since the last look, of those who were connected then, by second. */
function rates(connections) {
  const now = performance.now();
  const next = new Map(connections.map((each) => [each.id, each]));
  let read = 0;
  let written = 0;
  for (const [id, client] of next) {
    const before = seen.get(id);
    read += Math.max(0, client.readBytes - (before?.readBytes ?? 0));
    written += Math.max(0, client.writtenBytes - (before?.writtenBytes ?? 0));
  }
  const seconds = seenAt === 0 ? Infinity : (now - seenAt) / 1000;
  seen = next;
  seenAt = now;
  return [read / seconds, written / seconds];
}

function drawPlots(status, connections) {
  plots ??= {
    data: new Plot(byId('plots'), 'Data in use', [''], bytes),
    bytes: new Plot(byId('plots'), 'Each second', ['read', 'written'], bytes),
    waiting: new Plot(byId('plots'), 'Requests', ['under way', 'waiting for space'], (count) => `${count}`),
  };
  plots.data.add([status.dataUsedBytes]);
  plots.bytes.add(rates(connections));
  plots.waiting.add([connections.reduce((sum, client) => sum + client.inFlight, 0), status.requestsWaitingForSpace]);
}

async function look() {
  const [status, connections, capacity] = await Promise.all(
    [get('/v1/status'), get('/v1/connections'), get('/v1/capacity')]);
  setText(byId('pool'), status.pool);
  document.title = `${status.mode === 'rw' ? '' : '! '}${status.pool.split('/').at(-1)} – Gossamer`;
  byId('content').hidden = false;
  byId('leave').hidden = false;
  showFacts(status, capacity);
  drawPlots(status, connections);
  showClients(connections);
  showEvents(status.events);
  if (looks++ % TABLE_LOOKS === 0 || troubled) {
    await refresh();
  }
  if (troubled) {
    trouble('');
    setText(byId('done'), 'Up to date again.');
  }
}

async function watch() {
  while (!ended) {
    const away = performance.now() - touched > AWAY_MILLIS;
    if (away) {
      trouble('Nobody has used this page for a quarter of an hour, so it stands still. Press a key to go on.');
    } else if (!document.hidden) {
      try {
        await look();
      } catch (refusal) {
        failed(refusal);
      }
    }
    await new Promise((resume) => { setTimeout(resume, LOOK_MILLIS); });
  }
}

async function leave() {
  try {
    await endSession();
    ended = true;
    byId('content').hidden = true;
    byId('leave').hidden = true;
    setText(byId('done'), '');
    trouble('This session has ended, and gossamer ui with it.');
  } catch (refusal) {
    failed(refusal);
  }
}

for (const kind of ['keydown', 'pointerdown', 'pointermove']) {
  document.addEventListener(kind, () => { touched = performance.now(); }, { passive: true });
}
document.addEventListener('gossamer-done', (event) => {
  setText(byId('done'), event.detail);
  forget();
  refresh().catch(failed);
});
byId('create').addEventListener('click', createVolume);
byId('leave').addEventListener('click', leave);
begin(failed);
openSession().then(watch, failed);
