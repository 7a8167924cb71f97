#include "step.h"

#include <stdio.h>
#include <string.h>

/* More than the longest response. */
#define ROOM (SCM_RESPONSE_MAX + 16)

static const char *share_words(uint32_t share)
{
    const char *const words[] = {"", " exclusive", " shared", " direct"};
    return words[share];
}

static const char *protocol_words(uint32_t protocols)
{
    if (protocols == SCM_PROTOCOL_RAW)
        return " raw";
    const char *const words[] = {"", " T=0", " T=1", " T=0|T=1"};
    return words[protocols];
}

static const char *action_words(uint32_t action)
{
    const char *const words[] = {" leave", " reset", " unpower", " eject"};
    return words[action];
}

const char *step_words(const struct step *step)
{
    static char words[160];
    static const char *const commands[] = {"echo", "pattern", "remember", "recall", "unknown", "malformed",
        "too short"};
    static const char *const rooms[] = {"", ", room for one byte", ", no room"};
    size_t room = sizeof words;
    switch (step->kind) {
    case ATTACH:
        snprintf(words, room, "%d: attach to %d%s%s", step->slot, step->reader, share_words(step->share),
                 protocol_words(step->protocols));
        break;
    case ATTACH_HANDLE:
        snprintf(words, room, "%d: attach by the handle of %d%s%s%s", step->slot, step->from,
                 step->number ? ", adopted" : ", borrowed", share_words(step->share), protocol_words(step->protocols));
        break;
    case DETACH: snprintf(words, room, "%d: detach", step->slot); break;
    case DETACH_EX: snprintf(words, room, "%d: detach%s", step->slot, action_words(step->action)); break;
    case TRANSMIT:
        snprintf(words, room, "%d: transmit %s %u%s", step->slot, commands[step->command], (unsigned)step->number,
                 rooms[step->room]);
        break;
    case LAST_RESPONSE: snprintf(words, room, "%d: last response%s", step->slot, rooms[step->room]); break;
    case CONTROL: snprintf(words, room, "%d: control %u", step->slot, (unsigned)step->number); break;
    case GET_ATTRIBUTE: snprintf(words, room, "%d: get attribute %08X", step->slot, (unsigned)step->number); break;
    case SET_ATTRIBUTE: snprintf(words, room, "%d: set attribute %08X", step->slot, (unsigned)step->number); break;
    case LOCK: snprintf(words, room, "%d: lock", step->slot); break;
    case UNLOCK: snprintf(words, room, "%d: unlock%s", step->slot, action_words(step->action)); break;
    case RECONNECT: snprintf(words, room, "%d: reconnect", step->slot); break;
    case RECONNECT_EX:
        snprintf(words, room, "%d: reconnect%s%s%s", step->slot, share_words(step->share),
                 protocol_words(step->protocols), action_words(step->action));
        break;
    case STATUS: snprintf(words, room, "%d: status", step->slot); break;
    case LOOK: snprintf(words, room, "look at everything"); break;
    case RESET:
        snprintf(words, room, "another%s: %s at %d", step->number ? " by hand" : "", action_words(step->action) + 1,
                 step->reader);
        break;
    case HOLD: snprintf(words, room, "another: hold %d, %s", step->reader, HOLD_NAMES[step->number]); break;
    case RELEASE: snprintf(words, room, "another: release %d,%s", step->reader, action_words(step->action)); break;
    case PULL: snprintf(words, room, "pull the card of %d", step->reader); break;
    case INSERT:
        snprintf(words, room, "insert a card into %d: %s", step->reader, ATR_WORDS[step->number]);
        break;
    case STOP: snprintf(words, room, "%s the service", step->number ? "kill" : "stop"); break;
    case START: snprintf(words, room, "start the service"); break;
    case UNPOWER: snprintf(words, room, "(the reader %d is not in use: the card forgets)", step->reader); break;
    case KINDS: break;
    }
    return words;
}

/* Writes the command of a step. With T=0 and T=1 fewer than 4 bytes are refused; with RAW they reach the card. One byte
 * is left out, because vpcd takes it for a control message. */
