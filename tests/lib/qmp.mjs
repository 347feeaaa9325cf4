// Channels opened as any other tool would, from what handles.json says of them; and QMP spoken over one.

import { once } from 'node:events';
import { closeSync, constants, openSync } from 'node:fs';
import net from 'node:net';
import tty from 'node:tty';

import { within } from './deadline.mjs';
import { ByteStream } from './streams.mjs';

/** @typedef {{type: string, host?: string, port?: number, path?: string}} Endpoint */

/** A raw channel: bytes as they come, and a way to send some. */
export class RawChannel extends ByteStream {
	/** @param {net.Socket} input @param {net.Socket} output @param {number[]} descriptors to be closed with it */
	constructor(input, output, descriptors = []) {
		super();
		this.descriptors = descriptors;
		this.input = input;
		this.output = output;
		input.on('data', (bytes) => this.push(bytes));
		input.on('close', () => this.finish('close'));
		for (const socket of [input, output]) socket.on('error', () => this.finish('error'));
	}

	/** @param {string} text */
	send(text) {
		this.output.write(text);
	}

	close() {
		this.input.destroy();
		this.output.destroy();
		for (const fd of this.descriptors.splice(0)) closeSync(fd);
	}
}

/** @param {Endpoint} endpoint */
export async function openChannel({ type, host, port, path }) {
	if (type === 'tcp') {
		const socket = net.connect(port ?? 0, host);
		await within(once(socket, 'connect'), `a connection to ${host}:${port}`);
		return new RawChannel(socket, socket);
	}
	const open = () => openSync(path ?? '', constants.O_RDWR | constants.O_NOCTTY);
	// A tty stream opens the device anew, and leaves the descriptor it was given.
	const descriptors = [open(), open()];
	return new RawChannel(new tty.ReadStream(descriptors[0]), new tty.WriteStream(descriptors[1]), descriptors);
}

export class Qmp {
	/** @param {RawChannel} channel */
	constructor(channel) {
		this.channel = channel;
		this.nextId = 1;
	}

	/** @param {(message: any) => boolean} wanted @param {string} what */
	find(wanted, what) {
		return this.channel.wait(() => {
			const lines = this.channel.bytes.toString().split('\n').slice(0, -1);
			return lines.filter((line) => line.trim()).map((line) => JSON.parse(line)).find(wanted);
		}, what);
	}

	/** @param {string} command @param {object} [parameters] */
	async run(command, parameters) {
		const id = this.nextId++;
		this.channel.send(`${JSON.stringify({ execute: command, arguments: parameters, id })}\n`);
		const reply = await this.find((message) => message.id === id, `the answer to ${command}`);
		if (reply.error) throw new Error(`${command}: ${reply.error.desc}`);
		return reply.return;
	}

	close() {
		this.channel.close();
	}
}

/** @param {Endpoint} endpoint */
export async function connectQmp(endpoint) {
	const qmp = new Qmp(await openChannel(endpoint));
	await qmp.find((message) => message.QMP, 'the greeting of QMP');
	await qmp.run('qmp_capabilities');
	return qmp;
}
