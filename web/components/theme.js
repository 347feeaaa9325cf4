// Light, dark, or as the system has it; kept in this browser.

import { browserStorage } from './browser_storage.js';

const KEY = 'emud.theme';

/** @param {HTMLSelectElement} select */
export function followTheme(select) {
	select.value = browserStorage.getItem(KEY) ?? '';
	const apply = () => {
		document.documentElement.style.colorScheme = select.value;
		browserStorage.setItem(KEY, select.value);
	};
	apply();
	select.addEventListener('change', apply);
}

/** As it was chosen, where it cannot be. @param {(isDark: boolean) => void} onTheme now, and when the system's changes */
export function followChosenTheme(onTheme) {
	const system = matchMedia('(prefers-color-scheme: dark)');
	const chosen = browserStorage.getItem(KEY) ?? '';
	const apply = () => onTheme(chosen ? chosen === 'dark' : system.matches);
	document.documentElement.style.colorScheme = chosen;
	system.addEventListener('change', apply);
	apply();
}
