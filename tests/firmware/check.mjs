// Runs the firmware on plain QEMU: what the other tests take for granted. usage: node check.mjs FIRMWARE_DIR

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import assert from 'node:assert/strict'

const folder = process.argv[2]
const DEADLINE_MS = 30000
const boards = ['lm3s6965evb', 'netduinoplus2', 'stm32vldiscovery', 'mps2-an385', 'riscv32-virt']
const semihosting = ['-semihosting-config', 'enable=on,target=native']

/** @param {string} board @param {string} name @param {string[]} [args] */
function boot(board, name, args = []) {
  const riscv = board.startsWith('riscv32')
  const file = board === 'lm3s6965evb' ? `${name}.elf` : `${board}-${name}.elf`
  const child = spawn(riscv ? 'qemu-system-riscv32' : 'qemu-system-arm', [
    '-nodefaults', '-display', 'none', '-machine', riscv ? 'virt' : board, ...(riscv ? ['-bios', 'none'] : []),
    '-kernel', join(folder, file), '-chardev', 'stdio,id=serial0,signal=off', '-serial', 'chardev:serial0', ...args,
  ], { stdio: ['pipe', 'pipe', 'ignore'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
  const exited = once(child, 'exit').finally(() => clearTimeout(timer))
  return { child, exited }
}

/** Boots, sends input once `ready` was printed, and waits until the output satisfies `done`.
 * @param {string} board @param {string} name @param {{ready?: string, input?: Buffer | string, done: (output: Buffer) => boolean}} what */
async function expect(board, name, { ready, input, done }) {
  const { child, exited } = boot(board, name)
  let output = Buffer.alloc(0)
  let sent = false
  const send = () => {
    sent = true
    if (input) child.stdin.write(input)
  }
  // Some UARTs drop what comes before they are set up.
  const probe = name === 'echo' && setInterval(() => child.stdin.write('?'), 50)
  if (!ready) send()
  for await (const chunk of child.stdout) {
    if (probe) clearInterval(probe)
    output = Buffer.concat([output, chunk])
    if (!sent && ready && output.includes(ready)) send()
    if (sent && done(output)) break
  }
  child.kill('SIGKILL')
  await exited
  assert.ok(sent && done(output), `${name} on ${board} printed:\n${output.toString('latin1').slice(-500)}`)
}

const everyByte = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7) & 0xff))

for (const board of boards) {
  await expect(board, 'demo', { ready: '> ', input: 'echo one two\rbogus\r',
    done: (output) => output.includes('\r\none two\r\n> ') && output.includes('no such command: bogus') })
  await expect(board, 'demo', { ready: '> ', input: 'reset\r',
    done: (output) => output.toString().split(`emud demo firmware on ${board}`).length === 3 })
  await expect(board, 'hello', { done: (output) => output.equals(Buffer.from('Hello\r\n')) })
  await expect(board, 'echo', { ready: '?', input: everyByte, done: (output) => output.subarray(-everyByte.length).equals(everyByte) })
  await expect(board, 'flood', { done: (output) => output.includes('\r\n9999\r\n') })
  await expect(board, 'counter', { done: (output) => output.toString().startsWith('0\r\n1\r\n2\r\n') })
  assert.deepEqual(await boot(board, 'exit', semihosting).exited, [3, null], `exit on ${board}`)
}
assert.deepEqual(await boot('lm3s6965evb', 'exit0', semihosting).exited, [0, null])
assert.deepEqual(await boot('lm3s6965evb', 'lockup').exited, [null, 'SIGABRT'])
await expect('lm3s6965evb', 'passed', { done: (output) => output.includes('PASSED\r\n') })
await expect('lm3s6965evb', 'ignore_input', { done: (output) => output.includes('not listening\r\n') })
await expect('lm3s6965evb', 'two_serials', { input: 'abc', done: (output) => output.equals(Buffer.from('zero\r\nabc')) })
