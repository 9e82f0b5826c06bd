// Who is connected, and what has happened.
import { arrange, byId, element, setText } from './dom.js';
import { bytes, time } from './format.js';

/** What a person reads; the rest is in gossamer top. */
const SHOWN = 50;

function fill(list, lines, none) {
  const rows = [...list.children];
  const texts = lines.length === 0 ? [[none, '']] : lines.slice(0, SHOWN);
  if (lines.length > SHOWN) {
    texts.push([`and ${lines.length - SHOWN} more`, '']);
  }
  arrange(list, texts.map(([soft, text], index) => {
    const row = rows[index]
      ?? element('li', {}, element('span', { className: 'soft' }), element('span'));
    setText(row.children[0], soft);
    setText(row.children[1], text);
    return row;
  }));
}

export function showClients(connections) {
  fill(byId('clients'), connections.map((client) => [
    client.export,
    `${client.peer} since ${time(client.openedAt)}: read ${bytes(client.readBytes)}, written `
      + `${bytes(client.writtenBytes)}, ${client.inFlight} requests under way, ${client.errors} errors`,
  ]), 'nobody is connected');
}

export function showEvents(events) {
  fill(byId('events'), [...events].reverse().map((event) => [time(event.at), event.text]), 'nothing yet');
}
