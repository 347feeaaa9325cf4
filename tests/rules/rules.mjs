// Holds the sources against the layout of ARCHITECTURE.md: who may include whom, which library shows where, how
// long a function and a file may get. usage: node tests/rules/rules.mjs; prints every breach, exits with 1 on any.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const FUNCTION_LINES = 50
const FILE_LINES = 600

// A folder's files may include its own headers and those of the folders named here.
/** @type {Record<string, string[]>} */
const mayInclude = {
  'core/base': [],
  'core/loop': ['core/base'],
  'core/patterns': ['core/base'],
  'core/cases': ['core/base'],
  'core/config': ['core/base'],
  'core/process': ['core/base', 'core/loop'],
  'core/channels': ['core/base', 'core/loop'],
  'core/handles': ['core/base'],
  'core/emulators': ['core/base', 'core/loop', 'core/config', 'core/process'],
  'core/shim': ['core/base', 'core/loop', 'core/config', 'core/process', 'core/channels', 'core/handles',
    'core/emulators'],
  'server/http': ['core/base', 'core/loop'],
  'server/store': ['core/base', 'core/loop'],
  'server/shims': ['core/base', 'core/loop', 'core/config', 'core/process', 'core/handles', 'core/shim',
    'server/store'],
  'server/watch': ['core/base', 'core/loop', 'core/patterns', 'core/process', 'core/channels', 'server/shims'],
  'server/events': ['core/base', 'core/loop', 'server/store'],
  'server/runs': ['core/base', 'core/loop', 'core/patterns', 'core/cases', 'core/channels', 'core/config', 'server/store',
    'server/shims', 'server/watch', 'server/events'],
  'server/api': ['core/base', 'core/loop', 'core/patterns', 'core/config', 'core/process', 'core/channels', 'core/handles',
    'core/emulators', 'core/shim', 'server/http', 'server/store', 'server/shims', 'server/watch', 'server/events',
    'server/runs'],
  server: ['core/base', 'core/loop', 'core/config', 'core/process', 'core/channels', 'core/emulators', 'server/http',
    'server/store', 'server/shims', 'server/watch', 'server/events', 'server/runs', 'server/api'],
}

// Every folder below core/emulators is an emulator of its own, which knows no other.
const emulators = readdirSync(join(root, 'core/emulators'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory()).map((entry) => entry.name)
for (const name of emulators)
  mayInclude[`core/emulators/${name}`] = ['core/base', 'core/loop', 'core/config', 'core/process', 'core/channels',
    'core/emulators']

// Nothing else knows an emulator by name; comments may, and these: the table, and the board of `emud --demo`.
const names = emulators.filter((name) => name !== 'external') // which stands for those that have a driver
const mayNameEmulators = ['core/emulators/registry.c', 'server/demo.c']

// A library's headers show in these folders alone.
const librariesIn = {
  'expat.h': ['core/emulators/renode'],
  'http_parser.h': ['core/channels', 'core/emulators/renode'],
  'uv.h': ['core/loop'],
  'yaml.h': ['core/config'],
  'microhttpd.h': ['server/http'],
  'wslay/': ['server/http'],
  'sqlite3.h': ['server/store'],
  'pcre2.h': ['core/patterns'],
  'mxml.h': ['server/runs'],
  'seccomp.h': ['core/process'],
  'linux/landlock.h': ['core/process'],
  'libelf.h': ['server/api'],
  'gelf.h': ['server/api'],
}

// Codecs turn bytes into messages and back: they know neither loop nor socket.
const isCodec = (/** @type {string} */ path) => /(codec|protocol_text|qmp_parser|qmp_reader|xmlrpc|robot)\.[ch]$/.test(path)

/** @type {string[]} */
const breaches = []

/** @param {string} folder @param {RegExp} pattern @returns {string[]} paths below root */
function filesBelow(folder, pattern) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(path, pattern)
    return pattern.test(entry.name) ? [path] : []
  })
}

/** @param {string} path */
const folderOf = (path) => path.slice(0, path.lastIndexOf('/'))

/** The folder of the table that holds path: its own, or the nearest above. @param {string} path */
function ruleFor(path) {
  for (let folder = folderOf(path); folder; folder = folder.includes('/') ? folderOf(folder) : '')
    if (folder in mayInclude) return folder
  return undefined
}

/** @param {string} path @param {string[]} lines */
function checkIncludes(path, lines) {
  const own = ruleFor(path)
  if (!own) {
    breaches.push(`${path}: no rule says what ${folderOf(path)} may include (tests/rules/rules.mjs)`)
    return
  }
  const allowed = [own, ...mayInclude[own]]
  lines.forEach((line, index) => {
    const [, quote, header] = /^#\s*include\s*([<"])([^>"]+)/.exec(line) ?? []
    if (!header) return
    const where = `${path}:${index + 1}`
    if (quote === '"' && !allowed.includes(ruleFor(header) ?? '')) breaches.push(`${where}: ${own} may not include ${header}`)
    if (isCodec(path) && header.startsWith('core/loop/')) breaches.push(`${where}: a codec may not know the loop`)
    for (const [library, folders] of Object.entries(librariesIn))
      if (quote === '<' && header.startsWith(library) && !folders.includes(own))
        breaches.push(`${where}: <${library}> belongs in ${folders.join(', ')} alone`)
  })
}

/** @param {string} path @param {string} text */
function checkNames(path, text) {
  if (mayNameEmulators.includes(path)) return
  const code = text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
  code.split('\n').forEach((line, index) => {
    const name = names.find((emulator) => line.toLowerCase().includes(emulator))
    if (name) breaches.push(`${path}:${index + 1}: only core/emulators/${name} may know ${name}`)
  })
}

/** Functions as clang-format leaves them: their braces alone in the first column. @param {string} path @param {string[]} lines */
function checkFunctions(path, lines) {
  let start = -1
  lines.forEach((line, index) => {
    if (line === '{') start = index
    if (line === '}' && start >= 0) {
      const length = index - start - 1
      if (length > FUNCTION_LINES) breaches.push(`${path}:${start}: a function of ${length} lines (at most ${FUNCTION_LINES})`)
      start = -1
    }
  })
}

const sources = ['core', 'server', 'web', 'tests'].flatMap((folder) => filesBelow(folder, /\.(c|h|js|mjs)$/))
for (const path of sources) {
  const lines = readFileSync(join(root, path), 'utf8').split('\n')
  if (lines.length - 1 > FILE_LINES) breaches.push(`${path}: ${lines.length - 1} lines (at most ${FILE_LINES})`)
  if (/\.[ch]$/.test(path)) checkFunctions(path, lines)
  if (/^(core|server)\/(?!targets\/)/.test(path) && /\.[ch]$/.test(path)) checkIncludes(path, lines)
  if (/^(core|server|web)\/(?!targets\/|emulators\/\w+\/)/.test(path)) checkNames(path, lines.join('\n'))
}
for (const breach of breaches) console.log(breach)
console.log(`${sources.length} files, ${breaches.length} breaches`)
process.exit(breaches.length ? 1 : 0)
