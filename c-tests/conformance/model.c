#include "model.h"

#include <string.h>

/* After so many steps, and so many milliseconds without use, a card is made to lose its state. Beyond the last limit
 * pcscd may have done so itself. */
enum { IDLE_STEPS = 5, IDLE_MS = 150, OVERSLEPT_MS = 350 };

void model_begin(struct model *model)
{
    memset(model, 0, sizeof *model);
    for (int reader = 0; reader < READERS; reader++) {
        model->readers[reader].idle = -1;
        model->readers[reader].blank = true;
    }
}

static bool is_open(const struct model *model, uintptr_t icc)
{
    for (int i = 0; i < model->connection_count; i++)
        if (icc != 0 && model->connections[i].icc == icc)
            return model->connections[i].open;
    return false;
}

int model_others(const struct model *model, int reader, uintptr_t icc)
{
    int others = REAL.held[reader];
    for (int i = 0; i < model->connection_count; i++)
        others += model->connections[i].open && model->connections[i].reader == reader &&
            model->connections[i].icc != icc;
    return others;
}

bool model_is_locked(const struct model *model, int reader, uintptr_t icc)
{
    if (REAL.held[reader] && REAL.holds[reader] == TRANSACTION)
        return true;
    for (int slot = 0; slot < SLOTS; slot++)
        if (model->slots[slot].alive && model->slots[slot].reader == reader && model->slots[slot].icc != icc &&
            model->slots[slot].depth > 0 && !model->slots[slot].lost && is_open(model, model->slots[slot].icc))
            return true;
    return false;
}

/* Calls on a connection that is dead fail at once. */
static bool slot_waits(const struct model *model, int slot)
{
    return is_open(model, model->slots[slot].icc) &&
           model_is_locked(model, model->slots[slot].reader, model->slots[slot].icc);
}

void model_waits(const struct model *model, bool waits[SLOTS])
{
    for (int slot = 0; slot < SLOTS; slot++)
        waits[slot] = slot_waits(model, slot);
}

int model_sharers(const struct model *model, int slot)
{
    int count = 0;
    for (int other = 0; other < SLOTS; other++)
        count += other != slot && model->slots[other].alive && model->slots[other].icc != 0 &&
                 model->slots[other].icc == model->slots[slot].icc;
    return count;
}

int model_reader(const struct model *model, const struct step *step)
{
    switch (step->kind) {
    case ATTACH:
    case RESET:
    case HOLD:
    case RELEASE:
    case PULL:
    case INSERT:
    case UNPOWER:
        return step->reader;
    case ATTACH_HANDLE: return model->slots[step->from].reader;
    case LOOK:
    case STOP:
    case START:
    case KINDS:
        return NONE;
    default: return model->slots[step->slot].reader;
    }
}

bool model_connects(const struct step *step)
{
    return step->kind == ATTACH || step->kind == RECONNECT || step->kind == RECONNECT_EX;
}

uint32_t model_share(const struct model *model, const struct step *step)
{
    if (step->kind == RECONNECT || (step->kind == RECONNECT_EX && step->share == 0))
        return model->slots[step->slot].share;
    return step->share == 0 ? SCM_SHARE_SHARED : step->share;
}

uint32_t model_protocols(const struct model *model, const struct step *step)
{
    if (step->kind == RECONNECT || (step->kind == RECONNECT_EX && step->protocols == 0))
        return model->slots[step->slot].protocols;
    return step->protocols == 0 ? SCM_PROTOCOL_T0 | SCM_PROTOCOL_T1 : step->protocols;
}

