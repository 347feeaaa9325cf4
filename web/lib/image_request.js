// What a form asks of start, restart and load: only what differs from what stands already. No DOM.

/** As the API names it in one word. @param {import('./api.js').FileName | null} file */
export const fileReference = (file) => (file?.sha256 ? `sha256:${file.sha256}` : file?.path ?? null);

/**
 * @param {{file: string | null, args?: string[], paused: string}} form paused: '' leaves it to emud
 * @param {{file: string | null, args: string[]}} before
 * @returns {Record<string, unknown>}
 */
export function makeImageRequest({ file, args, paused }, before) {
	return {
		...(file !== null && file !== before.file && { file }),
		...(args && JSON.stringify(args) !== JSON.stringify(before.args) && { args }),
		...(paused && { paused: paused === 'true' }),
	};
}
