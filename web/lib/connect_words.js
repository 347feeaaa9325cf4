// How a channel is reached from a terminal. No DOM.

import { quote } from './curl.js';

/** @typedef {import('./api.js').Channel} Channel */

/** @param {Channel} channel "127.0.0.1:4000", "/dev/pts/4"; '': it is reached over HTTP alone */
export const channelAddress = ({ host, port, path }) => path ?? (host === undefined ? '' : `${host.includes(':') ? `[${host}]` : host}:${port}`);

/**
 * @param {Channel} channel
 * @param {string} outputUrl where the service serves a console's output
 * @returns {string} a command for a POSIX shell; '': there is none
 */
export function connectCommand(channel, outputUrl) {
	const { kind, host, port, path } = channel;
	if (path !== undefined) return `screen ${quote(path)}`;
	if (host === undefined) return kind === 'console' ? `curl --no-buffer ${quote(`${outputUrl}?follow=true`)}` : '';
	return `nc ${quote(host)} ${port}`;
}

/** The command line as a POSIX shell takes it. @param {string[]} words */
export const shellCommand = (words) => words.map(quote).join(' ');
