/* The demo of an attachment: its card is used, reset by another program, removed, inserted again, removed during a
 * command, and swapped, and the service of its reader ends. Each time the library reports the event, and scm_reconnect
 * makes the same handle work again.
 *
 * This file has the steps; stage/ plays the other programs. scripts/demo.sh builds it and runs it on a virtual reader,
 * scripts/demo.sh --pcscd on a real pcscd. It ends with a failure if a step gives an unexpected result. */
#define _POSIX_C_SOURCE 200809L

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <scm.h>

#include "stage/stage.h"

/* ---- Output: a line for each call, with its time, its result, and the meaning of that. ---- */

static struct {
    const char *call;
    struct timespec began;
    double microseconds;
    scm_result result;
} step;

static void begin_step(const char *call)
{
    step.call = call;
    clock_gettime(CLOCK_MONOTONIC, &step.began);
}

static _Noreturn void fail(const char *what, const char *came, const char *expected)
{
    fflush(stdout);
    fprintf(stderr, "demo: %s\n      gave %s, not %s\n", what, came, expected);
    exit(1);
}

static void end_step(scm_result result, scm_result expected)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    step.microseconds =
        (double)(now.tv_sec - step.began.tv_sec) * 1e6 + (double)(now.tv_nsec - step.began.tv_nsec) / 1e3;
    step.result = result;
    if (result != expected)
        fail(step.call, scm_result_name(result), scm_result_name(expected));
}

/* Makes a call of the library, measures it, and ends the program unless it gives the expected code. */
#define STEP(expected, call) (begin_step(#call), end_step((call), (expected)))

