// A console on a page, whatever the browser.

/** @typedef {import('playwright-core').Page} Page */

/** @param {Page} page @param {string} text without a line's end */
export const untilConsoleShows = (page, text) =>
	page.waitForFunction((wanted) => document.querySelector('.xterm-rows')?.textContent?.includes(wanted), text);

/** @param {Page} page */
export const untilLive = (page) => page.getByRole('status').filter({ hasText: /^Live$/ }).waitFor();
