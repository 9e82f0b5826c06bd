// One line of the table of volumes: made once for a volume, then changed in place, so that the focus stays.
import { element, setText } from './dom.js';
import { bytes, time } from './format.js';
import { freedIfDeleted } from './space.js';
import { deleteVolume, growVolume, rollBack, snapshotVolume } from './actions.js';

const DEEPEST = 3;

/** The line of a volume. */
export class Row {
  #marks = element('span');
  #name = element('span');
  #fold = element('button', { type: 'button', className: 'fold' });
  #cells = {};
  #back;

  /** @param fold called with the volume's id to show or hide its snapshots */
  constructor(volume, fold) {
    this.volume = volume;
    this.#fold.addEventListener('click', () => fold(this.volume.id));
    const cell = (label, className = 'number') => {
      const made = element('td', { className, 'data-label': label });
      this.#cells[label] = made;
      return made;
    };
    this.node = element('tr', {},
      element('th', { scope: 'row' }, this.#fold, this.#name, this.#marks),
      cell('Size'), cell('Mapped'), cell('Deleting frees'), cell('Clients'), cell('Made', ''),
      element('td', {}, this.#actions()));
  }

  #actions() {
    const button = (text, act, className = '') => {
      const made = element('button', { type: 'button', className, textContent: text });
      made.addEventListener('click', () => act(this.volume));
      return made;
    };
    this.#back = button('Roll back', rollBack);
    this.buttons = [button('Snapshot', snapshotVolume), this.#back, button('Grow', growVolume),
      button('Delete', deleteVolume, 'danger')];
    return element('div', { className: 'actions' }, ...this.buttons);
  }

  update(volume, level, open) {
    this.volume = volume;
    this.node.className = level === 0 ? '' : `level-${Math.min(level, DEEPEST)}`;
    setText(this.#name, volume.name);
    this.#mark(volume, level);
    this.#fold.hidden = volume.snapshots === 0;
    setText(this.#fold, open ? '−' : '+');
    this.#fold.setAttribute('aria-expanded', `${open}`);
    this.#fold.setAttribute('aria-label', `${volume.snapshots} snapshots of ${volume.name}`);
    setText(this.#cells.Size, bytes(volume.sizeBytes));
    setText(this.#cells.Mapped, bytes(volume.mappedBytes));
    setText(this.#cells.Clients, `${volume.connections}`);
    setText(this.#cells.Made, time(volume.createdAt));
    this.#back.hidden = !volume.originName;
    for (const button of this.buttons) {
      button.setAttribute('aria-label', `${button.textContent} ${volume.name}`);
    }
    this.showSpace();
  }

  showSpace() {
    const freed = freedIfDeleted(this.volume.uuid);
    setText(this.#cells['Deleting frees'], freed === undefined ? '…' : freed === null ? '–' : bytes(freed));
  }

  #mark(volume, level) {
    const marks = [];
    const mark = (text, className) => marks.push(element('span', { className, textContent: text }));
    if (volume.readOnly) {
      mark('read only', 'mark');
    }
    if (volume.originName && level === 0) {
      mark(`of ${volume.originName}`, 'mark');
    }
    if (volume.externalOrigin) {
      mark(volume.externalOriginFailure ?? `over ${volume.externalOrigin}`,
        volume.externalOriginFailure ? 'mark bad' : 'mark');
    }
    if (volume.damage) {
      mark(`damaged: ${volume.damage}`, 'mark bad');
    }
    if (this.#marks.textContent !== marks.map((each) => each.textContent).join('')) {
      this.#marks.replaceChildren(...marks);
    }
  }
}
