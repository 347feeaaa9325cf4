// The mock emulator with its driver (tests/drivers/mock), and targets of it.

import path from 'node:path';

import { BUILD } from './firmware.mjs';

export const MOCK_DRIVER = path.join(BUILD, 'tests/drivers/mock-driver');

/** What pwEmu of an emud must hold for mockTarget. @param {Record<string, object>} [at] how the driver misbehaves */
export const mockEmulator = (at) => ({ emulators: { mock: { driver: at ? [MOCK_DRIVER, JSON.stringify(at)] : [MOCK_DRIVER] } } });

/**
 * @param {object} [section] over what follows
 * @param {object} [more] of the target
 */
export const mockTarget = (section = {}, more = {}) => ({ mock: { channels: { uart: { via: 'stdio' } }, ...section }, ...more });
