#include "play.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "exchange.h"

/* The readers of the first half have attachments of one kind, which meet the same fault with different calls. Those of
 * the second half have an attachment with a lock. */
#define UNLOCKED 6

struct stage {
    const struct fault *fault;
    bool is_seen; /* calls meet the fault before the reconnect */
    struct victim victims[KINDS][UNLOCKED], holders[KINDS];
    struct call calls[KINDS][UNLOCKED], held[KINDS];
    struct observed *observed;
    const char *wrong;
};

/* A lock exists after a reconnect; the second play tells whether it existed all the time. */
#define HELD "held"

/* The call of a victim, in the order of `struct stage`. */
static const enum verb VERB[UNLOCKED] = {STATUS, TRANSMIT, LOCK, SEND, READ, RECONNECT};
static const enum cell CELL[UNLOCKED] = {CELL_STATUS, CELL_TRANSMIT, CELL_LOCK, CELL_SEND, CELL_READ,
                                          CELL_MEANWHILE};

static int readers(const struct fault *fault)
{
    return fault->needs_no_lock ? KINDS : 2 * KINDS;
}

static bool concerns(const struct fault *fault, enum kind kind)
{
    return !fault->is_of_handles || kind != BY_IFD;
}

static void note(struct stage *stage, enum cell cell, enum kind kind, const char *text)
{
    snprintf(stage->observed->cells[cell][kind], CELL_SIZE, "%s", text);
}

static void complain(struct stage *stage, const char *wrong)
{
    if (stage->wrong == NULL)
        stage->wrong = wrong;
}

/* --- Orders */

/* The order for one reader: its number for each %d, its letter for each %c. */
static void give_one(const char *order, int reader)
{
    char line[256] = "";
    for (size_t length = 0; *order != '\0' && length + 2 < sizeof line; length = strlen(line)) {
        bool is_place = order[0] == '%' && (order[1] == 'd' || order[1] == 'c');
        line[length] = is_place ? (char)((order[1] == 'd' ? '0' : 'A') + reader) : *order;
        order += is_place ? 2 : 1;
    }
    if (strncmp(line, "insert-now", 10) == 0)
        exchange_forget(reader);
    bed("%s", line);
}

static void act_as_owner(struct stage *stage, bool disconnects)
{
    for (enum kind kind = BORROWED; kind < KINDS; kind++)
        for (int i = 0; i <= UNLOCKED; i++) {
            struct victim *victim = i < UNLOCKED ? &stage->victims[kind][i] : &stage->holders[kind];
            if (disconnects)
                assert_result(owner_disconnect(&victim->owner), SCM_S_OK);
            else
                owner_release(&victim->owner);
        }
}

static void give(struct stage *stage, const char *const orders[ORDERS])
{
    for (int i = 0; i < ORDERS && orders[i] != NULL; i++) {
        const char *order = orders[i];
        if (strncmp(order, "pcscd: ", 7) == 0) {
            if (bed_is_virtual())
                continue;
            order += 7;
        }
        if (strncmp(order, "owner ", 6) == 0)
            act_as_owner(stage, strcmp(order, "owner disconnect") == 0);
        else if (strchr(order, '%') == NULL)
            bed("%s", order);
        else
            for (int reader = 0; reader < readers(stage->fault); reader++)
                give_one(order, reader);
    }
}

/* --- Victims */

static void prepare(struct call *call, enum verb verb, struct victim *victim)
{
    *call = (struct call){.verb = verb, .victim = victim};
}

static void attach_all(struct stage *stage)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        if (!concerns(stage->fault, kind))
            continue;
        for (int i = 0; i < UNLOCKED; i++) {
            victim_attach(&stage->victims[kind][i], kind, kind);
            prepare(&stage->calls[kind][i], VERB[i], &stage->victims[kind][i]);
            if (VERB[i] == READ)
                assert_result(victim_open(&stage->victims[kind][i]), SCM_S_OK);
        }
        if (stage->fault->needs_no_lock)
            continue;
        victim_attach(&stage->holders[kind], kind, KINDS + kind);
        prepare(&stage->held[kind], TRANSMIT, &stage->holders[kind]);
        assert_result(scm_lock(stage->holders[kind].handle), SCM_S_OK);
    }
}

