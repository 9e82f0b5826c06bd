// The table: a page of volumes, found and put in order by the daemon, and the snapshots of those that are unfolded.
import { get } from './api.js';
import { arrange, byId, element, setText } from './dom.js';
import { Row } from './row.js';
import { count } from './space.js';

const PAGE = 50;

/** Branches that can be open at once: each is a request whenever the table is looked at. */
const OPEN = 16;

const rows = new Map();
const open = new Set();
let offset = 0;
let matching = 0;
let loading = null;
let again = false;

const query = (parts) => `/v1/volume-page?${Object.entries(parts)
  .map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')}`;

function page(parts) {
  return get(query({ sort: byId('sort').value, limit: PAGE, ...parts }));
}

/** The lines that are to be seen, each with its level. */
async function gather() {
  const search = byId('search').value.trim();
  const found = await page(search === '' ? { origin: 'none', offset } : { search, offset });
  if (found.volumes.length === 0 && offset > 0 && found.matching > 0) {
    offset = Math.floor((found.matching - 1) / PAGE) * PAGE;
    return gather();
  }
  matching = found.matching;
  const lines = [];
  for (const volume of found.volumes) {
    await branch(lines, volume, 0);
  }
  return lines;
}

async function branch(lines, volume, level) {
  lines.push({ volume, level });
  if (!open.has(volume.id) || volume.snapshots === 0) {
    return;
  }
  const below = await page({ origin: volume.id });
  for (const snapshot of below.volumes) {
    await branch(lines, snapshot, level + 1);
  }
  if (below.matching > below.volumes.length) {
    lines.push({ more: below.matching - below.volumes.length, of: volume });
  }
}

function fold(id) {
  if (!open.delete(id)) {
    if (open.size >= OPEN) {
      open.delete(open.values().next().value);
    }
    open.add(id);
  }
  refresh();
}

/** Looks at the table anew; if that is under way, once more after it. */
export function refresh() {
  if (loading !== null) {
    again = true;
    return loading;
  }
  loading = load().finally(() => {
    loading = null;
    if (again) {
      again = false;
      refresh().catch(() => {}); // the next look says what is wrong
    }
  });
  return loading;
}

async function load() {
  const lines = await gather();
  const seen = new Set();
  const nodes = lines.map((line) => {
    if (line.more !== undefined) {
      return element('tr', {}, element('td', { colSpan: 7,
        textContent: `and ${line.more} more snapshots of ${line.of.name}: search for them by name` }));
    }
    // In a search a snapshot can be on the page by itself and below its origin.
    const key = `${line.volume.id} ${line.level}`;
    seen.add(key);
    if (!rows.has(key)) {
      rows.set(key, new Row(line.volume, fold));
    }
    const row = rows.get(key);
    row.update(line.volume, line.level, open.has(line.volume.id));
    return row.node;
  });
  [...rows.keys()].filter((key) => !seen.has(key)).forEach((key) => rows.delete(key));
  arrange(byId('rows'), nodes);
  showWhere();
  count(lines.filter((line) => line.volume !== undefined).map((line) => line.volume),
    () => rows.forEach((row) => row.showSpace()));
}

function showWhere() {
  const last = Math.min(offset + PAGE, matching);
  setText(byId('where'), matching === 0 ? 'none found' : `${offset + 1} to ${last} of ${matching}`);
  byId('previous').disabled = offset === 0;
  byId('next').disabled = last >= matching;
}

/** Connects search, order and pages; trouble is told to others. */
export function begin(failed) {
  const look = () => refresh().catch(failed);
  const from = (start) => {
    offset = Math.max(0, start);
    look();
  };
  let typing = 0;
  byId('search').addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => from(0), 200);
  });
  byId('sort').addEventListener('change', () => from(0));
  byId('previous').addEventListener('click', () => from(offset - PAGE));
  byId('next').addEventListener('click', () => from(offset + PAGE));
  byId('finder').addEventListener('submit', (event) => {
    event.preventDefault();
    from(0);
  });
}
