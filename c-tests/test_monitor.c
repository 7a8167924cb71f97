/* Monitors: the present state and each change, as numbered events. */
#include "support/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CARD 0
#define OTHER 1
#define GONE 3

/* Longer than anything takes here. */
#define LONG_MS 20000

/* The number of readers, and how many leave with one: a vpcd reader has two slots, which are readers for pcscd. */
static int readers, slots;

static void count_readers(void)
{
    static char names[4096];
    size_t length;
    assert_result(scm_list_ifds(names, sizeof names, &length), SCM_S_OK);
    for (const char *name = names; *name != '\0'; name += strlen(name) + 1)
        readers++;
    slots = bed_is_virtual() ? 1 : 2;
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static uint32_t service(void) { return bed_is_virtual() ? SCM_SERVICE_VIRTUAL : SCM_SERVICE_PLATFORM; }

/* A monitor, and its events so far. */
struct watch {
    scm_monitor *monitor;
    uint64_t number;
    /* True if the service runs, and if the present state is complete. */
    int up, current;
    /* By the name of the reader. */
    struct seen {
        char name[SCM_IFD_NAME_MAX + 1];
        int here, card;
    } seen[16];
};

static struct seen *seen(struct watch *watch, const char *name)
{
    struct seen *place = watch->seen;
    while (place->name[0] != '\0' && strcmp(place->name, name) != 0)
        place++;
    assert_true(place < watch->seen + 16);
    strcpy(place->name, name);
    return place;
}

/* Checks that the event fits those before it. */
static void follow(struct watch *watch, const scm_event *event)
{
    assert_int_equal(event->struct_size, sizeof *event);
    assert_int_equal(event->service, service());
    bool of_service = event->kind == SCM_EVENT_SERVICE_UP || event->kind == SCM_EVENT_SERVICE_DOWN;
    assert_int_equal(event->ifd_name[0] == '\0', of_service);
    struct seen *ifd = of_service ? NULL : seen(watch, event->ifd_name);
    switch (event->kind) {
    case SCM_EVENT_SERVICE_UP:
        assert_int_equal(watch->up, 0);
        watch->up = 1;
        watch->current = 0;
        break;
    case SCM_EVENT_SERVICE_DOWN:
        watch->up = 0;
        for (int i = 0; i < 16; i++)
            assert_false(watch->seen[i].here || watch->seen[i].card);
        break;
    case SCM_EVENT_IFD_ARRIVED:
        assert_true(watch->up && !ifd->here);
        ifd->here = 1;
        break;
    case SCM_EVENT_IFD_LEFT:
        assert_true(watch->up && ifd->here && !ifd->card);
        ifd->here = 0;
        break;
    case SCM_EVENT_CARD_INSERTED:
        assert_true(ifd->here && !ifd->card);
        ifd->card = 1;
        break;
    case SCM_EVENT_CARD_REMOVED:
        assert_true(ifd->here && ifd->card);
        ifd->card = 0;
        break;
    default:
        assert_int_equal(event->kind, SCM_EVENT_CARD_RESET);
        assert_true(ifd->here && ifd->card);
    }
}

/* The next event of any kind. At the start the other resource manager has events too: on virtual readers the platform's
 * service is down. */
static scm_event fetch(struct watch *watch)
{
    scm_event event = SCM_EVENT_INIT;
    assert_result(scm_monitor_wait(watch->monitor, LONG_MS, &event), SCM_S_OK);
    assert_int_equal(event.number, ++watch->number);
    if (event.kind == SCM_EVENT_CURRENT) {
        assert_true(event.service == 0 && event.ifd_name[0] == '\0' && event.atr_length == 0);
        assert_int_equal(watch->current, 0);
        watch->current = 1;
    } else if (bed_is_virtual() && event.service == SCM_SERVICE_PLATFORM) {
        assert_int_equal(event.kind, SCM_EVENT_SERVICE_DOWN);
        assert_int_equal(watch->current, 0);
    } else {
        follow(watch, &event);
    }
    return event;
}

/* The next event of the service. */
static scm_event next(struct watch *watch)
{
    scm_event event;
    do
        event = fetch(watch);
    while (event.kind == SCM_EVENT_CURRENT || event.service != service());
    return event;
}

static void assert_next(struct watch *watch, uint32_t kind, int reader)
{
    scm_event event = next(watch);
    if (event.kind != kind)
        print_error("event %u, not %u\n", event.kind, kind);
    assert_int_equal(event.kind, kind);
    assert_string_equal(event.ifd_name, reader < 0 ? "" : bed_ifd(reader));
}

/* Waits for the complete present state. */
static void follow_until_current(struct watch *watch)
{
    while (!watch->current)
        fetch(watch);
}

/* Waits for so many readers with cards. */
static void follow_until(struct watch *watch, int ifds, int cards)
{
    for (;;) {
        int here = 0, in = 0;
        for (int i = 0; i < 16; i++)
            here += watch->seen[i].here, in += watch->seen[i].card;
        if (watch->up && watch->current && here == ifds && in == cards)
            return;
        fetch(watch);
    }
}

static struct watch begin(void)
{
    struct watch watch = {0};
    assert_result(scm_monitor_create(&watch.monitor), SCM_S_OK);
    assert_non_null(watch.monitor);
    return watch;
}

static void assert_nothing_more(struct watch *watch)
{
    scm_event event = SCM_EVENT_INIT;
    assert_result(scm_monitor_wait(watch->monitor, 0, &event), SCM_SCARD_E_TIMEOUT);
    assert_int_equal(event.kind, 0);
    assert_int_equal(event.struct_size, sizeof event);
}

static void end(struct watch *watch)
{
    assert_nothing_more(watch);
    assert_result(scm_monitor_destroy(watch->monitor), SCM_S_OK);
    assert_result(scm_monitor_destroy(watch->monitor), SCM_E_HANDLE);
}

static void the_present_state_comes_first(void **state)
{
    (void)state;
    struct watch watch = begin();
    assert_next(&watch, SCM_EVENT_SERVICE_UP, -1);
    scm_event event = SCM_EVENT_INIT;
    int arrived = 0;
    while (arrived < readers) {
        event = next(&watch);
        arrived += event.kind == SCM_EVENT_IFD_ARRIVED;
        if (event.kind == SCM_EVENT_IFD_ARRIVED && strcmp(event.ifd_name, bed_ifd(CARD)) == 0)
            break;
    }
    event = next(&watch);
    assert_int_equal(event.kind, SCM_EVENT_CARD_INSERTED);
    assert_string_equal(event.ifd_name, bed_ifd(CARD));
    scm_handle *handle = attach(CARD);
    uint8_t atr[SCM_ATR_MAX];
    size_t length;
    assert_result(scm_get_atr(handle, atr, sizeof atr, &length), SCM_S_OK);
    assert_int_equal(event.atr_length, length);
    assert_memory_equal(event.atr, atr, length);
    assert_result(scm_detach(handle), SCM_S_OK);
    while (arrived++ < readers)
        assert_int_equal(next(&watch).kind, SCM_EVENT_IFD_ARRIVED);
    follow_until_current(&watch);
    end(&watch);
}

/* The events before it make up the present state; none of them comes after it. */
static void the_end_of_the_present_state_is_an_event(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct watch watch = begin();
        follow_until_current(&watch);
        assert_int_equal(watch.up, 1);
        for (int reader = 0; reader < readers / slots; reader++) {
            assert_int_equal(seen(&watch, bed_ifd(reader))->here, 1);
            assert_int_equal(seen(&watch, bed_ifd(reader))->card, reader == CARD);
        }
        /* the service, the card, all of it; and the platform */
        uint64_t told = (uint64_t)readers + 3 + bed_is_virtual();
        assert_int_equal(watch.number, told);
        end(&watch);
    }
}