static void detach_all(struct stage *stage)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < UNLOCKED; i++)
            victim_detach(&stage->victims[kind][i]);
        victim_detach(&stage->holders[kind]);
    }
}

/* --- The calls during the fault */

static bool is_under_way(const struct fault *fault, enum verb verb)
{
    return (fault->moment == IN_TRANSMIT && verb == TRANSMIT) || (fault->moment == IN_LOCK && verb == LOCK) ||
           fault->moment == WAITING;
}

static void begin_calls(struct stage *stage)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < UNLOCKED; i++)
            if (concerns(stage->fault, kind) && is_under_way(stage->fault, VERB[i])) {
                call_begin(&stage->calls[kind][i]);
                if (VERB[i] == TRANSMIT && stage->fault->moment == IN_TRANSMIT)
                    bed_await_command(kind);
                else
                    call_waits(&stage->calls[kind][i]);
            }
        if (stage->fault->moment == IN_TRANSMIT) {
            call_begin(&stage->held[kind]);
            bed_await_command(KINDS + kind);
        }
    }
}

static void end_calls(struct stage *stage)
{
    for (enum kind kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < UNLOCKED; i++)
            if (concerns(stage->fault, kind) && is_under_way(stage->fault, VERB[i])) {
                call_end(&stage->calls[kind][i]);
                note(stage, CELL[i], kind, stage->calls[kind][i].answer);
            }
        if (stage->fault->moment == IN_TRANSMIT)
            call_end(&stage->held[kind]);
    }
}

/* --- The next calls */

static void meet(struct stage *stage)
{
    for (enum kind kind = 0; kind < KINDS; kind++)
        for (int i = 0; i < UNLOCKED; i++) {
            struct call *call = &stage->calls[kind][i];
            if (!concerns(stage->fault, kind) || is_under_way(stage->fault, VERB[i]))
                continue;
            /* A short fault leaves nothing for a reconnect to meet. */
            if (VERB[i] == RECONNECT && stage->fault->ends[0] == NULL)
                continue;
            call_make(call);
            note(stage, CELL[i], kind, call->answer);
        }
}

/* --- The reconnect after the fault */

/* Adds `text` to a cell with other text. */
static void add(char cell[CELL_SIZE], const char *text)
{
    char before[CELL_SIZE];
    if (strcmp(cell, "–") == 0)
        cell[0] = '\0';
    snprintf(before, sizeof before, "%s", cell);
    if (strstr(before, text) == NULL)
        snprintf(cell, CELL_SIZE, "%.60s%s%s", before, before[0] == '\0' ? "" : " / ", text);
}

/* The file that was open, and a file that is opened anew. */
static void read_again(struct stage *stage, struct victim *victim)
{
    struct call call;
    prepare(&call, READ, victim);
    call_make(&call);
    add(stage->observed->cells[CELL_FILE][victim->kind], call.answer);
    prepare(&call, REOPEN, victim);
    call_make(&call);
    if (call.result != SCM_S_OK)
        complain(stage, "reconnected, but no file can be opened");
}

static void reconnect_all(struct stage *stage, enum kind kind)
{
    unsigned losses[UNLOCKED];
    char text[32];
    for (int i = 0; i < UNLOCKED; i++) {
        struct call call;
        struct victim *victim = &stage->victims[kind][i];
        prepare(&call, RECONNECT, victim);
        call_make(&call);
        /* An earlier call that met the fault makes no difference. */
        add(stage->observed->cells[CELL_AFTER][kind], call.answer);
        losses[i] = victim_losses(victim);
        if (SCM_FAILED(call.result))
            continue;
        prepare(&call, TRANSMIT, victim);
        call_make(&call);
        if (strcmp(call.answer, "OK") != 0)
            complain(stage, "reconnected, but not usable");
        if (VERB[i] == READ)
            read_again(stage, victim);
    }
    bool is_one = true;
    for (int i = 1; i < UNLOCKED; i++)
        is_one &= losses[i] == losses[0];
    snprintf(text, sizeof text, is_one ? "+%u" : "+%u (others +%u)", losses[1], losses[0]);
    add(stage->observed->cells[CELL_GENERATION][kind], text);
}

