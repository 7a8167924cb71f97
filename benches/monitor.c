/* The time from the insertion of a card to the event: libscm's monitor against a direct loop of SCardGetStatusChange.
 * Both watch the same insertions, so the result is the order and the difference. It runs in a stack (crates/stack).
 *
 *   monitor [ROUNDS] */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

#include "measure.h"
#include "scm.h"
#include "stack.h"

enum { ROUNDS_MAX = 200, CARD = 0 };

/* The time at which each side reported the last insertion and removal; 0 before. */
struct told {
    _Atomic double inserted, removed;
};
static struct told direct, libscm;

static void *watch_directly(void *unused)
{
    SCARDCONTEXT context;
    SCARD_READERSTATE state = {.szReader = stack_ifd(CARD), .dwCurrentState = SCARD_STATE_UNAWARE};
    (void)unused;
    expect(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS, "no context");
    while (SCardGetStatusChange(context, INFINITE, &state, 1) == SCARD_S_SUCCESS) {
        bool present = state.dwEventState & SCARD_STATE_PRESENT, was = state.dwCurrentState & SCARD_STATE_PRESENT;
        if (present && !was)
            direct.inserted = now_ms();
        else if (!present)
            direct.removed = now_ms();
        state.dwCurrentState = state.dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    }
    return NULL;
}

static void *watch_by_libscm(void *monitor)
{
    for (;;) {
        scm_event event = SCM_EVENT_INIT;
        expect(scm_monitor_wait(monitor, SCM_INFINITE, &event) == SCM_S_OK, "no event");
        if (strcmp((const char *)event.ifd_name, stack_ifd(CARD)) != 0)
            continue;
        if (event.kind == SCM_EVENT_CARD_INSERTED)
            libscm.inserted = now_ms();
        else if (event.kind == SCM_EVENT_CARD_REMOVED)
            libscm.removed = now_ms();
    }
    return NULL;
}

static void await(_Atomic double *one, _Atomic double *other)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    double start = now_ms();
    while (*one == 0 || *other == 0) {
        expect(now_ms() - start < 10000, "one side was not told");
        nanosleep(&moment, NULL);
    }
}

int main(int argc, char **argv)
{
    static double directly[ROUNDS_MAX], by_libscm[ROUNDS_MAX], later[ROUNDS_MAX];
    int rounds = argc > 1 ? atoi(argv[1]) : 20;
    pthread_t thread;
    scm_monitor *monitor;
    expect(rounds > 0 && rounds <= ROUNDS_MAX, "so many rounds cannot be");
    expect(scm_monitor_create(&monitor) == SCM_S_OK, "no monitor");
    pthread_create(&thread, NULL, watch_directly, NULL);
    pthread_create(&thread, NULL, watch_by_libscm, monitor);
    for (int i = 0; i < rounds; i++) {
        direct.inserted = libscm.inserted = 0;
        double start = now_ms();
        stack("insert-now %d steerable", CARD);
        await(&direct.inserted, &libscm.inserted);
        directly[i] = direct.inserted - start;
        by_libscm[i] = libscm.inserted - start;
        later[i] = libscm.inserted - direct.inserted;
        direct.removed = libscm.removed = 0;
        stack("pull %d", CARD);
        await(&direct.removed, &libscm.removed);
    }
    double a = median(directly, rounds), b = median(by_libscm, rounds), difference = median(later, rounds);
    printf("%-46s %10s %10s %8s %9s\n", "the same insertions of a card", "direct ms", "libscm ms", "ratio", "diff ms");
    printf("%-46s %10.1f %10.1f %8.3f %+9.3f\n", "  until the program is told, median", a, b, b / a, difference);
    return EXIT_SUCCESS;
}