bool model_allows(const struct model *model, const struct step *step)
{
    int reader = model_reader(model, step);
    uintptr_t icc = model->slots[step->slot].icc;
    bool runs = REAL.runs, alive = model->slots[step->slot].alive;
    switch (step->kind) {
    case ATTACH:
        /* It waits for a lock, except behind exclusive use, which is refused at once. The holder of a lock may have
         * exclusive use too, so that case is left out. */
        return !alive && !model_is_locked(model, reader, 0);
    case ATTACH_HANDLE:
        /* Asks for the status. */
        return !alive && model->slots[step->from].alive && !slot_waits(model, step->from) &&
               step->share == (model->slots[step->from].share == SCM_SHARE_SHARED ? 0 : model->slots[step->from].share);
    case DETACH:
    case LAST_RESPONSE:
    case CONTROL:
    case GET_ATTRIBUTE:
    case SET_ATTRIBUTE:
        return alive; /* these never wait */
    case DETACH_EX: return alive && (step->action == SCM_DISPOSITION_LEAVE || !slot_waits(model, step->slot));
    case TRANSMIT:
    case LOCK:
    case STATUS:
        return alive && !slot_waits(model, step->slot);
    case UNLOCK:
        /* It never waits for others, but asks for the status while the own reset is not acknowledged. */
        return alive && !slot_waits(model, step->slot);
    case RECONNECT:
    case RECONNECT_EX:
        if (!alive || model_is_locked(model, reader, icc))
            return false;
        /* It waits until no other uses the card; a new connection is refused at once. */
        if (model_share(model, step) == SCM_SHARE_EXCLUSIVE && is_open(model, icc) &&
            model_others(model, reader, icc) > 0) return false;
        /* Only the owner of a handle knows its share mode; a borrower does not learn of a change. */
        return model_share(model, step) == model->slots[step->slot].share || model_sharers(model, step->slot) == 0;
    case LOOK: return true;
    case RESET: return runs && !model_is_locked(model, reader, 0);
    case HOLD: return runs && !REAL.held[reader] && !model_is_locked(model, reader, 0);
    case RELEASE:
        /* A holder with a lock has the card alone; the others wait for a lock of one of ours. */
        return REAL.held[reader] &&
               (REAL.holds[reader] == TRANSACTION || step->action == SCM_DISPOSITION_LEAVE ||
                !model_is_locked(model, reader, 0));
    case PULL:
        /* The stack resets the card if it cannot release its transaction. */
        return REAL.cards[reader] != NONE && !(REAL.held[reader] && REAL.holds[reader] == TRANSACTION);
    case INSERT: return REAL.cards[reader] == NONE;
    case STOP: return runs;
    case START: return !runs;
    case UNPOWER: return runs && REAL.cards[reader] != NONE && model_others(model, reader, 0) == 0;
    case KINDS: break;
    }
    return false;
}

static bool is_slow(const struct step *step)
{
    return step->kind == PULL || step->kind == INSERT || step->kind == STOP || step->kind == START;
}

static long idle_ms(const struct model *model, int reader)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - model->readers[reader].idle_since.tv_sec) * 1000 +
           (now.tv_nsec - model->readers[reader].idle_since.tv_nsec) / 1000000;
}

bool model_settles(const struct model *model, int reader, const struct step *step)
{
    if (model->readers[reader].idle < 0)
        return false;
    if (is_slow(step) || (model_connects(step) && model_reader(model, step) == reader &&
                          model_share(model, step) == SCM_SHARE_DIRECT))
        return true;
    return model->readers[reader].idle >= IDLE_STEPS || idle_ms(model, reader) > IDLE_MS;
}

bool model_overslept(const struct model *model)
{
    for (int reader = 0; reader < READERS; reader++)
        if (model->readers[reader].idle >= 0 && idle_ms(model, reader) > OVERSLEPT_MS)
            return true;
    return false;
}

static void close_connection(struct model *model, uintptr_t icc)
{
    for (int i = 0; i < model->connection_count; i++)
        if (model->connections[i].icc == icc)
            model->connections[i].open = false;
}

static void open_connection(struct model *model, uintptr_t icc, int reader)
{
    int last = 0;
    while (last < model->connection_count && model->connections[last].open)
        last++;
    if (last == model->connection_count)
        model->connection_count++;
    model->connections[last].icc = icc;
    model->connections[last].reader = reader;
    model->connections[last].open = true;
}

/* A reconnect may have given another card handle, or none. */
static void note_handles(struct model *model)
{
    for (int slot = 0; slot < SLOTS; slot++) {
        uintptr_t icc = 0, before = model->slots[slot].icc;
        if (!model->slots[slot].alive)
            continue;
        scm_get_icc(REAL.slots[slot], &icc);
        if (icc == before)
            continue;
        model->slots[slot].icc = icc;
        if (model->slots[slot].owned && before != 0)
            close_connection(model, before);
        if (model->slots[slot].owned && icc != 0)
            open_connection(model, icc, model->slots[slot].reader);
    }
}

static void note_attach(struct model *model, const struct step *step)
{
    int slot = step->slot;
    model->slots[slot].reader = model_reader(model, step);
    model->slots[slot].alive = true;
    model->slots[slot].owned = step->kind == ATTACH;
    model->slots[slot].share = model_share(model, step);
    model->slots[slot].protocols = model_protocols(model, step);
    model->slots[slot].depth = 0;
    model->slots[slot].lost = false;
    model->slots[slot].icc = 0;
    if (step->kind == ATTACH_HANDLE) {
        /* Its connection is known. */
        model->slots[slot].owned = step->number == 1;
        model->slots[slot].icc = model->slots[step->from].icc;
    }
}

