// One window at a time that asks, and stays until what was asked is done or given up.
import { byId, element, setText } from './dom.js';

/** A line to type into. */
export function field(label, properties = {}) {
  const input = element('input', { type: 'text', autocomplete: 'off', ...properties });
  return { input, node: element('label', {}, label, input) };
}

export function checkbox(label) {
  const input = element('input', { type: 'checkbox' });
  return { input, node: element('label', { className: 'check' }, input, element('span', { textContent: label })) };
}

/**
 * Shows the window. What it does may fail: then it says why and stays.
 *
 * @param title what is asked
 * @param content its nodes
 * @param verb on the button that does it
 * @param act does it; returns words about what is done
 * @param options danger: something is gone afterwards; needs: a checkbox without which it cannot be done
 */
export function openDialog(title, content, verb, act, { danger = false, needs = null } = {}) {
  const dialog = byId('dialog');
  const failure = element('p', { className: 'failure', role: 'alert' });
  const cancel = element('button', { type: 'button', textContent: 'Cancel' });
  const go = element('button', { type: 'submit', className: danger ? 'danger' : 'main', textContent: verb });
  const form = element('form', {}, element('h2', { id: 'dialog-title', textContent: title }), ...content, failure,
    element('div', { className: 'buttons' }, cancel, go));
  cancel.addEventListener('click', () => dialog.close());
  if (needs !== null) {
    go.disabled = true;
    needs.addEventListener('change', () => { go.disabled = !needs.checked; });
  }
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    go.disabled = true;
    setText(failure, '');
    try {
      const words = await act();
      dialog.close();
      document.dispatchEvent(new CustomEvent('gossamer-done', { detail: words }));
    } catch (refusal) {
      setText(failure, refusal.message);
      go.disabled = false;
    }
  });
  dialog.replaceChildren(form);
  if (!dialog.open) {
    dialog.showModal();
  }
}
