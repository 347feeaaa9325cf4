#pragma once

/* The resolved settings of one target on an emulator with a driver as they stand in spec.json:
 * {"driver":["python3","/opt/x/driver.py"],  the command
 *  "executable":"simavr",    the section's own, else the driver's program
 *  "machine":"atmega328p",   the section's, where it is a string
 *  "read_paths":["/opt/x"],  what driver and emulator may read besides the system's folders
 *  "section":{...}}          both sections merged: what the driver is told
 * A section's "channels" map tells beforehand what the driver will offer: {"uart":{"kind","type",...},...}.
 */
