// A field of a form: its label, what it is for, and what is wrong with it.

import { Problem } from '../lib/api.js';
import { h, setText } from './dom.js';

/**
 * @typedef {{detail: string, place: string}} Fault place: the rest of the pointer, such as "1" of /args/1; or ''
 * @typedef {{element: HTMLElement, setFaults: (faults: Fault[]) => void, focus: () => void}} Field
 */

let made = 0;

/**
 * Where a field's faults stand, told of its control to screen readers.
 * @param {HTMLElement} control
 * @param {string | undefined} hint
 * @param {(fault: Fault) => string} [tell] puts the place into words
 */
function createNotes(control, hint, tell = ({ detail }) => detail) {
	control.id ||= `field-${++made}`;
	const fault = h('p', { class: 'fault', id: `${control.id}-fault`, hidden: true });
	const note = hint && h('p', { class: 'hint', id: `${control.id}-hint` }, hint);
	control.setAttribute('aria-describedby', note ? `${note.id} ${fault.id}` : fault.id);
	/** @param {Fault[]} faults */
	const setFaults = (faults) => {
		setText(fault, faults.map(tell).join('\n'));
		fault.hidden = faults.length === 0;
		if (control.getAttribute('role') === 'group') return;
		if (faults.length) control.setAttribute('aria-invalid', 'true');
		else control.removeAttribute('aria-invalid');
	};
	return { note, fault, setFaults };
}

/**
 * @param {{label: string, control: HTMLElement, hint?: string, tell?: (fault: Fault) => string}} options
 * @returns {Field}
 */
export function createField({ label, control, hint, tell }) {
	const { note, fault, setFaults } = createNotes(control, hint, tell);
	const element = h('div', { class: 'field' }, h('label', { class: 'name', for: control.id }, label), note, control, fault);
	return { element, setFaults, focus: () => control.focus() };
}

/**
 * Several controls under one name.
 * @param {{label: string, control: HTMLElement, hint?: string, tell?: (fault: Fault) => string, focus: () => void}} options
 * @returns {Field}
 */
export function createGroup({ label, control, hint, tell, focus }) {
	control.setAttribute('role', 'group');
	const { note, fault, setFaults } = createNotes(control, hint, tell);
	const name = h('span', { class: 'name', id: `${control.id}-name` }, label);
	control.setAttribute('aria-labelledby', name.id);
	return { element: h('div', { class: 'field' }, name, note, control, fault), setFaults, focus };
}

/** A check box and its words. @param {{label: string, control: HTMLInputElement, hint?: string}} options @returns {Field} */
export function createCheck({ label, control, hint }) {
	const { note, fault, setFaults } = createNotes(control, hint);
	const element = h('div', { class: 'field' }, h('label', { class: 'check' }, control, ' ', label), note, fault);
	return { element, setFaults, focus: () => control.focus() };
}

/** Which field a problem without pointers speaks of. @type {Record<string, string>} */
const FIELD_OF_CODE = {
	unknown_target: 'target', unknown_emulator: 'emulator', emulator_unavailable: 'target', id_taken: 'id', path_not_allowed: 'file',
	not_adoptable: 'path', file_not_found: 'file', invalid_file: 'file', too_large: 'file', insufficient_storage: 'file',
};

/** "/args/1" or "?name" @param {string} pointer */
function readPointer(pointer) {
	const [, name, , place] = /^[/?]?([^/]*)(\/(.*))?$/s.exec(pointer) ?? [];
	return { name: name ?? '', place: place ?? '' };
}

/**
 * Shows an error at the fields that caused it, goes to the first of them, and takes the faults of before away.
 * @param {Record<string, Field>} fields by the API's names, in the order of the page
 * @param {unknown} error null: none
 * @returns {string} what belongs to no field; '' if nothing
 */
export function showFaults(fields, error) {
	for (const field of Object.values(fields)) field.setFaults([]);
	if (error === null) return '';
	if (!(error instanceof Problem)) return error instanceof Error ? error.message : String(error);
	const faults = error.errors.map(({ pointer, detail }) => ({ ...readPointer(pointer), detail, pointer }));
	if (faults.length === 0) faults.push({ name: FIELD_OF_CODE[error.code] ?? '', place: '', detail: error.message, pointer: '' });
	let isFirst = true;
	for (const [name, field] of Object.entries(fields)) {
		const own = faults.filter((fault) => fault.name === name);
		if (own.length === 0) continue;
		field.setFaults(own);
		if (isFirst) field.focus();
		isFirst = false;
	}
	return faults.filter(({ name }) => !(name in fields)).map(({ pointer, detail }) => (pointer ? `${pointer}: ${detail}` : detail)).join('\n');
}
