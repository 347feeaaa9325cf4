#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/api/host_rules.h"

static const char *const hosts[] = {"farm.example", "lab.example:8443", NULL};
static const char *const origins[] = {"https://ci.example", "null", NULL};

static void addresses_and_localhost_are_allowed(void **state)
{
	(void) state;
	const char *const allowed[] = {"127.0.0.1", "127.0.0.1:3683", "192.168.0.7:80",
				       "[::1]",     "[::1]:3683",     "[fe80::1:2]:1",
				       "localhost", "localhost:3683", "LocalHost:1"};
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (!host_is_allowed(allowed[i], NULL))
			fail_msg("%s", allowed[i]);
}

static void names_are_not(void **state)
{
	(void) state;
	const char *const refused[] = {"",
				       "evil.example",
				       "evil.example:3683",
				       "127.0.0.1.evil.example",
				       "localhost.evil.example",
				       "127.1",
				       "0x7f.0.0.1",
				       "2130706433",
				       "::1",
				       "[::1",
				       "[::1]x",
				       "[::1]:",
				       "[127.0.0.1]",
				       "[localhost]",
				       "[]",
				       ":3683",
				       "localhost:",
				       "localhost:0",
				       "localhost:65536",
				       "localhost:1:2",
				       "localhost:-1",
				       "localhost: 1",
				       "localhost ",
				       "user@localhost",
				       "localhost/x",
				       "[fe80::1%eth0]"};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (host_is_allowed(refused[i], hosts))
			fail_msg("%s", refused[i]);
	assert_false(host_is_allowed(NULL, hosts));
}

static void a_very_long_name_is_refused(void **state)
{
	(void) state;
	char name[2000];
	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = 'a';
	name[sizeof(name) - 1] = '\0';
	const char *const listed[] = {name, NULL};
	assert_false(host_is_allowed(name, listed));
}

static void listed_hosts_go_for_their_port_or_for_all(void **state)
{
	(void) state;
	assert_true(host_is_allowed("farm.example", hosts));
	assert_true(host_is_allowed("FARM.example:3683", hosts));
	assert_false(host_is_allowed("a.farm.example", hosts));
	assert_true(host_is_allowed("lab.example:8443", hosts));
	assert_false(host_is_allowed("lab.example:8444", hosts));
	assert_false(host_is_allowed("lab.example", hosts));
	assert_false(host_is_allowed("farm.example", NULL));
}

static void the_port_of_a_host_is_the_one_it_names(void **state)
{
	(void) state;
	assert_int_equal(host_port("localhost:3683"), 3683);
	assert_int_equal(host_port("[::1]:80"), 80);
	const char *const without[] = {NULL,   "",           "localhost",   "[::1]",
				       "[::1", "localhost:", "localhost:0", "localhost:x"};
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		assert_int_equal(host_port(without[i]), -1);
}

static void no_origin_and_our_own_are_allowed(void **state)
{
	(void) state;
	assert_true(origin_is_allowed(NULL, "localhost:3683", NULL));
	assert_true(origin_is_allowed("http://localhost:3683", "localhost:3683", NULL));
	assert_true(origin_is_allowed("https://farm.example:3683", "farm.example:3683", NULL));
	assert_true(origin_is_allowed("http://[::1]:3683", "[::1]:3683", NULL));
	assert_true(origin_is_allowed("http://localhost", "localhost", NULL));
	assert_true(origin_is_allowed("http://localhost", "localhost:80", NULL));
	assert_true(origin_is_allowed("https://farm.example", "farm.example:443", NULL));
	assert_true(origin_is_allowed("https://farm.example", "Farm.Example", NULL));
}

static void other_origins_are_refused(void **state)
{
	(void) state;
	const char *const refused[] = {"",
				       "null",
				       "NULL",
				       "http://evil.example",
				       "http://localhost:3684",
				       "http://localhost",
				       "https://localhost",
				       "http://localhost:3683.evil.example",
				       "http://localhost:3683/",
				       "http://localhost:3683@evil.example",
				       "http://127.0.0.1:3683",
				       "ftp://localhost:3683",
				       "chrome-extension://localhost:3683",
				       "localhost:3683",
				       "http://",
				       "https://ci.example.evil",
				       "https://ci.example/"};
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (origin_is_allowed(refused[i], "localhost:3683", origins))
			fail_msg("%s", refused[i]);
	assert_false(origin_is_allowed("http://localhost:3683", NULL, NULL));
}

static void listed_origins_are_allowed(void **state)
{
	(void) state;
	assert_true(origin_is_allowed("https://ci.example", "localhost:3683", origins));
	assert_true(origin_is_allowed("HTTPS://CI.example", "localhost:3683", origins));
	assert_false(origin_is_allowed("http://ci.example", "localhost:3683", origins));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_and_localhost_are_allowed),
	    cmocka_unit_test(names_are_not),
	    cmocka_unit_test(a_very_long_name_is_refused),
	    cmocka_unit_test(listed_hosts_go_for_their_port_or_for_all),
	    cmocka_unit_test(the_port_of_a_host_is_the_one_it_names),
	    cmocka_unit_test(no_origin_and_our_own_are_allowed),
	    cmocka_unit_test(other_origins_are_refused),
	    cmocka_unit_test(listed_origins_are_allowed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
