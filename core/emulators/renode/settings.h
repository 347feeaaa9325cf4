#pragma once

/* The resolved settings of one target on Renode as they stand in spec.json:
 * {"executable","machine","terminals":{"<channel>":{"device-path","type"},...},
 *  "read_paths":[where the program lies]} */

/* Where neither level names one. */
#define RENODE_EXECUTABLE "renode"
