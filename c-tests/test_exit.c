/* A process that ends in the middle of its calls, and one that unloads the library then: neither hangs nor crashes, and
 * the card is free for others. */
#define _GNU_SOURCE /* dladdr */
#include "support/check.h"
#include "support/wait.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#define CARD 0

static char **words; /* of this program, to run it again */

/* The open objects of an ending program: attachments, locks, a wait for a lock with a limit and one without, a monitor,
 * a wait for events. The functions belong to the caller's copy of the library. */
struct library {
    scm_result (*attach)(const char *, scm_handle **);
    scm_result (*lock)(scm_handle *);
    scm_result (*lock_ex)(scm_handle *, uint32_t);
    scm_result (*create)(scm_monitor **);
    scm_result (*wait)(scm_monitor *, uint32_t, scm_event *);
};

static struct library library = {scm_attach_by_ifd, scm_lock, scm_lock_ex, scm_monitor_create, scm_monitor_wait};

static scm_result wait_for_lock(void *handle) { return library.lock(handle); }
static scm_result wait_for_lock_a_while(void *handle) { return library.lock_ex(handle, 60000); }
static scm_result wait_for_events(void *monitor)
{
    for (;;) {
        scm_event event = SCM_EVENT_INIT;
        scm_result result = library.wait(monitor, SCM_INFINITE, &event);
        if (result != SCM_S_OK)
            return result;
    }
}

/* Opens all of these, and returns in the middle. True if all is right. */
static bool begin_everything(void)
{
    static struct wait waits[3];
    scm_handle *holder, *waiter, *other;
    scm_monitor *monitor;
    if (library.attach(bed_ifd(CARD), &holder) != SCM_S_OK || library.attach(bed_ifd(CARD), &waiter) != SCM_S_OK ||
        library.attach(bed_ifd(CARD), &other) != SCM_S_OK || library.lock(holder) != SCM_S_OK ||
        library.create(&monitor) != SCM_S_OK)
        return false;
    wait_begin(&waits[0], wait_for_lock, waiter);
    wait_begin(&waits[1], wait_for_lock_a_while, other);
    wait_begin(&waits[2], wait_for_events, monitor);
    return wait_is_reached(&waits[0]) && wait_is_reached(&waits[1]) && wait_is_reached(&waits[2]);
}

/* The same with a second copy of the library, which is unloaded as far as possible. */
static bool begin_and_unload(void)
{
    Dl_info info;
    void *loaded;
    if (dladdr((void *)(uintptr_t)scm_lock, &info) == 0 || (loaded = dlopen(info.dli_fname, RTLD_NOW)) == NULL)
        return false;
    *(void **)&library.attach = dlsym(loaded, "scm_attach_by_ifd");
    *(void **)&library.lock = dlsym(loaded, "scm_lock");
    *(void **)&library.lock_ex = dlsym(loaded, "scm_lock_ex");
    *(void **)&library.create = dlsym(loaded, "scm_monitor_create");
    *(void **)&library.wait = dlsym(loaded, "scm_monitor_wait");
    return library.attach != NULL && begin_everything() && dlclose(loaded) == 0;
}

/* --- A program with late clean-up */

static scm_handle *late[3]; /* attached; the last one has a lock */
static int late_failures;

static void detach_late(int number)
{
    if (late[number] != NULL && scm_detach(late[number]) != SCM_S_OK)
        late_failures++;
}

static void detach_in_first_handler(void) { detach_late(0); }
static void detach_in_last_handler(void) { detach_late(1); }

/* It runs after all exit handlers. */
__attribute__((destructor)) static void detach_in_destructor(void)
{
    detach_late(2);
    if (late_failures > 0)
        _exit(late_failures);
}

static bool begin_to_clean_up_late(void)
{
    atexit(detach_in_first_handler);
    for (int n = 0; n < 3; n++) {
        if (scm_attach_by_ifd(bed_ifd(CARD), &late[n]) != SCM_S_OK)
            return false;
    }
    atexit(detach_in_last_handler);
    return scm_lock(late[2]) == SCM_S_OK;
}

/* --- A program that forks during calls of its threads */

static void *list_for_ever(void *unused)
{
    char names[1024];
    size_t length;
    (void)unused;
    for (;;)
        scm_list_ifds(names, sizeof names, &length);
    return NULL;
}

static void *ask_for_ever(void *unused)
{
    uint32_t state, protocol;
    scm_handle *handle;
    (void)unused;
    for (;;) {
        if (scm_attach_by_ifd(bed_ifd(CARD), &handle) != SCM_S_OK)
            return NULL;
        for (int n = 0; n < 50; n++)
            scm_status(handle, &state, &protocol);
        scm_detach(handle);
    }
}

