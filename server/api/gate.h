#pragma once

#include "server/http/http_server.h"

/* Who may call: Host and Origin, then token or session. data: the struct app. */
int gate_admit(struct request *request, struct error *error, void *data);

/* Whether token or session would let the request in now. Extends no session. data as above. */
int gate_admits_still(const struct request *request, struct error *error, void *data);