/* The use of the card's reader, as a new monitor tells it: the same with the reader and with its card. */
static uint8_t usage(void)
{
    struct watch watch = begin();
    scm_event event = SCM_EVENT_INIT;
    uint8_t of_reader = SCM_USAGE_UNKNOWN, of_card = SCM_USAGE_UNKNOWN;
    while (event.kind != SCM_EVENT_CURRENT) {
        event = fetch(&watch);
        if (event.kind == SCM_EVENT_IFD_ARRIVED && strcmp(event.ifd_name, bed_ifd(CARD)) == 0)
            of_reader = event.usage;
        else if (event.kind == SCM_EVENT_CARD_INSERTED)
            of_card = event.usage;
        else if (event.kind == SCM_EVENT_IFD_ARRIVED)
            assert_int_equal(event.usage, SCM_USAGE_FREE);
        else
            assert_int_equal(event.usage, SCM_USAGE_UNKNOWN);
    }
    assert_int_equal(of_reader, of_card);
    end(&watch);
    return of_card;
}

static void the_use_of_a_reader_is_a_part_of_its_state(void **state)
{
    (void)state;
    assert_int_equal(usage(), SCM_USAGE_FREE);
    scm_attach_options exclusive = SCM_ATTACH_OPTIONS_INIT;
    exclusive.share_mode = SCM_SHARE_EXCLUSIVE;
    scm_handle *handle = attach(CARD), *other = attach(CARD);
    assert_int_equal(usage(), SCM_USAGE_SHARED);
    assert_result(scm_detach(other), SCM_S_OK);
    assert_int_equal(usage(), SCM_USAGE_SHARED);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &exclusive, &handle), SCM_S_OK);
    assert_int_equal(usage(), SCM_USAGE_EXCLUSIVE);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_int_equal(usage(), SCM_USAGE_FREE);
}

