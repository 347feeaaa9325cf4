// Targets for a configuration, and configurations as files of their own.

/**
 * A target: lm3s6965evb in QEMU with a console, unless told otherwise.
 * @param {object} [qemu] more settings of the emulator
 * @param {object} [target] more settings of the target
 */
export function makeBoard(qemu = {}, target = {}) {
	return {
		...target,
		qemu: { executable: 'qemu-system-arm', machine: 'lm3s6965evb', channels: { chardevs: { serial0: { id: 'serial0' } } }, ...qemu },
	};
}
