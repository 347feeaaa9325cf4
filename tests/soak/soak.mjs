// Starts and stops boards for hours on end, in little: SOAK_CYCLES (default 2000) lives of an instance over HTTP,
// four at a time. At the end there may be no process, descriptor, file or memory more than at the beginning.
// usage: node tests/soak/soak.mjs BUILD_DIR

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const build = resolve(process.argv[2] ?? 'build')
const cycles = Number(process.env.SOAK_CYCLES ?? 2000)
const WORKERS = 4
// Past the first checkpoint of the database, whose connection stays open from then on.
const WARM_UP_CYCLES = 300
// The allocator's and SQLite's caches breathe; a leak of a hundred bytes a cycle would still show.
const MEMORY_SLACK_KIB = Math.max(512, cycles * 0.1)
const SETTLE_MS = 15000

const firmware = join(build, 'share/emud/firmware')
const stateDir = mkdtempSync(join(tmpdir(), 'emud-soak-'))
const agent = new Agent({ keepAlive: true, maxSockets: WORKERS })

const emud = spawn(join(build, 'bin/emud'), ['--listen', '127.0.0.1:0', '--state-dir', stateDir, '--file-root', firmware,
  '--log-level', 'error', '--stop-instances-on-exit'], { stdio: ['ignore', 'pipe', 'inherit'] })
const [line] = await once(createInterface(emud.stdout), 'line')
const port = Number(/:(\d+)\/?$/.exec(line)?.[1])

/** @param {string} method @param {string} path @param {object} [body] @returns {Promise<{status: number, text: string}>} */
function call(method, path, body) {
  const content = body && JSON.stringify(body)
  const headers = content ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) } : {}
  return new Promise((done, failed) => {
    const sent = request({ host: '127.0.0.1', port, method, path, agent, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk) => { text += chunk }).on('error', failed)
        .on('end', () => done({ status: answer.statusCode ?? 0, text }))
    })
    sent.on('error', failed).end(content)
  })
}

/** @param {number} status @param {string} method @param {string} path @param {object} [body] */
async function must(status, method, path, body) {
  const answer = await call(method, path, body)
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.text
}

/** One life of an instance, in one of three ways. @param {number} number */
async function live(number) {
  const path = `/instances/soak-${number}`
  const spec = { target: 'qemu-lm3s6965evb', file: { path: join(firmware, 'hello.elf') } }
  if (number % 3 === 0) {
    const args = ['-semihosting-config', 'enable=on,target=native']
    await must(201, 'PUT', path, { ...spec, file: { path: join(firmware, 'exit.elf') }, args })
    await must(200, 'GET', `${path}/wait?for=ended&timeout=30`)
  } else {
    await must(201, 'PUT', path, spec)
    await must(200, 'POST', `${path}/${number % 3 === 1 ? 'reset' : 'restart'}`)
    const text = await must(200, 'GET', `${path}/channels/serial0/output?limit=1`)
    if (number % 3 === 1 && text && text !== 'H') throw new Error(`${path} printed ${text}`)
    await must(200, 'POST', `${path}/stop`)
  }
  await must(204, 'DELETE', path)
}

/** @param {number} first @param {number} count */
async function run(first, count) {
  let next = first
  const worker = async () => {
    while (next < first + count) await live(next++)
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
}

/** Every process whose ancestor is emud, or that bears one of its state directories in its command line. */
function processes() {
  const parents = new Map()
  const ours = new Set([emud.pid])
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
    try {
      parents.set(pid, Number(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) . /s, '').split(' ')[0]))
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(stateDir)) ours.add(pid)
    } catch { /* it has just ended */ }
  }
  for (let grown = true; grown;) {
    grown = false
    for (const [pid, parent] of parents)
      if (ours.has(parent) && !ours.has(pid)) grown = Boolean(ours.add(pid))
  }
  return ours.size
}

/** @param {string} folder @returns {number} */
const files = (folder) => readdirSync(folder, { withFileTypes: true })
  .reduce((sum, entry) => sum + 1 + (entry.isDirectory() ? files(join(folder, entry.name)) : 0), 0)

function measure() {
  const memory = readFileSync(`/proc/${emud.pid}/smaps_rollup`, 'utf8')
  const kib = [...memory.matchAll(/^Private_\w+:\s+(\d+)/gm)].reduce((sum, [, value]) => sum + Number(value), 0)
  return { processes: processes(), descriptors: readdirSync(`/proc/${emud.pid}/fd`).length, files: files(stateDir), kib }
}

/** @param {ReturnType<typeof measure>} before @param {ReturnType<typeof measure>} after */
const grew = (before, after) => after.processes > before.processes || after.descriptors > before.descriptors ||
  after.files > before.files || after.kib > before.kib + MEMORY_SLACK_KIB

let failed = true
try {
  await run(1, WARM_UP_CYCLES)
  /* emud, and the shim that stands ready a moment after the last start. */
  for (const end = Date.now() + SETTLE_MS; processes() !== 2 && Date.now() < end;)
    await new Promise((wake) => setTimeout(wake, 20))
  const before = measure()
  const started = Date.now()
  await run(1 + WARM_UP_CYCLES, cycles)
  const seconds = (Date.now() - started) / 1000
  let after = measure()
  for (const end = Date.now() + SETTLE_MS; grew(before, after) && Date.now() < end; after = measure())
    await new Promise((wake) => setTimeout(wake, 200))
  failed = grew(before, after)
  console.log('before', before)
  console.log('after ', after)
  console.log(`${cycles} cycles in ${seconds.toFixed(0)} s: ${failed ? 'something is left' : 'nothing is left'}`)
} catch (error) {
  console.error(error)
} finally {
  agent.destroy()
  emud.kill('SIGTERM')
  await once(emud, 'exit')
  rmSync(stateDir, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)