/* Also the absence of a service, and at once. */
static void a_missing_reader_is_reported(void **state)
{
    (void)state;
    for (int reader = readers / slots - 1; reader >= 0; reader--)
        bed("unplug %d", reader);
    struct watch watch = begin();
    long long begun = now_ms();
    follow_until_current(&watch);
    assert_true(now_ms() - begun < 2000);
    /* The virtual service was reported before. */
    assert_int_equal(watch.number, 2 + bed_is_virtual());
    assert_int_equal(watch.up, 1);
    for (int reader = readers / slots - 1; reader >= 0; reader--)
        bed("plug %d", reader);
    follow_until(&watch, readers, 1);
    end(&watch);
}

static void cards_come_and_go(void **state)
{
    (void)state;
    struct watch watch = begin();
    follow_until(&watch, readers, 1);
    bed("insert %d steerable", OTHER);
    assert_next(&watch, SCM_EVENT_CARD_INSERTED, OTHER);
    bed("remove %d", OTHER);
    assert_next(&watch, SCM_EVENT_CARD_REMOVED, OTHER);
    bed("insert %d steerable 3B8001813A", OTHER);
    scm_event event = next(&watch);
    assert_int_equal(event.kind, SCM_EVENT_CARD_INSERTED);
    assert_int_equal(event.atr_length, 5);
    assert_memory_equal(event.atr, "\x3B\x80\x01\x81\x3A", 5);
    /* Both at once. */
    bed("remove %d", OTHER);
    bed("remove %d", CARD);
    follow_until(&watch, readers, 0);
    bed("insert-now %d steerable", OTHER);
    bed("insert-now %d steerable", CARD);
    follow_until(&watch, readers, 2);
    bed("remove %d", OTHER);
    assert_next(&watch, SCM_EVENT_CARD_REMOVED, OTHER);
    end(&watch);
}

/* Nobody fetches an event until the end. Changes faster than the polling are reported at least once. */
static void changes_that_nobody_waited_for_are_kept(void **state)
{
    (void)state;
    struct watch watch = begin();
    follow_until(&watch, readers, 1);
    for (int i = 0; i < 3; i++) {
        bed("remove %d", CARD);
        bed("insert %d steerable", CARD);
    }
    bed("insert %d steerable", OTHER);
    int removals = 0;
    while (next(&watch).kind == SCM_EVENT_CARD_REMOVED) {
        assert_next(&watch, SCM_EVENT_CARD_INSERTED, CARD);
        removals++;
    }
    assert_true(removals >= 1 && removals <= 3);
    bed("remove %d", OTHER);
    assert_next(&watch, SCM_EVENT_CARD_REMOVED, OTHER);
    end(&watch);
}