static int list_once(void)
{
    char names[1024];
    size_t length;
    return SCM_FAILED(scm_list_ifds(names, sizeof names, &length));
}

/* The status of a child that cannot use PC/SC. On a busy machine the service may not answer a thread of the parent in
 * time, and its library stays locked. */
#define REFUSED 2

/* The virtual readers belong to the parent. */
static int attach_once(void)
{
    scm_handle *handle;
    if (bed_is_virtual())
        return list_once();
    scm_result result = scm_attach_by_ifd(bed_ifd(CARD), &handle);
    if (result == SCM_SCARD_E_NO_SERVICE)
        return REFUSED;
    return result != SCM_S_OK || scm_detach(handle) != SCM_S_OK;
}

/* A child hangs in its call, or at its end, if it inherits a locked mutex. Few are refused. */
static bool fork_often(void *(*work)(void *), int threads, int children, int (*act)(void))
{
    pthread_t thread;
    int status, refused = 0;
    while (threads-- > 0) {
        if (pthread_create(&thread, NULL, work, NULL) != 0)
            return false;
    }
    for (int n = 0; n < children; n++) {
        pid_t pid = fork();
        if (pid == 0) {
            alarm(10);
            exit(act());
        }
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
            (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != REFUSED)) {
            fprintf(stderr, "child %d: status %x\n", n, (unsigned)status);
            return false;
        }
        refused += WEXITSTATUS(status) == REFUSED;
    }
    if (refused > children / 20)
        fprintf(stderr, "%d of %d children were refused\n", refused, children);
    return refused <= children / 20;
}

/* Runs this program again, for this action and its end. */
static int run_again(const char *what)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        setenv("SCM_TEST_EXIT", what, 1);
        execv("/proc/self/exe", words);
        _exit(127);
    }
    alarm(30); /* it hangs */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    alarm(0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_card_is_free(void)
{
    bed("hold %d transaction", CARD);
    bed("release %d leave", CARD);
    assert_nobody_holds_the_card(CARD);
}

static void a_process_ends_in_the_middle_of_everything(void **state)
{
    (void)state;
    assert_int_equal(run_again("return"), 0);
    the_card_is_free();
    assert_int_equal(run_again("exit"), 0);
    the_card_is_free();
}

static void a_process_unloads_the_library_in_the_middle_of_everything(void **state)
{
    (void)state;
    assert_int_equal(run_again("unload"), 0);
    the_card_is_free();
}

static void exit_handlers_and_destructors_may_detach(void **state)
{
    (void)state;
    assert_int_equal(run_again("late"), 0);
    the_card_is_free();
}

/* AddressSanitizer's allocator hangs in a child that was forked during another thread's malloc. */
static void skip_where_malloc_hangs_after_a_fork(void)
{
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
}

static void a_process_that_has_only_listed_readers_may_fork(void **state)
{
    (void)state;
    skip_where_malloc_hangs_after_a_fork();
    assert_int_equal(run_again("fork and list"), 0);
}

static void a_process_whose_threads_use_a_card_may_fork(void **state)
{
    (void)state;
    skip_where_malloc_hangs_after_a_fork();
    assert_int_equal(run_again("fork and attach"), 0);
    the_card_is_free();
}

static bool begin(const char *what)
{
    if (strcmp(what, "unload") == 0)
        return begin_and_unload();
    if (strcmp(what, "late") == 0)
        return begin_to_clean_up_late();
    if (strcmp(what, "fork and list") == 0)
        return fork_often(list_for_ever, 4, 100, list_once);
    if (strcmp(what, "fork and attach") == 0)
        return fork_often(ask_for_ever, 8, 200, attach_once);
    return begin_everything();
}

int main(int argc, char **argv)
{
    const char *what = getenv("SCM_TEST_EXIT");
    words = argv;
    bed_make(argc, argv);
    if (what == NULL || bed_is_virtual())
        bed("insert %d steerable", CARD);
    if (what != NULL) {
        bool done = begin(what);
        if (strcmp(what, "exit") == 0)
            exit(!done);
        return !done;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_ends_in_the_middle_of_everything),
        cmocka_unit_test(a_process_unloads_the_library_in_the_middle_of_everything),
        cmocka_unit_test(exit_handlers_and_destructors_may_detach),
        cmocka_unit_test(a_process_that_has_only_listed_readers_may_fork),
        cmocka_unit_test(a_process_whose_threads_use_a_card_may_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
