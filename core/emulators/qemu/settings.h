#pragma once

/* The resolved settings of one target on QEMU as they stand in spec.json, and their rules:
 * {"executable","machine","args":[...],
 *  "channels":{"gdb":{"type"},"qmp":{"type"},"monitor":{"type"}},
 *  "chardevs":{"<channel>":{"id","type"},...}}
 * A launcher adds "semihosting", the value of that option of QEMU's, where it has decided for it, and to the
 * chardev of its console "stdio": true. */

/* The N of a chardev id "serialN", or -1 where the id is another. */
int qemu_serial_index(const char *chardev_id);

/* Serial ports beyond this are refused: each unused one below costs an argument. */
enum { QEMU_SERIAL_MAX = 31 };
