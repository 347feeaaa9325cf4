// A page by keyboard alone: what Tab reaches, and what it must.

/* global HTMLInputElement, addEventListener, innerHeight, innerWidth */

import assert from 'node:assert/strict';

/** @typedef {import('playwright-core').Page} Page */

/** Enough for the longest page of the tests. */
const PRESSES_MOST = 200;
const BATCH = 10;

/** What the page itself keeps of a walk. */
function recordWalk() {
	const walk = /** @type {any} */ (globalThis);
	walk.all = [...walk.all ?? [], ...walk.walked ?? []];
	walk.walked = /** @type {Element[]} */ ([]);
	walk.untilBrowser = Infinity;
	if (walk.isRecorded) return;
	walk.isRecorded = true;
	document.addEventListener('focusin', ({ target }) => /** @type {Element} */ (target).matches('main') || walk.walked.push(target));
	// Behind its last stop the browser's own are: who comes back from those goes on at the other end of the page.
	addEventListener('focus', () => void (walk.untilBrowser = Math.min(walk.untilBrowser, walk.walked.length)));
}

/**
 * Presses a key until it has been at the browser's own controls and comes to what it was at before those, or a console takes it. A stop that comes
 * twice by itself is no round: Chromium may tell one twice after its own, and what is drawn anew hands its focus on.
 * @param {Page} page
 * @param {string} key
 * @returns {Promise<number | null>} how many stops there are; null: a console has it now
 */
async function walk(page, key) {
	await page.evaluate(recordWalk);
	for (let presses = 0; presses < PRESSES_MOST; presses += BATCH) {
		for (let press = 0; press < BATCH; press++) await page.keyboard.press(key);
		const { stops, isRound, isTaken } = await page.evaluate(() => {
			const { walked, untilBrowser } = /** @type {any} */ (globalThis);
			const before = new Set(walked.slice(0, untilBrowser));
			return {
				stops: new Set(walked).size, isRound: walked.slice(untilBrowser).some((/** @type {Element} */ stop) => before.has(stop)),
				isTaken: document.activeElement?.matches('.screen *') ?? false,
			};
		});
		if (isTaken && key === 'Tab') return null;
		if (isRound) return stops;
	}
	throw new Error(`${key} does not come round`);
}

/** Run in the page after a walk: what is wrong with what can be acted on, and with how its focus shows. */
function findFaults() {
	const CONTROLS = 'a[href], button, input, select, textarea, summary, [tabindex]:not(main), [contenteditable], [role="button"], [role="tab"], [role="treeitem"]';
	const { all, walked } = /** @type {any} */ (globalThis);
	const reached = new Set([...all, ...walked]);
	const isShown = (/** @type {Element} */ element) => element.checkVisibility() && element.getBoundingClientRect().width > 0;
	const words = (/** @type {Element} */ element) => element.outerHTML.slice(0, 140);
	/** Arrow keys lead on from the one in the tab order. @param {Element} element */
	const isInComposite = (element) => element.matches('[role="tab"], [role="treeitem"]') ? reached.has(element.closest('[role="tablist"], [role="tree"]')?.querySelector('[tabindex="0"]'))
		: element instanceof HTMLInputElement && element.type === 'radio' && [...reached].some((/** @type {any} */ other) => other.name === element.name);
	const controls = [...document.querySelectorAll(CONTROLS)].filter((element) => isShown(element) && !element.matches(':disabled, [aria-hidden="true"] *, .screen [tabindex="-1"]'));
	const faults = controls.filter((element) => !reached.has(element) && !isInComposite(element)).map((element) => `not reached: ${words(element)}`);
	for (const element of document.querySelectorAll('main *'))
		if (getComputedStyle(element).cursor === 'pointer' && isShown(element) && !element.closest(`${CONTROLS}, label`)) faults.push(`for the mouse alone: ${words(element)}`);
	for (const element of /** @type {HTMLElement[]} */ ([...reached])) {
		if (!element.isConnected) continue;
		const frame = [element, element.parentElement, element.closest('.screen')].filter((part) => part !== null);
		const look = () => frame.map((part) => {
			const { outlineStyle, outlineWidth, outlineColor, boxShadow } = getComputedStyle(part);
			return outlineStyle === 'none' ? boxShadow : `${outlineStyle} ${outlineWidth} ${outlineColor} ${boxShadow}`;
		}).join();
		element.focus();
		const focused = look();
		const box = element.getBoundingClientRect();
		const x = Math.min(Math.max(box.x + box.width / 2, 0), innerWidth - 1);
		const y = Math.min(Math.max(box.y + box.height / 2, 0), innerHeight - 1);
		const top = document.elementFromPoint(x, y);
		const isSeen = top && (element.contains(top) || top.contains(element) || element.closest('.screen')?.contains(top));
		if (!isSeen || box.bottom <= 0 || box.top >= innerHeight) faults.push(`hidden while it has the focus: ${words(element)} by ${top && words(top)}`);
		element.blur();
		if (look() === focused) faults.push(`its focus cannot be seen: ${words(element)}`);
	}
	return faults;
}

/**
 * Through the page, and back too where a console takes Tab: everything that can be acted on is reached, and shows it.
 * @param {Page} page
 * @param {{isBackToo?: boolean}} [options]
 */
export async function walkPage(page, { isBackToo = false } = {}) {
	await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).blur());
	const forth = await walk(page, 'Tab');
	const back = isBackToo || forth === null ? await walk(page, 'Shift+Tab') : forth;
	const faults = await page.evaluate(findFaults);
	if (forth !== null && forth !== back) faults.push(`${forth} stops forth, ${back} back`);
	return faults;
}

/** The name of what has the focus, in short. @param {Page} page */
export const focusedName = (page) => page.evaluate(() => {
	const element = document.activeElement;
	if (!element || element === document.body) return '';
	const { labels, placeholder } = /** @type {any} */ (element);
	const ids = element.getAttribute('aria-labelledby');
	const name = element.getAttribute('aria-label') ?? (ids ? document.getElementById(ids)?.textContent : undefined)
		?? (element.querySelector(':scope > .name') ?? labels?.[0]?.querySelector('.name') ?? labels?.[0] ?? element).textContent;
	return (name || placeholder || element.id || element.tagName).trim().replaceAll(/\s+/g, ' ');
});

/** @param {Page} page @param {string} name @param {'Tab' | 'Shift+Tab'} [key] */
export async function tabTo(page, name, key = 'Tab') {
	/** @type {string[]} */
	const seen = [];
	while (seen.length < PRESSES_MOST) {
		const at = await focusedName(page);
		if (at === name) return;
		seen.push(at);
		await page.keyboard.press(key);
	}
	assert.fail(`${name} cannot be reached by ${key}, only ${[...new Set(seen)].join(' | ')}`);
}

/** Waits for the focus to be there by itself. @param {Page} page @param {string} name */
export async function untilFocused(page, name) {
	const end = Date.now() + 5000;
	for (;;) {
		const at = await focusedName(page);
		if (at === name) return;
		if (Date.now() > end) assert.fail(`the focus is at “${at}”, not at “${name}”`);
	}
}
