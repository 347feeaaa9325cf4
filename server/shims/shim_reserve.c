#include "server/shims/shim_reserve.h"

#include <stdlib.h>

/* After a start: whoever waits for it has its answer by then, and its guest the processor for its first
 * words. */
enum { FILL_DELAY_MS = 20 };

struct shim_reserve {
	const char *program;
	struct shim_handle handle;
	struct loop_timer *filling;
};

static void on_fill(void *data)
{
	struct shim_reserve *reserve = data;
	if (shim_is_waiting(&reserve->handle))
		return;
	shim_dismiss(&reserve->handle);
	shim_spawn(reserve->program, &reserve->handle, NULL);
}

struct shim_reserve *shim_reserve_create(struct loop *loop, const char *program, struct error *error)
{
	struct shim_reserve *reserve = calloc(1, sizeof(*reserve));
	if (!reserve) {
		error_set(error, -ENOMEM, NULL, "no memory");
		return NULL;
	}
	reserve->program = program;
	reserve->handle.order_fd = -1;
	reserve->filling = loop_timer_create(loop, on_fill, reserve, error);
	if (reserve->filling)
		return reserve;
	free(reserve);
	return NULL;
}

void shim_reserve_destroy(struct shim_reserve *reserve)
{
	if (!reserve)
		return;
	shim_dismiss(&reserve->handle);
	loop_timer_destroy(reserve->filling);
	free(reserve);
}

int shim_reserve_take(struct shim_reserve *reserve, struct shim_handle *ret_handle, struct error *error)
{
	if (!shim_is_waiting(&reserve->handle)) {
		shim_dismiss(&reserve->handle);
		return shim_spawn(reserve->program, ret_handle, error);
	}
	*ret_handle = reserve->handle;
	reserve->handle.order_fd = -1;
	return 0;
}

void shim_reserve_fill(struct shim_reserve *reserve)
{
	loop_timer_start(reserve->filling, FILL_DELAY_MS);
}
