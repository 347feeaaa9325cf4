// Writes a YAML file as JSON: node to_json.mjs openapi.yaml openapi.json. The YAML parser is the one in web/node_modules.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { parse } = createRequire(new URL('../web/package.json', import.meta.url))('yaml');
const [source, destination] = process.argv.slice(2);
if (!destination) {
	console.error('usage: to_json.mjs SOURCE DESTINATION');
	process.exit(2);
}
writeFileSync(destination, JSON.stringify(parse(readFileSync(source, 'utf8'))));
