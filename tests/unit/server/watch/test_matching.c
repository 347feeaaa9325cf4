#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/watch/matching.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>

enum { JOBS_MOST = 8 };

struct stage;

struct job {
	struct matching matching;
	struct stage *stage;
	char name;
};

struct stage {
	struct loop *loop;
	struct matcher *matcher;
	sem_t has_begun; /* each job's work posts one */
	sem_t may_go;    /* and takes one */
	pthread_mutex_t lock;
	char begun[JOBS_MOST + 1], done[JOBS_MOST + 1];
	int running, most, wanted;
	struct job *jobs; /* all that there are */
	int job_count, begun_count;
};

static void append(char *names, char name)
{
	size_t length = 0;
	while (names[length])
		length++;
	names[length] = name;
}

static void work(void *data)
{
	struct job *job = data;
	struct stage *stage = job->stage;
	pthread_mutex_lock(&stage->lock);
	append(stage->begun, job->name);
	if (++stage->running > stage->most)
		stage->most = stage->running;
	pthread_mutex_unlock(&stage->lock);
	sem_post(&stage->has_begun);
	sem_wait(&stage->may_go);
	pthread_mutex_lock(&stage->lock);
	stage->running--;
	pthread_mutex_unlock(&stage->lock);
}

/* Each that was given to a thread is at work there, however late that thread is. */
static void await_begun(struct stage *stage)
{
	int started = 0;
	for (int i = 0; i < stage->job_count; i++)
		started += !stage->jobs[i].matching.is_queued;
	for (; stage->begun_count < started; stage->begun_count++)
		sem_wait(&stage->has_begun);
}

static void on_done(void *data)
{
	struct job *job = data;
	struct stage *stage = job->stage;
	append(stage->done, job->name);
	stage->wanted--;
	await_begun(stage);
	sem_post(&stage->may_go);
	if (stage->wanted == 0)
		loop_stop(stage->loop);
}

static void set_up(struct stage *stage)
{
	*stage = (struct stage){.lock = PTHREAD_MUTEX_INITIALIZER};
	assert_int_equal(sem_init(&stage->has_begun, 0, 0), 0);
	assert_int_equal(sem_init(&stage->may_go, 0, 0), 0);
	stage->loop = loop_create(NULL);
	stage->matcher = matcher_create(stage->loop, NULL);
	assert_non_null(stage->matcher);
}

static void tear_down(struct stage *stage)
{
	matcher_destroy(stage->matcher);
	loop_destroy(stage->loop);
	sem_destroy(&stage->has_begun);
	sem_destroy(&stage->may_go);
}

static void begin(struct stage *stage, struct job *job, char name, int64_t taken_us)
{
	*job = (struct job){.stage = stage, .name = name, .matching = {.taken_us = taken_us}};
	stage->wanted++;
	matching_begin(&job->matching, stage->matcher, work, on_done, job);
}

static void two_at_a_time_those_first_that_took_little(void **state)
{
	(void) state;
	struct stage stage;
	struct job jobs[6];
	set_up(&stage);
	for (int i = 0; i < 3; i++)
		begin(&stage, &jobs[i], (char) ('A' + i), 1000 * 1000);
	for (int i = 3; i < 6; i++)
		begin(&stage, &jobs[i], (char) ('a' + i), 0);
	stage.jobs = jobs;
	stage.job_count = 6;
	await_begun(&stage);
	assert_string_equal(stage.done, "");
	sem_post(&stage.may_go);
	loop_run(stage.loop);
	assert_int_equal(stage.most, 2);
	assert_int_equal(strlen(stage.done), 6);
	/* A and d had begun when e and f came; C waits for the end of B, which waits for theirs. */
	assert_int_equal(strspn(stage.begun, "Ad"), 2);
	assert_int_equal(stage.begun[5], 'C');
	tear_down(&stage);
}

static void what_has_not_begun_is_cancelled(void **state)
{
	(void) state;
	struct stage stage;
	struct job jobs[3];
	set_up(&stage);
	for (int i = 0; i < 3; i++)
		begin(&stage, &jobs[i], (char) ('A' + i), 0);
	assert_false(matching_cancel(&jobs[0].matching));
	assert_true(matching_cancel(&jobs[2].matching));
	assert_false(matching_cancel(&jobs[2].matching));
	stage.wanted--;
	sem_post(&stage.may_go);
	loop_run(stage.loop);
	assert_null(strchr(stage.begun, 'C'));
	tear_down(&stage);
}

static void what_is_under_way_outlives_the_matcher(void **state)
{
	(void) state;
	struct stage stage;
	struct job job;
	set_up(&stage);
	begin(&stage, &job, 'A', 0);
	matcher_destroy(stage.matcher);
	stage.matcher = NULL;
	sem_post(&stage.may_go);
	loop_run(stage.loop);
	assert_string_equal(stage.done, "A");
	tear_down(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(two_at_a_time_those_first_that_took_little),
	    cmocka_unit_test(what_has_not_begun_is_cancelled),
	    cmocka_unit_test(what_is_under_way_outlives_the_matcher),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