static void use_is_no_event_and_a_reset_of_a_virtual_card_is(void **state)
{
    (void)state;
    struct watch watch = begin();
    follow_until(&watch, readers, 1);
    scm_handle *handle = attach(CARD);
    assert_result(echo(handle), SCM_S_OK);
    bed("reset %d warm", CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    if (bed_is_virtual())
        assert_next(&watch, SCM_EVENT_CARD_RESET, CARD);
    bed("remove %d", CARD);
    assert_next(&watch, SCM_EVENT_CARD_REMOVED, CARD);
    bed("insert %d steerable", CARD);
    assert_next(&watch, SCM_EVENT_CARD_INSERTED, CARD);
    end(&watch);
}

/* All objects left, and then the service. */
static void assert_service_goes(struct watch *watch)
{
    int left = 0, removed = 0;
    for (;;) {
        scm_event event = next(watch);
        if (event.kind == SCM_EVENT_SERVICE_DOWN)
            break;
        left += event.kind == SCM_EVENT_IFD_LEFT;
        removed += event.kind == SCM_EVENT_CARD_REMOVED;
        assert_true(event.kind == SCM_EVENT_IFD_LEFT || event.kind == SCM_EVENT_CARD_REMOVED);
    }
    assert_int_equal(left, readers);
    assert_int_equal(removed, 1);
}

static void the_service_goes_and_comes_back(void **state)
{
    (void)state;
    static const char *const ways[] = {"kill", "stop"};
    struct watch watch = begin();
    follow_until(&watch, readers, 1);
    for (int i = 0; i < 2; i++) {
        bed("daemon %s", ways[i]);
        assert_service_goes(&watch);
        assert_nothing_more(&watch); /* the state was complete before, and is */
        bed("daemon start");
        assert_next(&watch, SCM_EVENT_SERVICE_UP, -1);
        follow_until(&watch, readers, 1);
    }
    bed("daemon restart");
    assert_service_goes(&watch);
    assert_next(&watch, SCM_EVENT_SERVICE_UP, -1);
    follow_until(&watch, readers, 1);
    end(&watch);
}

static void a_service_that_is_not_there_is_an_event(void **state)
{
    (void)state;
    bed("daemon kill");
    struct watch watch = begin();
    assert_next(&watch, SCM_EVENT_SERVICE_DOWN, -1);
    follow_until_current(&watch);
    assert_nothing_more(&watch);
    bed("daemon start");
    assert_next(&watch, SCM_EVENT_SERVICE_UP, -1);
    follow_until(&watch, readers, 1);
    end(&watch);
}

static void readers_come_and_go(void **state)
{
    (void)state;
    struct watch watch = begin();
    follow_until(&watch, readers, 1);
    bed("unplug %d", GONE);
    follow_until(&watch, readers - slots, 1);
    bed("plug %d", GONE);
    follow_until(&watch, readers, 1);
    /* With the card. */
    bed("unplug %d", CARD);
    follow_until(&watch, readers - slots, 0);
    bed("plug %d", CARD);
    follow_until(&watch, readers, 1);
    end(&watch);
}

static void a_wait_keeps_its_time(void **state)
{
    (void)state;
    struct watch watch = begin();
    scm_event event = SCM_EVENT_INIT;
    follow_until(&watch, readers, 1);
    long long begun = now_ms();
    assert_result(scm_monitor_wait(watch.monitor, 50, &event), SCM_SCARD_E_TIMEOUT);
    assert_true(now_ms() - begun >= 49);
    end(&watch);
}

/* A thread that waits without a limit, and stores the result. */
struct waiter {
    scm_monitor *monitor;
    scm_event event;
    scm_result result;
    pthread_t thread;
};

static void *wait_forever(void *argument)
{
    struct waiter *waiter = argument;
    waiter->result = scm_monitor_wait(waiter->monitor, SCM_INFINITE, &waiter->event);
    return NULL;
}

static void start(struct waiter *waiter, scm_monitor *monitor)
{
    *waiter = (struct waiter){.monitor = monitor, .event = SCM_EVENT_INIT};
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_forever, waiter), 0);
}

