// A reporter for node --test: a line for each outermost test or suite, every failure whole.

import { basename } from 'node:path'
import { inspect } from 'node:util'

/** @param {any} data */
function failure({ name, file, line, details }) {
  const error = details.error?.cause ?? details.error
  if (details.error?.failureType === 'subtestsFailed') return ''
  const where = file ? ` (${basename(file)}${line ? `:${line}` : ''})` : ''
  return `FAILED ${name}${where}\n${inspect(error, { depth: 8 }).replace(/^/gm, '    ')}\n`
}

/** @param {AsyncIterable<{type: string, data: any}>} events */
export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type === 'test:fail' && !data.todo) yield failure(data)
    else if (type === 'test:stderr' || type === 'test:stdout') yield data.message
    if ((type === 'test:pass' || type === 'test:fail') && data.nesting === 0) {
      const seconds = ((data.details.duration_ms ?? 0) / 1000).toFixed(1)
      const outcome = type === 'test:fail' ? 'failed' : data.skip !== undefined ? 'skipped' : 'ok'
      yield `${outcome.padEnd(8)}${seconds.padStart(6)} s  ${data.name}\n`
    }
  }
}
