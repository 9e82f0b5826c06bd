// Lines over time, drawn from what this page has seen.
import { element, setText } from './dom.js';
import { duration } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 300;
const HEIGHT = 100;

/** Half an hour at a look every two seconds. */
const KEPT = 900;

function shape(name, className) {
  const made = document.createElementNS(SVG, name);
  made.setAttribute('class', className);
  return made;
}

/** A figure with a line for each name. */
export class Plot {
  #samples = [];
  #caption = element('figcaption');
  #picture = document.createElementNS(SVG, 'svg');
  #lines;

  constructor(parent, title, names, words) {
    this.title = title;
    this.names = names;
    this.words = words;
    this.#picture.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.#picture.setAttribute('preserveAspectRatio', 'none');
    this.#picture.setAttribute('role', 'img');
    const base = shape('path', 'plot-base');
    base.setAttribute('d', `M0 ${HEIGHT - 1}H${WIDTH}`);
    this.#lines = names.map((name, index) => shape('path', index === 0 ? 'plot-line' : 'plot-line second'));
    this.#picture.append(base, ...this.#lines);
    parent.append(element('figure', {}, this.#caption, this.#picture));
  }

  /** A value for each name, as of now. */
  add(values) {
    this.#samples.push({ at: performance.now(), values });
    if (this.#samples.length > KEPT) {
      this.#samples.shift();
    }
    this.#draw();
  }

  #draw() {
    const first = this.#samples[0].at;
    const now = this.#samples.at(-1);
    const span = Math.max(1, now.at - first);
    const most = this.#samples.reduce((top, sample) => Math.max(top, ...sample.values), 0);
    this.#lines.forEach((line, index) => {
      const points = this.#samples.map(({ at, values }) => {
        const x = ((at - first) / span) * WIDTH;
        const y = HEIGHT - 2 - (most > 0 ? values[index] / most : 0) * (HEIGHT - 6);
        return `${x.toFixed(1)} ${y.toFixed(1)}`;
      });
      line.setAttribute('d', `M${points.join('L')}`);
    });
    const told = this.names.map((name, index) => `${name} ${this.words(now.values[index])}`.trim()).join(', ');
    const text = `${this.title}: ${told}; most ${this.words(most)} in ${duration(span / 1000)}`;
    setText(this.#caption, text);
    this.#picture.setAttribute('aria-label', text);
  }
}
