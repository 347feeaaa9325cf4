#pragma once

/* The descriptors emud hands to a shim. */
enum { SHIM_CONTROL_FD = 3, SHIM_STATE_FD = 4, SHIM_FIRMWARE_FD = 5 };
