// What a form asks of start, restart and load: only what differs from what stands already. No DOM.

import { readArgs } from './instance_spec.js';

/** As the API names it in one word. @param {import('./api.js').FileName | null} file */
export const fileReference = (file) => (file?.sha256 ? `sha256:${file.sha256}` : file?.path ?? null);

/**
 * @param {{file: string | null, args?: string, paused: string}} form args: one a line; paused: '' leaves it to emud
 * @param {{file: string | null, args: string[]}} before
 * @returns {Record<string, unknown>}
 */
export function makeImageRequest({ file, args, paused }, before) {
	const list = args === undefined ? before.args : readArgs(args).args;
	return {
		...(file !== null && file !== before.file && { file }),
		...(JSON.stringify(list) !== JSON.stringify(before.args) && { args: list }),
		...(paused && { paused: paused === 'true' }),
	};
}
