#include "special_fault.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "call.h"
#include "exchange.h"

#define CARD 0
#define TIMES 100
#define OTHER_ATR "3B8180010203"

static char words[256];

static const char *answer(enum verb verb, struct victim *victim)
{
    static char texts[5][64];
    static unsigned turn;
    struct call call = {.verb = verb, .victim = victim};
    call_make(&call);
    return strcpy(texts[turn++ % 5], call.answer);
}

/* Repeats a fault many times, with a call after each. The result is reported once if it is always the same. */
static const char *again_and_again(enum kind kind, int times, const char *order)
{
    struct victim victim;
    victim_attach(&victim, kind, CARD);
    exchange_check(CARD); /* earlier results do not matter */
    for (int i = 1; i <= times; i++) {
        char now[sizeof words];
        uint64_t before = generation(victim.handle);
        bed(order, CARD);
        const char *met = answer(TRANSMIT, &victim), *back = answer(RECONNECT, &victim);
        const char *then = answer(TRANSMIT, &victim);
        unsigned losses = (unsigned)(generation(victim.handle) - before);
        snprintf(now, sizeof now, "%s, reconnect %s, then %s, +%u", met, back, then, losses);
        if (i == 1)
            strcpy(words, now);
        else if (strcmp(words, now) != 0)
            snprintf(words, sizeof words, "time %d: %.200s", i, now);
    }
    victim_detach(&victim);
    const char *wrong = exchange_check(CARD);
    return wrong != NULL ? wrong : words;
}

static const char *reset_between_any_two(enum kind kind)
{
    return again_and_again(kind, TIMES, "reset %d warm");
}

static const char *unpowered_between_any_two(enum kind kind)
{
    return again_and_again(kind, TIMES, "reset %d cold");
}

static const char *restarted_again_and_again(enum kind kind)
{
    /* This takes a while. A borrowed handle is lost at once, and from the second time on an adopted one is like an
     * owned one. */
    static const int times[KINDS] = {TIMES, 1, 10};
    return again_and_again(kind, times[kind], "daemon restart kill");
}

/* Mostly faster than the service polls its readers; the exchange tells. */
static const char *swap_fast(enum kind kind, const char *atr)
{
    struct victim victim, other;
    victim_attach(&victim, kind, CARD);
    victim_attach(&other, kind, CARD);
    assert_result(victim_open(&victim), SCM_S_OK);
    assert_result(victim_open(&other), SCM_S_OK);
    bed("pull %d", CARD);
    bed("insert-now %d steerable%s", CARD, atr);
    exchange_forget(CARD);
    const char *met = answer(TRANSMIT, &victim);
    bed("await %d present", CARD);
    const char *back = answer(RECONNECT, &victim), *then = answer(TRANSMIT, &victim), *file = answer(READ, &victim);
    const char *other_file = answer(READ, &other);
    snprintf(words, sizeof words, "%s, reconnect %s, then %s, +%u, files %s", met, back, then, victim_losses(&victim),
             file);
    if (strcmp(other_file, file) != 0)
        snprintf(words, sizeof words, "a file is %s, and for another attachment %s", file, other_file);
    victim_detach(&victim);
    victim_detach(&other);
    const char *wrong = exchange_check(CARD);
    return wrong != NULL ? wrong : words;
}

static const char *swap_fast_for_the_same(enum kind kind)
{
    return swap_fast(kind, "");
}

static const char *swap_fast_for_another(enum kind kind)
{
    const char *seen = swap_fast(kind, " " OTHER_ATR);
    bed("remove %d", CARD);
    bed("insert %d steerable", CARD);
    return seen;
}

/* No handle exists yet that could be borrowed. */
static const char *late_service(enum kind kind)
{
    scm_handle *handle;
    if (kind != BY_IFD)
        return "–";
    bed("daemon kill");
    scm_result before = scm_attach_by_ifd(bed_ifd(CARD), &handle);
    bed("daemon start");
    scm_result after = scm_attach_by_ifd(bed_ifd(CARD), &handle);
    scm_detach(handle);
    snprintf(words, sizeof words, "attach %s, later %s", code_name(before), code_name(after));
    return words;
}

static void call_everything(struct victim *victim, char *text, size_t size)
{
    const char *status = answer(STATUS, victim), *transmitted = answer(TRANSMIT, victim);
    const char *reconnected = answer(RECONNECT, victim), *locked = answer(LOCK, victim);
    bool is_one = strcmp(status, transmitted) == 0 && strcmp(reconnected, status) == 0 && strcmp(locked, status) == 0;
    snprintf(text, size, is_one ? "%s" : "%s %s %s %s", status, transmitted, reconnected, locked);
}

/* The parent has a lock, to see whether the child releases it. */
static const char *fork_with_a_lock(enum kind kind)
{
    struct victim victim;
    char child[128] = "", parent[128] = "";
    int pipes[2], status;
    victim_attach(&victim, kind, CARD);
    assert_result(scm_lock(victim.handle), SCM_S_OK);
    assert_int_equal(pipe(pipes), 0);
    pid_t pid = fork();
    if (pid == 0) {
        call_everything(&victim, child, sizeof child);
        snprintf(child + strlen(child), sizeof child - strlen(child), ", detach %s",
                 code_name(scm_detach(victim.handle)));
        _exit(write(pipes[1], child, sizeof child) != sizeof child);
    }
    assert_int_equal(read(pipes[0], child, sizeof child), sizeof child);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(pipes[0]);
    close(pipes[1]);
    call_everything(&victim, parent, sizeof parent);
    snprintf(words, sizeof words, "child %.90s, parent %.90s, unlock %s, +%u", child, parent,
             code_name(scm_unlock(victim.handle, SCM_DISPOSITION_LEAVE)), victim_losses(&victim));
    victim_detach(&victim);
    return words;
}

static const struct special_fault CARD_FAULTS[] = {
    {"reset-each-time", reset_between_any_two},
    {"unpowered-each-time", unpowered_between_any_two},
    {"swapped-fast", swap_fast_for_the_same},
    {"swapped-fast-other", swap_fast_for_another},
};

static const struct special_fault SERVICE_FAULTS[] = {{"late", late_service}};

static const struct special_fault USE_FAULTS[] = {{"fork", fork_with_a_lock}};

static const struct special_fault RESTART_FAULTS[] = {{"restarted-each-time", restarted_again_and_again}};

#define COUNT(array) (sizeof(array) / sizeof *(array))

const struct special_group SPECIAL_GROUPS[] = {
    {"card", CARD_FAULTS, COUNT(CARD_FAULTS)},
    {"service", SERVICE_FAULTS, COUNT(SERVICE_FAULTS)},
    {"use", USE_FAULTS, COUNT(USE_FAULTS)},
    {"restarts", RESTART_FAULTS, COUNT(RESTART_FAULTS)},
};
const size_t HOW_MANY_SPECIAL = COUNT(SPECIAL_GROUPS);
