// The specification, shown by swagger-ui (its bundle is a classic script that leaves one global).

const show = /** @type {any} */ (window).SwaggerUIBundle;

show({
	url: '/openapi.json',
	dom_id: '#specification',
	deepLinking: true,
	validatorUrl: null,
	tryItOutEnabled: true,
	withCredentials: true,
});
