// What can be done: create, snapshot, roll back, grow, delete. What takes something away is shown before it is done.
import { ask, get, ofVolume } from './api.js';
import { element } from './dom.js';
import { checkbox, field, openDialog } from './dialog.js';
import { bytes, parseBytes, time } from './format.js';

const paragraph = (text) => element('p', { textContent: text });

function size(text) {
  const count = parseBytes(text);
  if (count === null) {
    throw new Error(`'${text}' is no size; write for example 20G or 512M`);
  }
  return count;
}

export async function createVolume() {
  const name = field('Name', { required: true, maxLength: 128 });
  const wanted = field('Size, for example 20G', { required: true });
  openDialog('Create a volume', [name.node, wanted.node,
    paragraph('It takes space only for what is written.')], 'Create', async () => {
    await ask('POST', '/v1/volumes', { name: name.input.value, sizeBytes: size(wanted.input.value) });
    return `Created ${name.input.value}.`;
  });
}

export async function snapshotVolume(volume) {
  const name = field('Name', { required: true, maxLength: 128, value: `${volume.name}-${stamp()}` });
  const readOnly = checkbox('Read only');
  openDialog(`Take a snapshot of ${volume.name}`, [name.node, readOnly.node,
    paragraph('It shares its space with the volume until one of the two is written.')], 'Take snapshot', async () => {
    await ask('POST', `${ofVolume(volume.name)}/snapshots`,
      { name: name.input.value, readOnly: readOnly.input.checked });
    return `Took ${name.input.value}, a snapshot of ${volume.name}.`;
  });
}

/** As in 20261130-154501, which sorts by time. */
function stamp() {
  return new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
}

export async function growVolume(volume) {
  const wanted = field('New size, for example 40G', { required: true });
  openDialog(`Grow ${volume.name}`, [paragraph(`It has ${bytes(volume.sizeBytes)} now.`), wanted.node,
    paragraph('A file system in it is grown by its own program afterwards.')], 'Grow', async () => {
    const sizeBytes = size(wanted.input.value);
    if (sizeBytes <= volume.sizeBytes) {
      throw new Error(`${bytes(sizeBytes)} are not more than ${bytes(volume.sizeBytes)}; to make it smaller:`
        + ` gossamer volume resize ${volume.name} --size SIZE`);
    }
    await ask('PATCH', ofVolume(volume.name), { sizeBytes });
    return `${volume.name} has ${bytes(sizeBytes)} now.`;
  });
}

/** Whoever has a volume open must be disconnected, and is named. */
async function clientsOf(name) {
  const peers = (await get('/v1/connections')).filter((client) => client.export === name).map((client) => client.peer);
  if (peers.length === 0) {
    return { nodes: [paragraph('Nobody is connected to it.')], box: null };
  }
  const box = checkbox('Disconnect them first');
  return { nodes: [paragraph(`In use by ${peers.slice(0, 10).join(', ')}`
    + `${peers.length > 10 ? ` and ${peers.length - 10} more` : ''}.`), box.node], box: box.input };
}

export async function rollBack(snapshot) {
  const name = snapshot.originName;
  await previewed(`Roll ${name} back to ${snapshot.name}?`, async () => {
    const [before, after, clients] = await Promise.all(
      [get(ofVolume(name)), get(ofVolume(snapshot.name)), clientsOf(name)]);
    const keepAs = field('Keep what it holds now as (empty: a name is chosen)', { maxLength: 128 });
    const sizes = before.sizeBytes === after.sizeBytes ? `keeps its ${bytes(before.sizeBytes)}`
      : `becomes ${bytes(after.sizeBytes)}, from ${bytes(before.sizeBytes)}`;
    const content = [paragraph(`${name} gets the contents of ${snapshot.name} as they are now, a snapshot of `
      + `${time(after.createdAt)}, and ${sizes}.`),
    paragraph('What it holds now is not lost: it is kept as another snapshot.'), keepAs.node, ...clients.nodes];
    return { content, verb: 'Roll back', needs: clients.box, act: async () => {
      const body = { to: snapshot.name, force: clients.box?.checked ?? false };
      if (keepAs.input.value !== '') {
        body.keepAs = keepAs.input.value;
      }
      const kept = await ask('POST', `${ofVolume(name)}/rollback`, body);
      return `Rolled ${name} back to ${snapshot.name}; what it held is kept as ${kept.name}.`;
    } };
  });
}

export async function deleteVolume(volume) {
  await previewed(`Delete ${volume.name}?`, async () => {
    const [now, space, below, clients] = await Promise.all([get(ofVolume(volume.name)),
      get(`${ofVolume(volume.name)}/space`), get(`/v1/volume-page?origin=${volume.id}&limit=10`),
      clientsOf(volume.name)]);
    const content = [paragraph(`${bytes(now.mappedBytes)} are mapped, of which ${bytes(space.freedIfDeletedBytes)} `
      + 'would be freed; the rest is shared and stays.')];
    if (below.matching > 0) {
      const more = below.matching - below.volumes.length;
      content.push(paragraph(`Its snapshots stay: ${below.volumes.map((each) => each.name).join(', ')}`
        + `${more > 0 ? ` and ${more} more` : ''}.`));
    }
    content.push(...clients.nodes);
    // By its UUID: another volume may have got the name meanwhile. A volume that nobody has named has none.
    const path = now.uuid === null ? null : `/v1/uuids/${now.uuid}?force=${clients.box !== null}`;
    return { content, verb: 'Delete', danger: true, needs: clients.box, act: async () => {
      if (path === null) {
        throw new Error(`it has no UUID yet; gossamer volume delete ${volume.name}`);
      }
      await ask('DELETE', path);
      return `Deleted ${volume.name}.`;
    } };
  });
}

/** First what would happen, asked for anew; only then the button that does it. */
async function previewed(title, preview) {
  try {
    const { content, verb, act, ...options } = await preview();
    openDialog(title, content, verb, act, options);
  } catch (refusal) {
    openDialog(title, [paragraph(`It cannot be said what would happen: ${refusal.message}`)], 'Try again',
      async () => { throw new Error('close this window and look again'); });
  }
}
