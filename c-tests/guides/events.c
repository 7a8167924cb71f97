/* The programs of docs/events.md. */
#include <poll.h>

#include "stage.h"

/* The program waits for ever. Here it ends when nothing more happens. */
static int waits;

static scm_result wait_a_moment(scm_monitor *monitor, uint32_t timeout_ms, scm_event *event)
{
    assert_int_equal(timeout_ms, SCM_INFINITE);
    waits++;
    return scm_monitor_wait(monitor, event->kind == SCM_EVENT_CURRENT ? 0 : 5000, event);
}

#define main print_events
#define scm_monitor_wait wait_a_moment
#include "guides/events/events.c"
#undef scm_monitor_wait
#undef main

#include "guides/events/order.c"

static int handled;

/* The loop ends after a service, a reader, a card, no daemon, the end of the present state, and the removal. */
static int poll_until_removal(struct pollfd *all, nfds_t count, int timeout)
{
    assert_int_equal(timeout, -1);
    return handled < 6 ? poll(all, count, 5000) : -1;
}

static void handle(const scm_event *event)
{
    handled++;
    if (event->kind == SCM_EVENT_CURRENT)
        assert_result(scm_virtual_ifd_remove(reader), SCM_S_OK);
}

static void the_program(void **state)
{
    (void)state;
    assert_int_equal(print_events(), 0);
    assert_true(waits >= 5); /* a service, a reader, a card, no daemon, the end of the present state */
}

static void the_present_state(void **state)
{
    scm_monitor *monitor;
    (void)state;
    assert_result(scm_monitor_create(&monitor), SCM_S_OK);
    assert_true(print_what_there_is(monitor));
    assert_result(scm_monitor_destroy(monitor), SCM_S_OK);
    assert_false(print_what_there_is(monitor));
}

static void an_event_loop(void **state)
{
    scm_monitor *monitor;
    (void)state;
    assert_result(scm_monitor_create(&monitor), SCM_S_OK);
#define poll poll_until_removal
#include "guides/events/waiting.c"
#undef poll
    assert_int_equal(handled, 6);
    assert_result(scm_monitor_destroy(monitor), SCM_S_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_STAGE(the_program), ON_STAGE(the_present_state), ON_STAGE(an_event_loop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