/* The line of the last step. */
static void tell(const char *format, ...)
{
    va_list arguments;
    bool is_long = step.microseconds >= 1000;
    printf("%8.1f %s  %-19.*s %-25s", is_long ? step.microseconds / 1000 : step.microseconds, is_long ? "ms" : "µs",
           (int)strcspn(step.call, "("), step.call, scm_result_name(step.result));
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

/* The line of an expected failure, with the message of the library. */
static void tell_failure(const char *before)
{
    tell("%s%s", before, scm_result_message(step.result));
}

static void chapter(const char *title)
{
    printf("\n%s\n", title);
}

/* Another program acts on the card, the reader or the service. */
static void someone(void (*act)(void), const char *does, const char *what)
{
    act();
    printf("             * someone %s %s\n", does, what);
    fflush(stdout);
}

static const char *hex(const uint8_t *bytes, size_t length)
{
    static char text[256];
    size_t end = 0;
    text[0] = '\0';
    for (size_t i = 0; i < length && end + 4 < sizeof text; i++)
        end += (size_t)snprintf(text + end, sizeof text - end, i == 0 ? "%02X" : " %02X", bytes[i]);
    return text;
}

/* ---- The card: it needs a selected application, and a code for protected files. ---- */

typedef struct {
    const char *name;
    uint8_t bytes[16];
    size_t length;
} command;

static const command select_application = {
    "SELECT the application", {0x00, 0xA4, 0x04, 0x0C, 0x08, 0xF0, 's', 'c', 'm', 't', 'e', 's', 't'}, 13};
static const command read_greeting = {"READ BINARY of its file 1", {0x00, 0xB0, 0x81, 0x00, 0x20}, 5};
static const command verify_code = {
    "VERIFY the code 1234", {0x00, 0x20, 0x00, 0x01, 0x08, '1', '2', '3', '4', 0xFF, 0xFF, 0xFF, 0xFF}, 13};
static const command is_code_verified = {"VERIFY without a code", {0x00, 0x20, 0x00, 0x01}, 4};

static struct {
    uint8_t bytes[SCM_RESPONSE_MAX];
    size_t length;
} answer;

static void transmit(scm_handle *card, const command *what, scm_result expected)
{
    STEP(expected,
         scm_transmit(card, what->bytes, what->length, answer.bytes, sizeof answer.bytes, &answer.length));
}

/* The last two bytes of a response are the status word of the card; the library does not judge it. */
static void check_status_word(const command *what, unsigned expected)
{
    const uint8_t *end = answer.bytes + answer.length;
    unsigned came = answer.length < 2 ? 0 : (unsigned)end[-2] << 8 | end[-1];
    char came_text[16], expected_text[16];
    snprintf(came_text, sizeof came_text, "%04X", came);
    snprintf(expected_text, sizeof expected_text, "%04X", expected);
    if (came != expected)
        fail(what->name, came_text, expected_text);
}

/* The data of the response as text, up to the first byte that is no text. */
static const char *text_of_answer(void)
{
    static char text[64];
    size_t length = 0;
    while (length + 2 < answer.length && length < sizeof text - 1 && isprint(answer.bytes[length])) {
        text[length] = (char)answer.bytes[length];
        length++;
    }
    text[length] = '\0';
    return text;
}

static void ask(scm_handle *card, const command *what, unsigned status_word, const char *comment)
{
    transmit(card, what, SCM_S_OK);
    check_status_word(what, status_word);
    tell("%s: %s%s%04X%s", what->name, text_of_answer(), *text_of_answer() == '\0' ? "" : " ", status_word, comment);
}

static void work(scm_handle *card)
{
    ask(card, &select_application, 0x9000, "");
    ask(card, &read_greeting, 0x9000, "");
    ask(card, &verify_code, 0x9000, "");
}

/* ---- The attachment. ---- */

/* The list of readers: each name ends with a NUL, and another NUL ends the list. */
static void find_readers(void)
{
    char names[1024];
    char line[2 * sizeof names] = "";
    size_t length;
    STEP(SCM_S_OK, scm_list_ifds(names, sizeof names, &length));
    for (const char *name = names; *name != '\0'; name += strlen(name) + 1)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", name == names ? "" : ", ", name);
    tell("%s", line);
}

static scm_handle *attach(const char *reader)
{
    scm_handle *card;
    STEP(SCM_S_OK, scm_attach_by_ifd(reader, &card));
    tell("this handle survives all of the following");
    return card;
}

static void show_atr(scm_handle *card)
{
    uint8_t atr[SCM_ATR_MAX];
    size_t length;
    STEP(SCM_S_OK, scm_get_atr(card, atr, sizeof atr, &length));
    tell("%s", hex(atr, length));
}

static const char *state_name(uint32_t state)
{
    switch (state) {
    case SCM_STATE_ABSENT: return "absent";
    case SCM_STATE_PRESENT: return "present";
    case SCM_STATE_SWALLOWED: return "swallowed";
    case SCM_STATE_POWERED: return "powered";
    case SCM_STATE_NEGOTIABLEMODE: return "negotiable mode";
    case SCM_STATE_SPECIFICMODE: return "specific mode";
    default: return "a state that is not in scm.h";
    }
}

static const char *protocol_name(uint32_t protocol)
{
    switch (protocol) {
    case 0: return "no protocol";
    case SCM_PROTOCOL_T0: return "T=0";
    case SCM_PROTOCOL_T1: return "T=1";
    case SCM_PROTOCOL_RAW: return "raw";
    default: return "a protocol that is not in scm.h";
    }
}

static void show_status(scm_handle *card)
{
    uint32_t state, protocol;
    STEP(SCM_S_OK, scm_status(card, &state, &protocol));
    tell("%s, %s", state_name(state), protocol_name(protocol));
}

/* The generation grows by one with each event that may have made the card lose its selection and verifications. */
static void show_generation(scm_handle *card, uint64_t expected)
{
    uint64_t generation;
    STEP(SCM_S_OK, scm_get_generation(card, &generation));
    if (generation != expected)
        fail("scm_get_generation", "another number", "the number of losses so far");
    tell("%llu: %s", (unsigned long long)generation,
         generation == 0 ? "nothing has happened to the card yet" : "the card may have forgotten its state");
}

/* A command after an event: it is not sent to a changed card, and the code tells the reason. */
static void meet(scm_handle *card, scm_result expected)
{
    transmit(card, &read_greeting, expected);
    tell_failure("");
}

static void reconnect(scm_handle *card)
{
    STEP(SCM_S_OK, scm_reconnect(card));
    tell("the handle is usable again");
}

static void reconnect_in_vain(scm_handle *card, scm_result expected)
{
    STEP(expected, scm_reconnect(card));
    tell_failure("not yet: ");
}

static void detach(scm_handle *card)
{
    STEP(SCM_S_OK, scm_detach(card));
    tell("the card is left as it is");
    meet(card, SCM_E_HANDLE);
}

/* ---- The steps. ---- */

static scm_handle *use_a_card(const stage *stage, const char *reader)
{
    chapter("A card is used");
    find_readers();
    someone(stage->insert, "inserts a card into", reader);
    scm_handle *card = attach(reader);
    show_atr(card);
    show_status(card);
    work(card);
    show_generation(card, 0);
    return card;
}

static void live_through_a_reset(const stage *stage, scm_handle *card)
{
    chapter("Another program resets the card");
    someone(stage->reset, "resets", "the card");
    meet(card, SCM_SCARD_W_RESET_CARD);
    show_generation(card, 1);
    reconnect(card);
    ask(card, &is_code_verified, 0x63C3, ", not verified any more");
    work(card);
}

static void live_through_a_removal(const stage *stage, scm_handle *card)
{
    chapter("The card is removed, and inserted again");
    someone(stage->pull, "removes", "the card");
    meet(card, SCM_SCARD_W_REMOVED_CARD);
    show_status(card);
    show_generation(card, 2);
    reconnect_in_vain(card, SCM_SCARD_E_NO_SMARTCARD);
    someone(stage->insert, "inserts", "it again");
    reconnect(card);
    work(card);
}

static void live_through_a_broken_exchange(const stage *stage, scm_handle *card)
{
    chapter("The card is removed during a command");
    someone(stage->pull_in_next_command, "will remove the card", "during the next command");
    meet(card, SCM_SCARD_W_REMOVED_CARD);
    show_generation(card, 3);
    someone(stage->insert, "inserts", "it again");
    reconnect(card);
    work(card);
}

static void live_through_a_swap(const stage *stage, scm_handle *card)
{
    chapter("Another card is inserted");
    someone(stage->pull, "removes", "the card");
    someone(stage->insert_another, "inserts", "another one");
    meet(card, SCM_SCARD_W_REMOVED_CARD);
    show_generation(card, 4);
    STEP(SCM_S_FALSE, scm_reconnect(card));
    tell("usable, but another ATR answers:");
    show_atr(card);
    work(card);
}

static void live_through_a_restart(const stage *stage, scm_handle *card)
{
    chapter("The service stops, and starts again");
    someone(stage->stop_service, "stops", stage->service);
    meet(card, SCM_SCARD_E_NO_SERVICE);
    show_generation(card, 5);
    reconnect_in_vain(card, SCM_SCARD_E_NO_SERVICE);
    someone(stage->start_service, "starts again", stage->service);
    reconnect(card);
    work(card);
}

static void tell_story(const stage *stage)
{
    printf("libscm %s: one handle, and the events of its card\non %s\n", scm_version(), stage->title);
    const char *reader = stage->set();
    scm_handle *card = use_a_card(stage, reader);
    live_through_a_reset(stage, card);
    live_through_a_removal(stage, card);
    live_through_a_broken_exchange(stage, card);
    live_through_a_swap(stage, card);
    live_through_a_restart(stage, card);
    chapter("The end");
    detach(card);
    stage->strike();
}

int main(int count, char **arguments)
{
    if (count == 1) {
        tell_story(&virtual_stage);
    } else if (count == 2 && strcmp(arguments[1], "--pcscd") == 0) {
        tell_story(&pcscd_stage);
    } else {
        fprintf(stderr, "usage: demo [--pcscd]\n");
        return 2;
    }
    return 0;
}
