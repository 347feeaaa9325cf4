/* Tries what semihosting might reach of the host, tells by semihosting what came of each, and ends with 5. */

#include "board.h"
#include "semihosting.h"

static const char *const read_paths[] = {
    "/etc/passwd",
    "../../../../../../../../../../etc/passwd",
    "/proc/self/environ",
    "/proc/self/root/etc/passwd",
    "/proc/self/cwd/../spec.json",
    "/dev/zero",
    "/usr/lib/os-release",
    "spec.json",
    "../spec.json",
    "link/passwd",
    "up/spec.json",
};

static const char *const written_paths[] = {
    "kept.txt", "/rooted.txt", "../above.txt", "/tmp/emud-semihosting.txt", "/var/tmp/emud-semihosting.txt",
    "link/x",
};

static void tell(const char *what, const char *path, const char *came)
{
	semihosting_print(what);
	semihosting_print(" ");
	semihosting_print(path);
	semihosting_print(": ");
	semihosting_print(came);
	semihosting_print("\n");
}

static void try_read(const char *path)
{
	int32_t handle = semihosting_open(path, MODE_READ);
	tell("read", path, handle < 0 ? "refused" : "opened");
}

static void try_write(const char *path)
{
	static const char text[] = "by the guest\n";
	int32_t handle = semihosting_open(path, MODE_WRITE);
	const uintptr_t block[] = {(uintptr_t) handle, (uintptr_t) text, sizeof(text) - 1};
	tell("write", path, handle < 0 || semihosting_call(SYS_WRITE, block) ? "refused" : "written");
	if (handle >= 0)
		semihosting_call(SYS_CLOSE, block);
}

/* What it has written is there to be read. */
static void read_back(const char *path)
{
	static char text[32];
	int32_t handle = semihosting_open(path, MODE_READ);
	const uintptr_t block[] = {(uintptr_t) handle, (uintptr_t) text, sizeof(text) - 1};
	if (handle >= 0)
		semihosting_call(SYS_READ, block);
	tell("back", path, text);
}

void firmware_main(void)
{
	uart_init(0);
	console_print("On the UART\n");
	for (unsigned i = 0; i < sizeof(read_paths) / sizeof(read_paths[0]); i++)
		try_read(read_paths[i]);
	for (unsigned i = 0; i < sizeof(written_paths) / sizeof(written_paths[0]); i++)
		try_write(written_paths[i]);
	read_back("kept.txt");
	int32_t terminal = semihosting_open(":tt", MODE_WRITE);
	static const char last[] = "By :tt\n";
	const uintptr_t block[] = {(uintptr_t) terminal, (uintptr_t) last, sizeof(last) - 1};
	semihosting_call(SYS_WRITE, block);
	cpu_exit(5);
}
