// The way to the daemon, through gossamer ui.

const KEY = 'gossamer-key';

/** What was refused, or could not be asked; kind as in the admin API, "no-page" if gossamer ui is gone. */
export class Refused extends Error {
  constructor(status, kind, message) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

/** Exchanges the token of the address, if there is one, for a session. The token leaves the address bar at once. */
export async function openSession() {
  const token = location.hash.slice(1);
  if (token.length >= 20) {
    history.replaceState(null, '', '/');
    sessionStorage.removeItem(KEY);
    const answer = await exchange('POST', '/session', { token });
    sessionStorage.setItem(KEY, answer.key);
  }
  if (sessionStorage.getItem(KEY) === null) {
    throw new Refused(401, 'not-allowed', "Run 'gossamer ui' and open the address that it prints in this window.");
  }
}

export async function endSession() {
  await ask('DELETE', '/session');
  sessionStorage.removeItem(KEY);
}

export const ask = (method, path, body) => exchange(method, path, body);

export const get = (path) => exchange('GET', path);

export const ofVolume = (name) => `/v1/volumes/${encodeURIComponent(name)}`;

async function exchange(method, path, body) {
  const headers = { 'X-Gossamer-Key': sessionStorage.getItem(KEY) ?? '' };
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
  }
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'same-origin',
    });
    text = await response.text();
  } catch {
    throw new Refused(0, 'no-page', 'gossamer ui has ended. Run it again and open the address that it prints.');
  }
  const answer = text === '' ? {} : parse(text);
  if (!response.ok) {
    throw new Refused(response.status, answer.kind ?? 'failed', answer.error ?? `HTTP status ${response.status}`);
  }
  return answer;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { error: 'an answer that is no JSON; is the daemon of another version?' };
  }
}
