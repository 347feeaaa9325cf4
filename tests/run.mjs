// Runs every test: ctest's (unit, fuzz corpora, rules) and node's (http, integration, web), and ends with one
// line of totals. usage: node tests/run.mjs BUILD_DIR [FILTER]; FILTER: only node test files whose path has it.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const build = resolve(process.argv[2] ?? 'build-test')
const filter = process.argv[3]
// A test that hangs fails the run, it does not hold it up.
const RUN_TIMEOUT_MS = 22 * 60 * 1000
const jobs = String(availableParallelism?.() ?? cpus().length)
const scratch = mkdtempSync(join(tmpdir(), 'emud-tests-'))

/** @returns {{passed: number, failed: number, skipped: number}} */
function runCtest() {
  const report = join(scratch, 'ctest.xml')
  const run = spawnSync('ctest', ['--test-dir', build, '-j', jobs, '--output-on-failure', '--no-tests=error',
    '--timeout', '300', '--output-junit', report], { stdio: 'inherit' })
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 }
  const suite = readFileSync(report, 'utf8').match(/<testsuite [^>]*>/)?.[0] ?? ''
  const count = (/** @type {string} */ name) => Number(suite.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0)
  const failed = count('failures')
  const skipped = count('skipped') + count('disabled')
  const bad = run.status !== 0 && failed === 0 ? 1 : failed
  return { passed: count('tests') - failed - skipped, failed: bad, skipped }
}

/** @param {string} folder @returns {string[]} */
function testFiles(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : testFiles(path)
    return /(^test_.*|\.test|_test)\.mjs$/.test(entry.name) ? [path] : []
  }).sort()
}

/** @returns {{passed: number, failed: number, skipped: number}} */
function runNode() {
  const files = ['http', 'integration', 'web', 'lib'].flatMap((folder) => testFiles(join(here, folder)))
    .filter((file) => !filter || file.includes(filter))
  if (!files.length) return { passed: 0, failed: 0, skipped: 0 }
  const totals = join(scratch, 'node.json')
  // By default node leaves one core idle, and most of what a test does is wait.
  const run = spawnSync(process.execPath, ['--test', `--test-concurrency=${jobs}`,
    `--test-reporter=${join(here, 'reporter.mjs')}`, '--test-reporter-destination=stdout',
    `--test-reporter=${join(here, 'totals.mjs')}`, `--test-reporter-destination=${totals}`,
    ...files], { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, EMUD_BUILD: build },
    timeout: RUN_TIMEOUT_MS })
  if (run.signal) console.log(`FAILED the tests of node were ended by ${run.signal}: they have ${RUN_TIMEOUT_MS / 60_000} minutes`)
  const text = existsSync(totals) ? readFileSync(totals, 'utf8') : ''
  const { pass = 0, fail = 0, cancelled = 0, skipped = 0, todo = 0 } = text ? JSON.parse(text) : {}
  const failed = fail + cancelled
  return { passed: pass, failed: run.status !== 0 && failed === 0 ? 1 : failed, skipped: skipped + todo }
}

const results = filter ? [runNode()] : [runCtest(), runNode()]
rmSync(scratch, { recursive: true, force: true })
const sum = (/** @type {'passed' | 'failed' | 'skipped'} */ key) => results.reduce((total, one) => total + one[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`)
process.exit(sum('failed') || !sum('passed') ? 1 : 0)