static void a_wait_can_be_cancelled(void **state)
{
    (void)state;
    struct watch watch = begin();
    struct waiter waiter;
    scm_event event = SCM_EVENT_INIT;
    follow_until(&watch, readers, 1);
    assert_result(scm_monitor_cancel(watch.monitor), SCM_S_OK);
    assert_result(scm_monitor_wait(watch.monitor, SCM_INFINITE, &event), SCM_SCARD_E_CANCELLED);
    assert_int_equal(event.kind, 0);
    assert_result(scm_monitor_wait(watch.monitor, 0, &event), SCM_SCARD_E_TIMEOUT);
    /* The thread waits already or not yet. */
    for (int i = 0; i < 50; i++) {
        start(&waiter, watch.monitor);
        if (i % 2)
            sched_yield();
        assert_result(scm_monitor_cancel(watch.monitor), SCM_S_OK);
        pthread_join(waiter.thread, NULL);
        assert_result(waiter.result, SCM_SCARD_E_CANCELLED);
    }
    end(&watch);
}

static void destroying_ends_a_wait(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        struct watch watch = begin();
        struct waiter waiter;
        follow_until(&watch, readers, 1);
        start(&waiter, watch.monitor);
        if (i % 2)
            sched_yield();
        assert_result(scm_monitor_destroy(watch.monitor), SCM_S_OK);
        pthread_join(waiter.thread, NULL);
        /* Or it had not begun. */
        if (waiter.result != SCM_E_HANDLE)
            assert_result(waiter.result, SCM_SCARD_E_CANCELLED);
    }
}

static int is_readable(int fd, int timeout_ms)
{
    struct pollfd asked = {.fd = fd, .events = POLLIN};
    int ready = poll(&asked, 1, timeout_ms);
    assert_true(ready >= 0 && (asked.revents & ~POLLIN) == 0);
    return ready;
}

static void the_file_descriptor_is_readable_while_an_event_waits(void **state)
{
    (void)state;
    struct watch watch = begin();
    int32_t fd = -1;
    assert_result(scm_monitor_get_fd(watch.monitor, &fd), SCM_S_OK);
    assert_true(is_readable(fd, LONG_MS));
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    follow_until(&watch, readers, 1);
    assert_nothing_more(&watch);
    assert_false(is_readable(fd, 0));
    bed("remove %d", CARD);
    assert_true(is_readable(fd, LONG_MS));
    assert_true(is_readable(fd, 0));
    assert_next(&watch, SCM_EVENT_CARD_REMOVED, CARD);
    assert_false(is_readable(fd, 0));
    bed("insert %d steerable", CARD);
    assert_true(is_readable(fd, LONG_MS));
    assert_next(&watch, SCM_EVENT_CARD_INSERTED, CARD);
    struct stat open, after;
    assert_int_equal(fstat(fd, &open), 0);
    end(&watch);
    /* Its number is free: another thread may have opened another object with it. */
    assert_true(fstat(fd, &after) != 0 || after.st_dev != open.st_dev || after.st_ino != open.st_ino);
}

static void several_monitors_tell_the_same(void **state)
{
    (void)state;
    enum { MANY = 5 };
    struct watch watches[MANY];
    for (int i = 0; i < MANY; i++)
        watches[i] = begin();
    for (int i = 0; i < MANY; i++)
        follow_until(&watches[i], readers, 1);
    for (int round = 0; round < 2; round++) {
        bed("insert %d steerable", OTHER);
        for (int i = 0; i < MANY; i++)
            assert_next(&watches[i], SCM_EVENT_CARD_INSERTED, OTHER);
        bed("remove %d", OTHER);
        for (int i = 0; i < MANY; i++)
            assert_next(&watches[i], SCM_EVENT_CARD_REMOVED, OTHER);
    }
    /* The card responds while all of them are open. */
    scm_handle *handle = attach(CARD);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    for (int i = 0; i < MANY; i++)
        end(&watches[i]);
}