static size_t write_command(const struct step *step, uint8_t *command)
{
    size_t size = step->number, header = 5;
    switch (step->command) {
    case ECHO:
    case REMEMBER:
        memcpy(command, step->command == ECHO ? "\x80\xEC\0\0" : "\x80\x5E\0\0", 4);
        if (size == 0)
            return 4;
        if (size > 255) {
            command[4] = 0;
            command[5] = (uint8_t)(size >> 8);
            command[6] = (uint8_t)size;
            header = 7;
        } else
            command[4] = (uint8_t)size;
        for (size_t i = 0; i < size; i++)
            command[header + i] = (uint8_t)(i * 7 + size);
        return header + size;
    case PATTERN:
        memcpy(command, (uint8_t[]){0x80, 0xCA, (uint8_t)(size >> 8), (uint8_t)size, 0, 0, 0}, 7);
        return size > 256 ? 7 : 5;
    case RECALL:
        memcpy(command, "\x80\x5F\0\0\0", 5);
        return 5;
    case UNKNOWN:
        memcpy(command, "\x00\xA4\x04\x00", 4);
        return 4;
    case MALFORMED:
        memcpy(command, "\x80\xEC\0\0\x05\x01", 6);
        return 6;
    case TOO_SHORT:
        memcpy(command, "\x80\xEC\0", 3);
        return size % 3 == 0 ? 0 : 1 + size % 3;
    case COMMANDS: break;
    }
    return 0;
}

static size_t capacity_of(enum room room)
{
    return room == AMPLE ? ROOM : room == ONE_BYTE ? 1 : 0;
}

/* The content of a buffer: the length, and the bytes if there are any. */
static void add_received(struct answer *answer, const uint8_t *bytes, size_t length)
{
    if (answer->result == SCM_S_OK)
        answer_add_bytes(answer, bytes, length);
    else
        answer_add(answer, " length %zu", length);
}

static void transmit(const struct step *step, scm_handle *handle, struct answer *answer)
{
    static uint8_t command[SCM_COMMAND_MAX], response[ROOM];
    size_t length = 77, capacity = capacity_of(step->room), command_length = write_command(step, command);
    answer_begin(answer,
                 scm_transmit(handle, command, command_length, capacity == 0 ? NULL : response, capacity, &length));
    add_received(answer, response, length);
}

static void last_response(scm_handle *handle, enum room room, struct answer *answer)
{
    static uint8_t response[ROOM];
    size_t length = 77, capacity = capacity_of(room);
    answer_begin(answer, scm_get_last_response(handle, capacity == 0 ? NULL : response, capacity, &length));
    add_received(answer, response, length);
}

static void control(const struct step *step, scm_handle *handle, struct answer *answer)
{
    uint8_t output[300];
    size_t length = 77;
    answer_begin(answer, scm_control(handle, scm_ctl_code(step->number), (const uint8_t *)"\x20\x12", 2, output,
                                     sizeof output, &length));
    add_received(answer, output, length);
}

static void get_attribute(const struct step *step, struct side *side, struct answer *answer)
{
    uint8_t value[264];
    size_t length = 77;
    answer_begin(answer, scm_get_attribute(side->slots[step->slot], step->number, value, sizeof value, &length));
    for (int reader = 0; reader < READERS; reader++)
        if (length == strlen(side_ifd(side, reader)) + 1 && memcmp(value, side_ifd(side, reader), length) == 0) {
            answer_add(answer, " the name of %d", reader);
            return;
        }
    add_received(answer, value, length);
}

static void status(scm_handle *handle, struct answer *answer)
{
    uint32_t state = 77, protocol = 77;
    answer_begin(answer, scm_status(handle, &state, &protocol));
    answer_add(answer, " state %u protocol %u", (unsigned)state, (unsigned)protocol);
}

static void attach(const struct step *step, struct side *side, struct answer *answer)
{
    scm_handle **handle = &side->slots[step->slot];
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.share_mode = step->share;
    options.protocols = step->protocols;
    if (step->share == 0 && step->protocols == 0)
        answer_begin(answer, scm_attach_by_ifd(side_ifd(side, step->reader), handle));
    else
        answer_begin(answer, scm_attach_by_ifd_ex(side_ifd(side, step->reader), &options, handle));
}

static void attach_handle(const struct step *step, struct side *side, struct answer *answer)
{
    uintptr_t icc;
    scm_handle **handle = &side->slots[step->slot];
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    scm_result result = scm_get_icc(side->slots[step->from], &icc);
    if (result != SCM_S_OK) {
        answer_begin(answer, result);
        answer_add(answer, " there is no card handle");
        return;
    }
    options.share_mode = step->share;
    options.protocols = step->protocols;
    options.flags = step->number ? SCM_ATTACH_ADOPT : 0;
    if (step->share == 0 && step->protocols == 0 && step->number == 0)
        answer_begin(answer, scm_attach_by_handle(icc, handle));
    else
        answer_begin(answer, scm_attach_by_handle_ex(icc, &options, handle));
}

