// What the pool is like at the moment.
import { byId, element, setText } from './dom.js';
import { bytes, duration, percent } from './format.js';

const cards = new Map();

/** A card with a headline and lines below; made once, changed in place. */
function card(name, meter) {
  if (!cards.has(name)) {
    const value = element('dd', { className: 'value' });
    const more = element('dd');
    const bar = meter ? element('meter', { min: 0, 'aria-label': `${name} in use` }) : null;
    const box = element('div', {}, element('dt', { textContent: name }), value);
    if (bar !== null) {
      box.append(element('dd', {}, bar));
    }
    box.append(more);
    byId('facts').append(box);
    cards.set(name, { box, value, more, bar });
  }
  return cards.get(name);
}

function show(name, value, more, { bad = false, used = null, whole = 1, high = 0.9 } = {}) {
  const at = card(name, used !== null);
  setText(at.value, value);
  setText(at.more, more);
  at.box.className = bad ? 'bad' : '';
  if (used !== null) {
    Object.assign(at.bar, { max: whole, high: whole * high, low: whole * 0.7, optimum: 0, value: used });
    setText(at.bar, percent(used, whole));
  }
}

const MODES = { rw: 'Read and write', ro: 'Read only', 'out-of-space': 'Out of space', fail: 'Failed' };

export function showFacts(status, capacity) {
  const cause = [status.modeCause, status.needsCheck ? 'the metadata want a check: gossamer check' : null];
  show('Mode', MODES[status.mode] ?? status.mode, cause.filter(Boolean).join('; ') || 'nothing is wrong', {
    bad: status.mode !== 'rw' || status.needsCheck,
  });
  show('Data', `${bytes(status.dataUsedBytes)} of ${bytes(status.dataBytes)}`, dataWords(status), {
    used: status.dataUsedBytes, whole: status.dataBytes, bad: status.dataLow,
  });
  show('Full in', fullIn(status), growth(status), { bad: status.dataFullInSeconds !== null
    && status.dataFullInSeconds < 4 * 3600 });
  show('Metadata', `${bytes(status.metadataUsedBytes)} of ${bytes(status.metadataBytes)}`,
    status.metadataLow ? 'low; gossamer pool grow --metadata' : percent(status.metadataUsedBytes, status.metadataBytes),
    { used: status.metadataUsedBytes, whole: status.metadataBytes, bad: status.metadataLow });
  show('Promised', bytes(capacity.provisionedBytes),
    `${bytes(capacity.availableBytes)} may still be; ${bytes(capacity.reservedBytes)} reserved`);
  const waits = waiting(status);
  show('Waiting', waits.length === 0 ? 'Nothing' : `${waits.length}`, waits.join('; '), { bad: waits.length > 0 });
  show('Volumes', `${status.volumes}`, `${status.snapshotsTaken} snapshots taken so far`);
  show('Daemon', status.version, `${status.engine}, ${status.connections} clients connected`);
}

function dataWords(status) {
  const words = [`${percent(status.dataUsedBytes, status.dataBytes)}, ${bytes(status.dataFreeBytes)} free`];
  if (status.reclaimBytes > 0) {
    words.push(`${bytes(status.reclaimBytes)} of deleted volumes are coming back`);
  }
  return words.join('; ');
}

function fullIn(status) {
  if (status.dataFullInSeconds === null) {
    return status.dataGrowthBytesPerHour === null ? 'Not known yet' : 'Not soon';
  }
  return duration(status.dataFullInSeconds);
}

function growth(status) {
  const hourly = status.dataGrowthBytesPerHour;
  if (hourly === null) {
    return 'it takes a few minutes';
  }
  return hourly <= 0 ? 'no growth in the last hour' : `${bytes(hourly)} more in an hour`;
}

function waiting(status) {
  const waits = [];
  if (status.requestsWaitingForSpace > 0) {
    waits.push(`${status.requestsWaitingForSpace} writes wait for space, since `
      + duration(status.waitingForSpaceSeconds));
  }
  for (const device of [...status.remoteDevices, ...status.stalledDevices]) {
    if (device.stalledSeconds > 0) {
      waits.push(`${device.name} has not answered for ${duration(device.stalledSeconds)}`);
    }
  }
  if (!status.poolAnswers) {
    waits.push('the pool waits for a device; these numbers are older');
  }
  return waits;
}