static void no_monitor_is_told(void **state)
{
    (void)state;
    scm_event event = SCM_EVENT_INIT;
    int32_t fd = 77;
    struct watch watch = begin();
    scm_handle *handle = attach(CARD);
    scm_monitor *none[] = {NULL, (scm_monitor *)&event, (scm_monitor *)handle, (scm_monitor *)(uintptr_t)-1};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_result(scm_monitor_wait(none[i], 0, &event), SCM_E_HANDLE);
        assert_result(scm_monitor_cancel(none[i]), SCM_E_HANDLE);
        assert_result(scm_monitor_get_fd(none[i], &fd), SCM_E_HANDLE);
        assert_int_equal(fd, 0);
        assert_result(scm_monitor_destroy(none[i]), SCM_E_HANDLE);
    }
    assert_result(scm_detach((scm_handle *)watch.monitor), SCM_E_HANDLE);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_monitor_create(NULL), SCM_E_POINTER);
    assert_result(scm_monitor_wait(watch.monitor, 0, NULL), SCM_E_POINTER);
    assert_result(scm_monitor_get_fd(watch.monitor, NULL), SCM_E_POINTER);
    uint32_t wrong[] = {0, sizeof event - 1, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        event.struct_size = wrong[i];
        assert_result(scm_monitor_wait(watch.monitor, 0, &event), SCM_E_INVALIDARG);
    }
    /* A structure of a newer version of the library. */
    struct {
        scm_event known;
        uint64_t more, behind;
    } newer = {.known = SCM_EVENT_INIT, .more = 77, .behind = 77};
    newer.known.struct_size = sizeof(scm_event) + 8;
    assert_result(scm_monitor_wait(watch.monitor, LONG_MS, &newer.known), SCM_S_OK);
    assert_int_equal(newer.known.number, 1);
    assert_int_equal(newer.more, 0);
    assert_int_equal(newer.behind, 77);
    assert_result(scm_monitor_destroy(watch.monitor), SCM_S_OK);
}

