// Holds openapi.yaml against the OpenAPI 3.1 schema, its references, and the rules of this project.
import { lint } from './lib/openapi_rules.mjs';

const findings = await lint();
for (const finding of findings) console.error(finding);
process.exit(findings.length ? 1 : 0);