static void note_detach(struct model *model, int slot)
{
    if (model->slots[slot].owned)
        close_connection(model, model->slots[slot].icc);
    model->slots[slot].alive = false;
    model->slots[slot].icc = 0;
}

static void note_spoken(struct model *model, const struct step *step)
{
    if (model_share(model, step) != SCM_SHARE_DIRECT)
        model->readers[model_reader(model, step)].spoken =
            model_protocols(model, step) == SCM_PROTOCOL_RAW ? RAW : T_0_OR_T_1;
}

/* The card of a reader has no state to lose. */
static void note_blank(struct model *model, int reader)
{
    model->readers[reader].spoken = NOT_CHOSEN;
    model->readers[reader].blank = true;
    model->readers[reader].idle = -1;
}

static bool is_in_use(const struct model *model, int reader)
{
    for (int slot = 0; slot < SLOTS; slot++)
        if (model->slots[slot].alive && model->slots[slot].reader == reader &&
            model->slots[slot].share != SCM_SHARE_DIRECT && is_open(model, model->slots[slot].icc))
            return true;
    return REAL.held[reader];
}

static void note_idle(struct model *model, const struct timespec *start)
{
    for (int reader = 0; reader < READERS; reader++) {
        bool unused = model_others(model, reader, 0) == 0;
        if (!REAL.runs || REAL.cards[reader] == NONE || model->readers[reader].blank || is_in_use(model, reader))
            model->readers[reader].idle = -1;
        else if (model->readers[reader].idle >= 0)
            model->readers[reader].idle++;
        else if (unused) {
            model->readers[reader].idle = 0;
            model->readers[reader].idle_since = *start;
        }
    }
}

void model_note(struct model *model, const struct step *step, scm_result result, const struct timespec *start)
{
    int reader = model_reader(model, step), slot = step->slot;
    bool disposes = step->action == SCM_DISPOSITION_RESET || step->action == SCM_DISPOSITION_UNPOWER;
    bool ok = SCM_SUCCEEDED(result);
    switch (step->kind) {
    case ATTACH:
    case ATTACH_HANDLE:
        /* Exclusive use is refused after the protocol was chosen. */
        if (result == SCM_SCARD_E_SHARING_VIOLATION && model->readers[reader].spoken == NOT_CHOSEN)
            model->readers[reader].spoken = IN_DOUBT;
        if (!ok)
            break;
        if (step->kind == ATTACH)
            note_spoken(model, step);
        note_attach(model, step);
        break;
    case DETACH: note_detach(model, slot); break;
    case DETACH_EX:
        if (result == SCM_E_INVALIDARG)
            break;
        if (disposes)
            model->readers[reader].spoken = IN_DOUBT;
        note_detach(model, slot);
        break;
    case LOCK:
        if (ok) {
            model->slots[slot].depth++;
            model->slots[slot].lost = false;
        }
        break;
    case UNLOCK:
        if (model->slots[slot].depth > 0 && --model->slots[slot].depth == 0 && disposes)
            model->readers[reader].spoken = IN_DOUBT;
        break;
    case RECONNECT:
    case RECONNECT_EX:
        if (ok) {
            uint32_t share = model_share(model, step), protocols = model_protocols(model, step);
            if (step->kind == RECONNECT_EX && disposes)
                model->readers[reader].spoken = IN_DOUBT;
            note_spoken(model, step);
            model->slots[slot].share = share;
            model->slots[slot].protocols = protocols;
            model->slots[slot].lost = false;
        } else
            model->readers[reader].spoken = IN_DOUBT;
        break;
    case RESET:
    case RELEASE:
        if (disposes)
            model->readers[reader].spoken = IN_DOUBT;
        break;
    case HOLD:
        model->readers[reader].spoken = ok ? T_0_OR_T_1 : model->readers[reader].spoken == RAW ? RAW : IN_DOUBT;
        break;
    case PULL:
        for (int i = 0; i < SLOTS; i++)
            if (model->slots[i].alive && model->slots[i].reader == reader)
                model->slots[i].lost = true;
        /* fall through */
    case INSERT:
    case UNPOWER:
        note_blank(model, reader);
        break;
    case STOP:
        model->connection_count = 0;
        /* fall through */
    case START:
        for (int i = 0; i < READERS; i++)
            note_blank(model, i);
        break;
    default: break;
    }
    note_handles(model);
    if (ok && ((step->kind == ATTACH && step->share != SCM_SHARE_DIRECT) || step->kind == RESET || step->kind == HOLD))
        model->readers[reader].blank = false;
    if (ok && (step->kind == RECONNECT || step->kind == RECONNECT_EX) && model->slots[slot].share != SCM_SHARE_DIRECT)
        model->readers[reader].blank = false;
    note_idle(model, start);
}
