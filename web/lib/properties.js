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

/** A number with its hexadecimal twin, which registers and addresses are read in. @param {unknown} value any JSON */
export function formatValue(value) {
	const text = JSON.stringify(value);
	const isLarge = typeof value === 'number' ? Number.isInteger(value) && value > 9 : typeof value === 'string' && /^\d{19,20}$/.test(value);
	return isLarge ? `${text} (0x${BigInt(/** @type {number | string} */ (value)).toString(16)})` : text;
}

/** @param {string} text @returns {{value: unknown} | {fault: string}} */
export function readValue(text) {
	try {
		return { value: JSON.parse(text) };
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
