// The firmware that the build made, and the boards it runs on.

import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';

/** Where the build lies: EMUD_BUILD, or build/ of the checkout. */
export const BUILD = path.resolve(process.env.EMUD_BUILD ?? new URL('../../build', import.meta.url).pathname);

const firmwareDir = path.join(BUILD, 'share/emud/firmware');

/** Without symlinks, as emud tells it. */
export const FIRMWARE_DIR = existsSync(firmwareDir) ? realpathSync(firmwareDir) : firmwareDir;

/** Boards with the names of their firmware; lm3s6965evb's bear no prefix. */
export const BOARDS = ['lm3s6965evb', 'netduinoplus2', 'stm32vldiscovery', 'mps2-an385', 'riscv32-virt'];

/** Lets firmware end the emulator with an exit code. */
export const SEMIHOSTING = ['-semihosting-config', 'enable=on,target=native'];

/**
 * The path of a firmware: demo, hello, echo, flood, counter, exit (code 3), and for lm3s6965evb alone exit0,
 * lockup, two_serials, ignore_input, passed, script (script.mjs).
 * @param {string} name
 * @param {string} [board]
 */
export function firmware(name, board = 'lm3s6965evb') {
	const file = path.join(FIRMWARE_DIR, `${board === 'lm3s6965evb' ? '' : `${board}-`}${name}.elf`);
	if (!existsSync(file)) throw new Error(`${file} is missing: build the targets bundled_targets and test_firmware`);
	return file;
}
