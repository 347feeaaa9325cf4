// Debian's own Firefox, driven by WebDriver BiDi: the protocol it has itself, without a patch.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { firefox } from 'playwright-core';

/** By the page, which has no more use for it. */
const LET_GO = 'NS_BINDING_ABORTED';

const EXECUTABLE = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
/** What playwright asks for at the start (network.addDataCollector) came with it. */
const OLDEST = 143;

/** Why it cannot be driven; false: it can. */
export function whyNotFirefox() {
	const version = execFileSync(EXECUTABLE, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
	const [, major] = / (\d+)\./.exec(version) ?? [];
	return Number(major) < OLDEST && `${version} cannot be driven: ${OLDEST} or newer is in Debian's security archive`;
}

/** @type {import('./page.mjs').Kind} */
export const FIREFOX = {
	async launch() {
		// It refuses a home that is not its user's, and leaves folders in one that is.
		const home = mkdtempSync(path.join(os.tmpdir(), 'emud-firefox-'));
		try {
			return await firefox.launch({
				// Its prefix chooses the protocol; without one it would be the browser that playwright builds for itself.
				channel: 'moz-firefox',
				executablePath: EXECUTABLE,
				// The second keeps it from asking Mozilla's server for settings: a driven one has no address for them, which a release heeds with this alone.
				env: { ...process.env, HOME: home, MOZ_REMOTE_SETTINGS_DEVTOOLS: '1' },
				// The system's scheme is dark: the protocol cannot say so.
				firefoxUserPrefs: { 'layout.css.prefers-color-scheme.content-override': 0 },
			});
		} finally {
			// After playwright's own hook, which kills one that still runs.
			process.on('exit', () => rmSync(home, { recursive: true, force: true, maxRetries: 10 }));
		}
	},
	/** A lost WebSocket is among the errors of scripts; what else the server refuses or does not answer is no message at all. */
	watch(page, _fail, report) {
		page.on('pageerror', (error) => report(String(error)));
		page.on('console', (message) => void (['error', 'warn'].includes(message.type()) && report(message.text(), message.location().url)));
		page.on('response', (response) => void (response.status() >= 400 && report(`status of ${response.status()}`, response.url())));
		page.on('requestfailed', (request) => {
			const fault = request.failure()?.errorText ?? 'no answer';
			if (fault !== LET_GO) report(fault, request.url());
		});
	},
};
