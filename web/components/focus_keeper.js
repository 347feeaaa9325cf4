// Focus that is never lost: where what has it goes, what stands nearest takes it. Who moves by keyboard would begin the page anew else.

const STOPS = 'a[href], button, input, select, textarea, summary, [tabindex]';

/** @param {HTMLElement} element */
const isThere = (element) => element.isConnected && element.checkVisibility();

/** What cannot be undone is not offered by itself. @param {HTMLElement} element */
const isTaker = (element) => isThere(element) && element.tabIndex >= 0 && !element.matches(':disabled, .danger');

/** @param {HTMLElement} outlet what stands around it stays */
export function keepFocus(outlet) {
	/** As they stood when the focus came. @type {HTMLElement[]} */
	let stops = [];
	let at = -1;
	outlet.addEventListener('focusin', ({ target }) => {
		stops = [...outlet.querySelectorAll(STOPS)].filter((element) => element instanceof HTMLElement);
		at = stops.findIndex((element) => element === target);
	});
	// Who points elsewhere leaves it.
	addEventListener('pointerdown', () => void (at = -1), { capture: true });
	// So does who goes on to the browser's own controls; another window only comes before this one, where what has the focus keeps it.
	addEventListener('blur', () => document.activeElement === document.body && (at = -1));
	new MutationObserver(() => {
		const { activeElement: active, body } = document;
		if (at < 0 || (active !== body && active !== stops[at]) || isThere(stops[at]) || document.querySelector(':modal')) return;
		const next = [...stops.slice(at + 1), ...stops.slice(0, at).reverse()].find(isTaker);
		at = -1;
		next?.focus();
	}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['hidden'] });
}
