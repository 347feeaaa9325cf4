import js from '@eslint/js';
import globals from 'globals';

export default [
	{ ignores: ['http/typescript_client/**', '.typescript-*/**'] },
	js.configs.recommended,
	{
		// In the browser tests some functions run in the page.
		languageOptions: { globals: { ...globals.node, document: 'readonly', getComputedStyle: 'readonly' } },
		rules: {
			'max-lines-per-function': ['error', 50],
			'no-var': 'error',
			'prefer-const': 'error',
			eqeqeq: 'error',
		},
	},
];
