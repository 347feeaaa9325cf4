// Elements without HTML text: what boards and users say is always text.

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, any>} Properties "onclick" and the like are listeners, "class", "for", "aria-*", "data-*" and
 *   "role" attributes; the rest is set as the element's property
 */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Properties} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, properties = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(properties)) setProperty(element, name, value);
	element.append(...toNodes(children.flat()));
	return element;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {any} value
 */
function setProperty(element, name, value) {
	if (value === undefined || value === null) return;
	if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
	else if (/^(class|for|role|scope|colspan|list|aria-|data-)/.test(name)) element.setAttribute(name, String(value));
	else /** @type {any} */ (element)[name] = value;
}

/** @param {Child[]} children */
const toNodes = (children) =>
	children.filter((child) => child !== null && child !== undefined && child !== false)
		.map((child) => (child instanceof Node ? child : String(child)));

/** @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
	element.replaceChildren(...toNodes(children.flat()));
}

/** Sets text only where it differs: what has not changed is not laid out, nor read out, again. @param {Element} element @param {string} text */
export function setText(element, text) {
	if (element.textContent !== text) element.textContent = text;
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function element(id, type) {
	const found = document.getElementById(id);
	if (!(found instanceof type)) throw new Error(`#${id} is no ${type.name}`);
	return found;
}

/** A moment, local; the exact one on hover. @param {string | null} time RFC 3339 @param {string} text */
export const timeElement = (time, text) => h('time', { dateTime: time ?? '', title: time ?? '' }, text);