/* --- The lock that was held */

/* No other attachment comes between a reconnect and the unlock. */
static const char *reconnect_holder(struct victim *victim)
{
    struct call visitor;
    if (SCM_FAILED(scm_reconnect(victim->handle))) {
        scm_unlock(victim->handle, SCM_DISPOSITION_LEAVE);
        return "lost";
    }
    prepare(&visitor, VISIT, victim);
    call_begin(&visitor);
    bool is_held = call_waits(&visitor);
    scm_result result = scm_unlock(victim->handle, SCM_DISPOSITION_LEAVE);
    call_end(&visitor);
    return result != SCM_S_OK ? "not to be given back" : is_held ? HELD : "lost without a word";
}

static void unlock_holder(struct stage *stage, struct victim *victim)
{
    struct call call;
    scm_result result = scm_unlock(victim->handle, SCM_DISPOSITION_LEAVE);
    note(stage, CELL_UNLOCK, victim->kind, code_name(result));
    /* A lock that can be released was never lost. */
    if (strcmp(stage->observed->cells[CELL_HELD][victim->kind], HELD) == 0)
        note(stage, CELL_HELD, victim->kind, result == SCM_S_OK ? "kept" : "anew");
    if (scm_unlock(victim->handle, SCM_DISPOSITION_LEAVE) != SCM_SCARD_E_NOT_TRANSACTED)
        complain(stage, "a lock was given back twice");
    /* It would wait forever for a lock that is still held. */
    prepare(&call, VISIT, victim);
    call_make(&call);
}

/* --- All together */

static void play_once(struct stage *stage)
{
    const struct fault *fault = stage->fault;
    attach_all(stage);
    for (int reader = 0; reader < 2 * KINDS; reader++)
        bed("card %d clear", reader);
    give(stage, fault->before);
    if (fault->moment != WAITING)
        begin_calls(stage);
    give(stage, fault->happens);
    if (fault->moment == WAITING)
        begin_calls(stage);
    else
        end_calls(stage);
    if (stage->is_seen)
        meet(stage);
    give(stage, fault->ends);
    if (fault->moment == WAITING)
        end_calls(stage);
    for (enum kind kind = 0; kind < KINDS; kind++) {
        if (!concerns(fault, kind))
            continue;
        reconnect_all(stage, kind);
        if (fault->needs_no_lock)
            continue;
        if (stage->is_seen)
            note(stage, CELL_HELD, kind, reconnect_holder(&stage->holders[kind]));
        else
            unlock_holder(stage, &stage->holders[kind]);
    }
    detach_all(stage);
    give(stage, fault->restore);
    for (int reader = 0; reader < 2 * KINDS; reader++) {
        const char *wrong = exchange_check(reader);
        if (wrong != NULL)
            complain(stage, wrong);
        bed("card %d forget", reader);
    }
}

const char *play(const struct fault *fault, struct observed *observed)
{
    const char *wrong = NULL;
    for (int cell = 0; cell < CELLS; cell++)
        for (int kind = 0; kind < KINDS; kind++)
            strcpy(observed->cells[cell][kind], "–");
    for (int seen = 1; seen >= 0; seen--) {
        static struct stage stage;
        stage = (struct stage){.fault = fault, .is_seen = seen == 1, .observed = observed};
        play_once(&stage);
        if (wrong == NULL)
            wrong = stage.wrong;
    }
    return wrong;
}

void play_begin(void)
{
    for (int reader = 0; reader < 2 * KINDS; reader++)
        bed("insert-now %d steerable", reader);
    for (int reader = 0; reader < 2 * KINDS; reader++)
        bed("await %d present", reader);
}
