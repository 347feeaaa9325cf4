// Drives a board with the client generated from openapi.yaml; compiled by typescript_client.test.mjs.

import createClient from 'openapi-fetch';

import type { components, paths } from './schema.js';

type Instance = components['schemas']['Instance'];

function expectInstance({ data, error }: { data?: Instance; error?: unknown }): Instance {
	if (!data) throw new Error(JSON.stringify(error));
	return data;
}

export async function drive(baseUrl: string, file: string) {
	const client = createClient<paths>({ baseUrl });
	const created = expectInstance(await client.POST('/instances', {
		params: { query: { wait: true } },
		body: { target: 'board', file: { path: file }, labels: { driver: 'typescript' } },
	}));
	const params = { path: { id: created.id } };
	const paused = expectInstance(await client.POST('/instances/{id}/pause', { params }));
	const resumed = expectInstance(await client.POST('/instances/{id}/resume', { params }));

	const channel = { path: { id: created.id, name: 'serial0' } };
	const body = 'typed';
	await client.POST('/instances/{id}/channels/{name}/input', {
		params: channel,
		body: body as never,
		bodySerializer: (bytes: unknown) => bytes as string,
		headers: { 'content-type': 'application/octet-stream' },
	});
	const output = await client.GET('/instances/{id}/channels/{name}/output', {
		params: { ...channel, query: { follow: true, limit: body.length } },
		parseAs: 'text',
	});

	const stopped = expectInstance(await client.POST('/instances/{id}/stop', { params }));
	const refused = await client.POST('/instances', { body: { target: 'nowhere' } });
	await client.DELETE('/instances/{id}', { params });
	return {
		states: [created.state, paused.state, resumed.state, stopped.state],
		output: output.data,
		refusal: refused.error?.code,
	};
}
