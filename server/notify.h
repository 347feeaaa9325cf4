#pragma once

/* Tells systemd how the service is (sd_notify(3)'s protocol: one datagram to $NOTIFY_SOCKET): "READY=1",
 * "STOPPING=1", "RELOADING=1". Does nothing elsewhere. */
void notify_systemd(const char *state);
