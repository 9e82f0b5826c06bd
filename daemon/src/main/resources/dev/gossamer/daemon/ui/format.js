// Numbers and times as people write them.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

export function bytes(count) {
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || Number.isInteger(value) || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Bytes of "20G", "512 MiB", "1.5T"; null if it says no size that this page can count in. */
export function parseBytes(text) {
  const parts = /^\s*(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?\s*$/i.exec(text);
  if (parts === null) {
    return null;
  }
  const power = 'kmgtp'.indexOf(parts[2].toLowerCase() || '-') + 1;
  const count = Number(parts[1]) * 1024 ** power;
  return Number.isSafeInteger(count) && count > 0 ? count : null;
}

export function duration(seconds) {
  if (seconds < 120) {
    return `${Math.round(seconds)} s`;
  }
  if (seconds < 7200) {
    return `${Math.round(seconds / 60)} min`;
  }
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

export function percent(part, whole) {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)} %` : '0 %';
}

/** A time of the daemon's as this machine's clock says it; a dash for none. */
export function time(text) {
  return text ? new Date(text).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }) : '–';
}
