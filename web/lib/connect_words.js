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

/** @param {string} host */
const isLoopback = (host) => /^(localhost|127\.[\d.]+|\[?::1\]?)$/.test(host);

/**
 * For who is not at the machine that emud runs on, whose loopback the raw channels are bound to.
 * @param {Channel[]} channels
 * @param {string} pageHost as the page's address names that machine
 * @returns {string} a command for a POSIX shell that makes their ports local ones; '': they are, or there are none
 */
export function forwardCommand(channels, pageHost) {
	const bound = channels.filter(({ host, port }) => host !== undefined && port !== undefined && isLoopback(host));
	if (isLoopback(pageHost) || bound.length === 0) return '';
	return `ssh -N ${bound.map((channel) => `-L ${channel.port}:${channelAddress(channel)}`).join(' ')} ${quote(pageHost)}`;
}

/** The command line as a POSIX shell takes it. @param {string[]} words */
export const shellCommand = (words) => words.map(quote).join(' ');
