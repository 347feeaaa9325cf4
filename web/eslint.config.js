import js from '@eslint/js';
import globals from 'globals';

export default [
	js.configs.recommended,
	{
		languageOptions: { globals: globals.browser },
		rules: {
			'max-lines-per-function': ['error', 50],
			'no-var': 'error',
			'prefer-const': 'error',
			eqeqeq: 'error',
		},
	},
	// Protocol and model know no page.
	{ files: ['lib/**'], rules: { 'no-restricted-globals': ['error', 'document', 'window'] } },
	{ files: ['eslint.config.js'], languageOptions: { globals: globals.node } },
];
