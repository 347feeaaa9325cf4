// The configuration the HTTP tests run with: one board in the shapes the tests need.

import { FIRMWARE_DIR } from './firmware.mjs';

const board = (settings = {}) => ({
	qemu: {
		executable: 'qemu-system-arm',
		machine: 'lm3s6965evb',
		channels: { chardevs: { serial0: { id: 'serial0' } } },
		...settings,
	},
});

const TARGETS = {
	board: board(),
	'board-pty': board({ channels: { chardevs: { serial0: { id: 'serial0', type: 'pty' } } } }),
	'board-two': board({ channels: { chardevs: { serial0: { id: 'serial0' }, serial1: { id: 'serial1' } } } }),
	'board-helper': { ...board(), 'pre-start-cmds': { helper: ['sh', '-c', 'echo helper says hello; exec sleep 600'] } },
	'no-machine': board({ machine: 'no-such-machine' }),
	'not-installed': board({ executable: 'qemu-system-nowhere' }),
};

/**
 * A configuration file's content.
 * @param {{server?: object, targets?: object, fileRoots?: string[], pwEmu?: object}} [options] pwEmu: more below pw_emu
 */
export function makeConfig({ server = {}, targets = {}, fileRoots = [], pwEmu = {} } = {}) {
	return {
		pw: { pw_emu: { gdb: ['gdb-multiarch'], ...pwEmu, targets: { ...TARGETS, ...targets } } },
		server: { file_roots: [FIRMWARE_DIR, ...fileRoots], ...server },
	};
}