static void assert_child_succeeds(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_monitor_is_dead_in_the_child_of_a_fork(void **state)
{
    (void)state;
    struct watch watch = begin();
    follow_until(&watch, readers, 1);
    pid_t child = fork();
    if (child == 0) {
        scm_event event = SCM_EVENT_INIT;
        int32_t fd;
        bool is_dead = scm_monitor_wait(watch.monitor, SCM_INFINITE, &event) == SCM_E_HANDLE &&
                       scm_monitor_cancel(watch.monitor) == SCM_E_HANDLE &&
                       scm_monitor_get_fd(watch.monitor, &fd) == SCM_E_HANDLE &&
                       scm_monitor_destroy(watch.monitor) == SCM_E_HANDLE;
        _exit(is_dead ? 0 : 1);
    }
    assert_child_succeeds(child);
    bed("remove %d", CARD);
    assert_next(&watch, SCM_EVENT_CARD_REMOVED, CARD);
    bed("insert %d steerable", CARD);
    assert_next(&watch, SCM_EVENT_CARD_INSERTED, CARD);
    end(&watch);
}

/* A child has its own monitors, and ends during a wait. */
static void a_process_may_end_in_a_wait(void **state)
{
    (void)state;
    fflush(NULL);
    for (int i = 0; i < 10; i++) {
        pid_t child = fork();
        if (child == 0) {
            static struct waiter waiter;
            scm_monitor *monitor;
            if (scm_monitor_create(&monitor) != SCM_S_OK)
                _exit(1);
            scm_event event = SCM_EVENT_INIT;
            if (i % 2 && scm_monitor_wait(monitor, LONG_MS, &event) != SCM_S_OK)
                _exit(2);
            waiter = (struct waiter){.monitor = monitor, .event = SCM_EVENT_INIT};
            if (pthread_create(&waiter.thread, NULL, wait_forever, &waiter) != 0)
                _exit(3);
            exit(0);
        }
        assert_child_succeeds(child);
    }
}

static void a_service_that_hangs_delays_nobody(void **state)
{
    (void)state;
    if (bed_is_virtual())
        return; /* the virtual service does not hang */
    scm_event event = SCM_EVENT_INIT;
    struct watch watch = begin(), doomed = begin();
    struct waiter waiter;
    follow_until(&watch, readers, 1);
    follow_until(&doomed, readers, 1);
    bed("daemon freeze");
    long long start_ms = now_ms();
    assert_result(scm_monitor_wait(watch.monitor, 0, &event), SCM_SCARD_E_TIMEOUT);
    assert_result(scm_monitor_wait(watch.monitor, 50, &event), SCM_SCARD_E_TIMEOUT);
    start(&waiter, watch.monitor);
    assert_result(scm_monitor_cancel(watch.monitor), SCM_S_OK);
    pthread_join(waiter.thread, NULL);
    assert_result(waiter.result, SCM_SCARD_E_CANCELLED);
    start(&waiter, doomed.monitor);
    assert_result(scm_monitor_destroy(doomed.monitor), SCM_S_OK);
    pthread_join(waiter.thread, NULL);
    if (waiter.result != SCM_E_HANDLE)
        assert_result(waiter.result, SCM_SCARD_E_CANCELLED);
    /* A new one has nothing to report. */
    struct watch late = begin();
    assert_result(scm_monitor_wait(late.monitor, 50, &event), SCM_SCARD_E_TIMEOUT);
    assert_result(scm_monitor_destroy(late.monitor), SCM_S_OK);
    assert_true(now_ms() - start_ms < 10000);
    bed("daemon thaw");
    bed("remove %d", CARD);
    assert_next(&watch, SCM_EVENT_CARD_REMOVED, CARD);
    bed("insert %d steerable", CARD);
    assert_next(&watch, SCM_EVENT_CARD_INSERTED, CARD);
    end(&watch);
}

static int count(const char *directory)
{
    int entries = 0;
    DIR *all = opendir(directory);
    assert_non_null(all);
    while (readdir(all) != NULL)
        entries++;
    closedir(all);
    return entries;
}

static void await_count(const char *directory, int expected)
{
    long long limit = now_ms() + LONG_MS;
    while (count(directory) > expected && now_ms() < limit)
        sched_yield();
    assert_true(count(directory) <= expected);
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    /* Threads of earlier tests may still be ending. */
    await_count("/proc/self/task", 3 + 1);
    int fds = count("/proc/self/fd"), threads = count("/proc/self/task");
    for (int i = 0; i < 100; i++) {
        struct watch watch = begin();
        scm_event event = SCM_EVENT_INIT;
        if (i % 2)
            assert_result(scm_monitor_wait(watch.monitor, LONG_MS, &event), SCM_S_OK);
        assert_result(scm_monitor_destroy(watch.monitor), SCM_S_OK);
    }
    await_count("/proc/self/fd", fds);
    await_count("/proc/self/task", threads);
}

static void idle_costs_nothing(void **state)
{
    (void)state;
    struct watch watch = begin();
    follow_until(&watch, readers, 1);
    scm_event event = SCM_EVENT_INIT;
    clock_t before = clock();
    assert_result(scm_monitor_wait(watch.monitor, 3000, &event), SCM_SCARD_E_TIMEOUT);
    /* 1 % of a core; the search for a missing service (the virtual bed) costs less too. */
    assert_true(clock() - before < CLOCKS_PER_SEC * 3 / 100);
    end(&watch);
}

static int set_up(void **state)
{
    count_readers();
    return insert_card(state);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_present_state_comes_first),
        cmocka_unit_test(the_end_of_the_present_state_is_an_event),
        cmocka_unit_test(the_use_of_a_reader_is_a_part_of_its_state),
        cmocka_unit_test(cards_come_and_go),
        cmocka_unit_test(changes_that_nobody_waited_for_are_kept),
        cmocka_unit_test(use_is_no_event_and_a_reset_of_a_virtual_card_is),
        cmocka_unit_test(a_wait_keeps_its_time),
        cmocka_unit_test(a_wait_can_be_cancelled),
        cmocka_unit_test(destroying_ends_a_wait),
        cmocka_unit_test(the_file_descriptor_is_readable_while_an_event_waits),
        cmocka_unit_test(several_monitors_tell_the_same),
        cmocka_unit_test(no_monitor_is_told),
        cmocka_unit_test(a_monitor_is_dead_in_the_child_of_a_fork),
        cmocka_unit_test(a_process_may_end_in_a_wait),
        cmocka_unit_test(nothing_is_left_behind),
        cmocka_unit_test(idle_costs_nothing),
        cmocka_unit_test(the_service_goes_and_comes_back),
        cmocka_unit_test(a_service_that_is_not_there_is_an_event),
        cmocka_unit_test(readers_come_and_go),
        cmocka_unit_test(a_missing_reader_is_reported),
        cmocka_unit_test(a_service_that_hangs_delays_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
