#pragma once

/* A server with a sample of every kind of route, started afresh for every test. */

#include "harness.h"

#define HOST "Host: localhost\r\n"

/* Its handlers notify: 'w' a request waits, 'g' the client of a waiting request is gone, 'c' a stream is
 * closed, 'a' an upload is aborted. */
extern struct harness sample;

int sample_set_up(void **state);
int sample_tear_down(void **state);

#define TEST(function) cmocka_unit_test_setup_teardown(function, sample_set_up, sample_tear_down)

/* Sends the request and holds the answer against the form of a problem. */
void expect_problem(const char *request, unsigned status, const char *code);
