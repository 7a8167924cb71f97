/* The story of an attachment: a card is used, reset by someone else, pulled, put back, and its daemon restarted. Each
 * time the library says what happened, and scm_reconnect makes the same handle work again.
 *
 * scripts/demo.sh builds it and runs it beside a pcscd of its own, where `stack` plays everybody else: it puts the card
 * in and pulls it, resets it as another program would, and restarts the daemon. Everything else here is scm.h. */
#define _POSIX_C_SOURCE 200809L

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <scm.h>

#include "stack.h"

/* ---- Telling the story: every line has the time of its step, what was done, and what came of it. ---- */

static struct timespec step_began;
static double step_took;

static void start_clock(void)
{
    clock_gettime(CLOCK_MONOTONIC, &step_began);
}

static void stop_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    step_took = (double)(now.tv_sec - step_began.tv_sec) * 1e6 + (double)(now.tv_nsec - step_began.tv_nsec) / 1e3;
}

static void tell(const char *what, const char *format, ...)
{
    va_list arguments;
    bool is_long = step_took >= 1000;
    printf("%8.1f %s  %-18s ", is_long ? step_took / 1000 : step_took, is_long ? "ms" : "µs", what);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

static void chapter(const char *title)
{
    printf("\n%s\n", title);
}

/* Lets someone else do something to the card or the daemon. */
static void someone_else(const char *order, const char *what, const char *comment)
{
    start_clock();
    stack("%s", order);
    stop_clock();
    tell(what, "%s", comment);
}

static _Noreturn void fail(const char *call, const char *came, const char *expected)
{
    fflush(stdout);
    fprintf(stderr, "demo: %s\n      gave %s, not %s\n", call, came, expected);
    exit(1);
}

static scm_result check(scm_result result, scm_result expected, const char *call)
{
    stop_clock();
    if (result != expected)
        fail(call, scm_result_name(result), scm_result_name(expected));
    return result;
}

/* Makes a call of the library, takes its time, and ends the program unless it gives the result that is expected. */
#define STEP(expected, call) (start_clock(), check((call), (expected), #call))

static const char *hex(const uint8_t *bytes, size_t length)
{
    static char text[256];
    size_t end = 0;
    text[0] = '\0';
    for (size_t i = 0; i < length && end + 4 < sizeof text; i++)
        end += (size_t)snprintf(text + end, sizeof text - end, i == 0 ? "%02X" : " %02X", bytes[i]);
    return text;
}

/* ---- The card: it wants its application selected, and a code before it does anything of value. ---- */

typedef struct {
    const char *name;
    uint8_t bytes[16];
    size_t length;
} command;

static const command select_openpgp = {
    "SELECT OpenPGP", {0x00, 0xA4, 0x04, 0x00, 0x06, 0xD2, 0x76, 0x00, 0x01, 0x24, 0x01, 0x00}, 12};
static const command get_identifier = {"GET DATA 4F", {0x00, 0xCA, 0x00, 0x4F, 0x00}, 5};
static const command verify_code = {"VERIFY code", {0x00, 0x20, 0x00, 0x82, 0x06, '1', '2', '3', '4', '5', '6'}, 11};
static const command is_code_verified = {"VERIFY nothing", {0x00, 0x20, 0x00, 0x82}, 4};

typedef struct {
    uint8_t bytes[SCM_RESPONSE_MAX];
    size_t length;
} answer;

static answer got;

static scm_result transmit(scm_handle *card, const command *what)
{
    return scm_transmit(card, what->bytes, what->length, got.bytes, sizeof got.bytes, &got.length);
}

/* What the card itself says of a command is in the last two bytes of its answer; the library does not look at them. */
static void check_status_word(const char *name, unsigned expected)
{
    const uint8_t *end = got.bytes + got.length;
    unsigned came = got.length < 2 ? 0 : (unsigned)end[-2] << 8 | end[-1];
    char came_text[16], expected_text[16];
    snprintf(came_text, sizeof came_text, "%04X", came);
    snprintf(expected_text, sizeof expected_text, "%04X", expected);
    if (came != expected)
        fail(name, came_text, expected_text);
}

static void ask(scm_handle *card, const command *what, unsigned status_word, const char *comment)
{
    STEP(SCM_S_OK, transmit(card, what));
    check_status_word(what->name, status_word);
    tell(what->name, "%s%s", hex(got.bytes, got.length), comment);
}

static void work(scm_handle *card)
{
    ask(card, &select_openpgp, 0x9000, "");
    ask(card, &get_identifier, 0x9000, "");
    ask(card, &verify_code, 0x9000, "");
}

/* ---- The attachment. ---- */

/* The readers as the library lists them: each name with its NUL, and behind the last one a NUL more. */
static void find_readers(void)
{
    char names[1024];
    char line[2 * sizeof names] = "";
    size_t length;
    STEP(SCM_S_OK, scm_list_ifds(names, sizeof names, &length));
    for (const char *name = names; *name != '\0'; name += strlen(name) + 1)
        snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", name == names ? "" : ", ", name);
    tell("readers found", "%s", line);
}

static scm_handle *attach(const char *reader)
{
    scm_handle *card;
    STEP(SCM_S_OK, scm_attach_by_ifd(reader, &card));
    tell("attached", "%s", reader);
    return card;
}

static void show_atr(scm_handle *card)
{
    uint8_t atr[SCM_ATR_MAX];
    size_t length;
    STEP(SCM_S_OK, scm_get_atr(card, atr, sizeof atr, &length));
    tell("ATR", "%s", hex(atr, length));
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
    tell("status", "%s, %s", state_name(state), protocol_name(protocol));
}

/* The generation grows when the card may have forgotten what was selected and verified. */
static void show_generation(scm_handle *card, uint64_t expected)
{
    uint64_t generation;
    STEP(SCM_S_OK, scm_get_generation(card, &generation));
    if (generation != expected)
        fail("scm_get_generation", "another number", "the number of losses so far");
    tell("generation", "%llu%s", (unsigned long long)generation,
         generation == 0 ? "" : ": the card may have forgotten its state");
}

/* A command after something has happened: nothing is sent to a card that is not what it was, and the code says why. */
static void meet(scm_handle *card, scm_result expected)
{
    scm_result result = STEP(expected, transmit(card, &get_identifier));
    tell(get_identifier.name, "%s: %s", scm_result_name(result), scm_result_message(result));
}

static void reconnect(scm_handle *card)
{
    STEP(SCM_S_OK, scm_reconnect(card));
    tell("reconnected", "SCM_S_OK: the handle is as good as new, and the ATR is the same");
}

static void reconnect_in_vain(scm_handle *card, scm_result expected)
{
    scm_result result = STEP(expected, scm_reconnect(card));
    tell("not reconnected", "%s: %s", scm_result_name(result), scm_result_message(result));
}

static void detach(scm_handle *card)
{
    STEP(SCM_S_OK, scm_detach(card));
    tell("detached", "SCM_S_OK: the card is left as it is");
    scm_result result = STEP(SCM_E_HANDLE, transmit(card, &get_identifier));
    tell(get_identifier.name, "%s: %s", scm_result_name(result), scm_result_message(result));
}

/* ---- The story. ---- */

static scm_handle *use_a_card(void)
{
    const char *reader = stack_ifd(0); /* outside of a stack the story ends here */
    chapter("A card is used");
    find_readers();
    someone_else("insert 0 openpgp", "card put in", reader);
    scm_handle *card = attach(reader);
    show_atr(card);
    show_status(card);
    work(card);
    show_generation(card, 0);
    return card;
}

static void live_through_a_reset(scm_handle *card)
{
    chapter("Someone resets the card");
    someone_else("reset 0 warm", "card reset", "by another program");
    meet(card, SCM_SCARD_W_RESET_CARD);
    show_generation(card, 1);
    reconnect(card);
    ask(card, &is_code_verified, 0x63C3, ": not verified any more, three tries");
    work(card);
}

static void live_through_a_removal(scm_handle *card)
{
    chapter("Someone pulls the card, and puts it back");
    someone_else("remove 0", "card pulled", stack_ifd(0));
    meet(card, SCM_SCARD_W_REMOVED_CARD);
    show_status(card);
    show_generation(card, 2);
    reconnect_in_vain(card, SCM_SCARD_E_NO_SMARTCARD);
    someone_else("insert 0 openpgp", "card put back", stack_ifd(0));
    reconnect(card);
    work(card);
}

static void live_through_a_restart(scm_handle *card)
{
    chapter("Someone restarts the daemon");
    someone_else("daemon restart stop", "pcscd restarted", "as an upgrade would");
    meet(card, SCM_SCARD_E_NO_SERVICE);
    show_generation(card, 3);
    reconnect(card);
    work(card);
}

int main(void)
{
    printf("libscm %s: one handle, and what happens to its card\n", scm_version());
    scm_handle *card = use_a_card();
    live_through_a_reset(card);
    live_through_a_removal(card);
    live_through_a_restart(card);
    chapter("The end");
    detach(card);
    return 0;
}
