// The specification, shown by swagger-ui (its bundle is a classic script that leaves one global).

import { followChosenTheme } from './components/theme.js';

const show = /** @type {any} */ (window).SwaggerUIBundle;

// It knows dark by a class of its own alone.
followChosenTheme((isDark) => document.documentElement.classList.toggle('dark-mode', isDark));
show({
	url: '/openapi.json',
	dom_id: '#specification',
	deepLinking: true,
	validatorUrl: null,
	tryItOutEnabled: true,
	withCredentials: true,
});
