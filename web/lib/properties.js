// Objects and properties of an emulated board: their names, values, and those that are pinned. No DOM.

import { apiPath } from './api.js';

/**
 * @typedef {{name: string, type: string, description?: string, default_value?: unknown, readable?: boolean, writable?: boolean}} PropertySummary
 * @typedef {{path: string, name: string}} PropertyName
 */

/** An object of its own, whose path is its parent's and its name. @param {PropertySummary} property */
export const isObject = ({ type }) => /^child</.test(type);

/** @param {string} path @param {string} name */
export const childPath = (path, name) => `${path.replace(/\/$/, '')}/${name}`;

/** Objects first, each by their names: device[2] stands before device[10]. @param {PropertySummary[]} properties */
export const sortProperties = (properties) =>
	[...properties].sort((one, other) => Number(isObject(other)) - Number(isObject(one)) || one.name.localeCompare(other.name, 'en', { numeric: true }));

/** @param {string} id @param {PropertyName} property */
export const propertyUrl = (id, { path, name }) => `${apiPath('instances', id, 'property')}?${new URLSearchParams({ path, name })}`;

/** @param {string} id @param {string} path */
export const propertiesUrl = (id, path) => `${apiPath('instances', id, 'properties')}?${new URLSearchParams({ path })}`;

/** Some browsers have it, and with it the source of each number that they parse. @type {((text: string) => object) | undefined} */
const rawJSON = /** @type {any} */ (JSON).rawJSON;

/**
 * JSON whose numbers JSON.stringify() writes again as they are written here: those of 64 bits are more than a browser's own can tell apart.
 * @param {string} text
 */
const parseExact = (text) => JSON.parse(text, (_key, value, /** @type {{source: string} | undefined} */ context = undefined) =>
	(rawJSON && context && typeof value === 'number' && String(value) !== context.source ? rawJSON(context.source) : value));

/**
 * Of what holds values, to be read or set.
 * @param {import('./api.js').Api} api
 * @param {string} url
 * @param {{value: unknown}} [json]
 */
export const requestValues = (api, url, json) =>
	api.request(json ? 'PUT' : 'GET', url, json, undefined, async (response) => parseExact(await response.text()));

/** A number with its hexadecimal twin, which registers and addresses are read in. @param {unknown} value any JSON */
export function formatValue(value) {
	const text = JSON.stringify(value);
	return /^(\d{2,}|"\d{19,20}")$/.test(text) ? `${text} (0x${BigInt(text.replaceAll('"', '')).toString(16)})` : text;
}

/** The first number that a browser which cannot keep it as it is written would change, or has changed when it read it. @param {string} text JSON */
const findChanged = (text) => text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').match(/-?\d[\d.eE+-]*/g)
	?.find((number) => String(Number(number)) !== number || Math.abs(Number(number)) > Number.MAX_SAFE_INTEGER);

/** @param {string} text @returns {{value: unknown} | {fault: string}} */
export function readValue(text) {
	try {
		const value = parseExact(text);
		const changed = rawJSON ? undefined : findChanged(text);
		return changed ? { fault: `This browser is too old to send ${changed} as it is: curl can.` } : { value };
	} catch {
		return { fault: 'This is no JSON: text stands in quotes ("so"), numbers are decimal, else true, false or null.' };
	}
}

/** What is pinned, by target: kept in this browser. */
export class Pins {
	/**
	 * @param {Pick<Storage, 'getItem' | 'setItem'>} storage
	 * @param {string} target
	 */
	constructor(storage, target) {
		this.storage = storage;
		this.key = `emud.pins.${target}`;
		/** @type {PropertyName[]} */
		this.all = [];
		this.read();
	}

	/** As other tabs left them; where nothing can be kept they stay as they are. */
	read() {
		const text = this.storage.getItem(this.key);
		if (text !== null) this.all = readPins(text);
	}

	/** @param {PropertyName} property */
	has({ path, name }) {
		return this.all.some((pin) => pin.path === path && pin.name === name);
	}

	/** Pinned, or no longer: the other of what is shown here. @param {PropertyName} property */
	toggle({ path, name }) {
		const wasPinned = this.has({ path, name });
		this.read();
		const others = this.all.filter((pin) => pin.path !== path || pin.name !== name);
		this.all = wasPinned ? others : [...others, { path, name }];
		this.storage.setItem(this.key, JSON.stringify(this.all));
	}
}

/** Whatever stands there: others may have written it. @param {string} text @returns {PropertyName[]} */
function readPins(text) {
	try {
		const pins = JSON.parse(text);
		return pins.filter((/** @type {any} */ pin) => typeof pin?.path === 'string' && typeof pin?.name === 'string')
			.map((/** @type {any} */ { path, name }) => ({ path, name }));
	} catch {
		return [];
	}
}
