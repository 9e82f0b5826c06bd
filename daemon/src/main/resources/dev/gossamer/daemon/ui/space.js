// What deleting each volume would free. Counting walks a volume's mappings, so it is done for what is seen alone, one
// volume after the other, with a pause as long as the count took: never more than half of the time.
import { get, ofVolume } from './api.js';

const FRESH_MILLIS = 60_000;
const LEAST_PAUSE_MILLIS = 50;

/** More than a page and its open branches have. */
const KEPT = 2_000;

const counts = new Map();
let wanted = [];
let running = false;

/** Bytes; undefined if not counted yet, null if it cannot be. */
export const freedIfDeleted = (uuid) => counts.get(uuid)?.bytes;

/** Counts are wanted for these volumes, in this order, and for no others. */
export function count(volumes, changed) {
  wanted = volumes.filter((volume) => volume.uuid !== null);
  if (!running) {
    running = true;
    work(changed).finally(() => { running = false; });
  }
}

/** Something was changed: old counts are shown until there are new ones. */
export function forget() {
  counts.forEach((known) => { known.at = -Infinity; });
}

async function work(changed) {
  for (;;) {
    const now = performance.now();
    const next = wanted.find(({ uuid }) => now - (counts.get(uuid)?.at ?? -Infinity) > FRESH_MILLIS);
    if (next === undefined || document.hidden) {
      return;
    }
    let bytes = null;
    try {
      bytes = (await get(`${ofVolume(next.name)}/space`)).freedIfDeletedBytes;
    } catch (refusal) {
      if (refusal.kind === 'no-daemon' || refusal.kind === 'no-page') {
        return;
      }
    }
    if (counts.size >= KEPT) {
      counts.clear();
    }
    counts.set(next.uuid, { bytes, at: performance.now() });
    changed();
    const took = performance.now() - now;
    await new Promise((resume) => { setTimeout(resume, Math.max(LEAST_PAUSE_MILLIS, took)); });
  }
}