static void look(struct side *side, const bool waits[SLOTS], struct answer *answer)
{
    struct answer one;
    answer_begin(answer, SCM_S_OK);
    for (int slot = 0; slot < SLOTS; slot++)
        if (side->slots[slot] != NULL && !waits[slot]) {
            status(side->slots[slot], &one);
            answer_add(answer, "; %d: %s", slot, one.text);
            last_response(side->slots[slot], AMPLE, &one);
            answer_add(answer, ", %s", one.text);
        }
    for (int reader = 0; reader < READERS; reader++)
        if (side->cards[reader] != NONE)
            answer_add(answer, "; the card of %d has received %u commands", reader, side_count(side, reader));
}

void step_do(const struct step *step, struct side *side, const bool waits[SLOTS], struct answer *answer)
{
    scm_handle **slot = &side->slots[step->slot];
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    switch (step->kind) {
    case ATTACH: attach(step, side, answer); break;
    case ATTACH_HANDLE: attach_handle(step, side, answer); break;
    case DETACH:
        answer_begin(answer, scm_detach(*slot));
        *slot = NULL;
        break;
    case DETACH_EX:
        answer_begin(answer, scm_detach_ex(*slot, step->action));
        if (answer->result != SCM_E_INVALIDARG)
            *slot = NULL;
        break;
    case TRANSMIT: transmit(step, *slot, answer); break;
    case LAST_RESPONSE: last_response(*slot, step->room, answer); break;
    case CONTROL: control(step, *slot, answer); break;
    case GET_ATTRIBUTE: get_attribute(step, side, answer); break;
    case SET_ATTRIBUTE:
        answer_begin(answer, scm_set_attribute(*slot, step->number, (const uint8_t *)"\0\0\0\1", 4));
        break;
    case LOCK: answer_begin(answer, scm_lock(*slot)); break;
    case UNLOCK: answer_begin(answer, scm_unlock(*slot, step->action)); break;
    case RECONNECT: answer_begin(answer, scm_reconnect(*slot)); break;
    case RECONNECT_EX:
        options.share_mode = step->share;
        options.protocols = step->protocols;
        options.initial_action = step->action;
        answer_begin(answer, scm_reconnect_ex(*slot, &options));
        break;
    case STATUS: status(*slot, answer); break;
    case LOOK: look(side, waits, answer); break;
    case RESET: answer_begin(answer, side_reset(side, step->reader, step->action, step->number == 1)); break;
    case HOLD: answer_begin(answer, side_hold(side, step->reader, (enum hold)step->number)); break;
    case RELEASE: answer_begin(answer, side_release(side, step->reader, step->action)); break;
    case PULL: answer_begin(answer, side_pull(side, step->reader)); break;
    case INSERT: answer_begin(answer, side_insert(side, step->reader, (int)step->number)); break;
    case STOP:
        side_stop(side, step->number == 1);
        answer_begin(answer, SCM_S_OK);
        break;
    case START:
        side_start(side);
        answer_begin(answer, SCM_S_OK);
        break;
    case UNPOWER:
        side_unpower(side, step->reader);
        answer_begin(answer, SCM_S_OK);
        break;
    case KINDS: break;
    }
}

void step_facts(struct side *side, struct answer *answer)
{
    uintptr_t iccs[SLOTS] = {0};
    answer_begin(answer, SCM_S_OK);
    for (int slot = 0; slot < SLOTS; slot++) {
        scm_handle *handle = side->slots[slot];
        uint64_t generation = 77;
        uintptr_t context = 77;
        uint8_t atr[SCM_ATR_MAX];
        char name[SCM_IFD_NAME_MAX + 1];
        size_t atr_length = 77, name_length = 77;
        if (handle == NULL)
            continue;
        scm_result got_generation = scm_get_generation(handle, &generation);
        scm_result got_icc = scm_get_icc(handle, &iccs[slot]);
        scm_result got_context = scm_get_context(handle, &context);
        scm_result got_atr = scm_get_atr(handle, atr, sizeof atr, &atr_length);
        scm_result got_name = scm_get_ifd_name(handle, name, sizeof name, &name_length);
        answer_add(answer, "; %d: generation %s %llu, icc %s", slot, answer_name(got_generation),
                   (unsigned long long)generation, answer_name(got_icc));
        /* Numbers differ between the sides, but not which slots share one. */
        for (int other = 0; other < slot && got_icc == SCM_S_OK; other++)
            if (iccs[other] == iccs[slot]) {
                answer_add(answer, " of %d", other);
                break;
            }
        answer_add(answer, ", context %s, atr %s", answer_name(got_context), answer_name(got_atr));
        answer_add_bytes(answer, atr, atr_length);
        answer_add(answer, " at %s", answer_name(got_name));
        for (int reader = 0; reader < READERS; reader++)
            if (strcmp(name, side_ifd(side, reader)) == 0)
                answer_add(answer, " %d", reader);
    }
}
