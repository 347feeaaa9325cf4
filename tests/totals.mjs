// A reporter for node --test: node's own totals ("pass 12", "fail 0", ...) as one JSON object.

/** @param {AsyncIterable<{type: string, data: any}>} events */
export default async function* totals(events) {
  /** @type {Record<string, number>} */
  const counts = {}
  for await (const { type, data } of events) {
    const match = type === 'test:diagnostic' && data.nesting === 0 && /^([a-z]+) (\d+)$/.exec(data.message)
    if (match) counts[match[1]] = (counts[match[1]] ?? 0) + Number(match[2])
  }
  yield JSON.stringify(counts)
}
