// Light, dark, or as the system has it; kept in this browser.

const KEY = 'emud.theme';

/** @param {HTMLSelectElement} select */
export function followTheme(select) {
	select.value = localStorage.getItem(KEY) ?? '';
	const apply = () => {
		document.documentElement.style.colorScheme = select.value;
		localStorage.setItem(KEY, select.value);
	};
	apply();
	select.addEventListener('change', apply);
}
