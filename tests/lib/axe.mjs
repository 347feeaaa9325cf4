// A page by axe-core's rules of WCAG 2.2 AA.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** @param {import('playwright-core').Page} page */
export async function findViolations(page) {
	await page.evaluate(AXE);
	return page.evaluate(async (values) => {
		const { violations, passes } = await /** @type {any} */ (globalThis).axe.run(document, { runOnly: { type: 'tag', values } });
		if (passes.length < 5) throw new Error('axe-core has looked at nothing');
		return violations.map((/** @type {any} */ { id, nodes }) => `${id}: ${nodes.slice(0, 5).map((/** @type {any} */ node) => `${node.html.slice(0, 200)} (${node.any[0]?.message ?? node.all[0]?.message ?? ''})`).join('; ')}`);
	}, TAGS);
}
