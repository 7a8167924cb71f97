/* A unit test of card code, without a card, a reader or a daemon.
 *
 *     cc card_test.c $(pkg-config --cflags --libs scm) -o card_test && ./card_test
 *
 * Part one is card code as a program has it: read_text reads a file in several commands. Part two is a card, made of
 * callbacks, in the middle of whose commands things can happen. Part three lets them happen, and checks what read_text
 * makes of it. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <scm.h>
#include <scm_virtual.h>

/* ---- One: the code under test. In a program of yours it is in a file of its own. ---- */

/* Sends one command. An answer without 9000 is a failure to this program. */
static scm_result ask(scm_handle *card, const uint8_t *command, size_t command_length, char *data, size_t capacity,
                      size_t *length)
{
    uint8_t answer[258];
    size_t answer_length;
    *length = 0;
    scm_result result = scm_transmit(card, command, command_length, answer, sizeof answer, &answer_length);
    if (SCM_FAILED(result))
        return result;
    if (answer[answer_length - 2] != 0x90 || answer[answer_length - 1] != 0x00)
        return SCM_SCARD_E_FILE_NOT_FOUND;
    if (answer_length - 2 > capacity)
        return SCM_SCARD_E_INSUFFICIENT_BUFFER;
    *length = answer_length - 2;
    memcpy(data, answer, *length);
    return SCM_S_OK;
}

/* Selects the file EF01 and reads it, 8 bytes at a time, until an answer is shorter. */
static scm_result read_once(scm_handle *card, char *text, size_t capacity)
{
    static const uint8_t select[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0xEF, 0x01};
    size_t end = 0, length;
    scm_result result = ask(card, select, sizeof select, text, 0, &length);
    do {
        if (SCM_FAILED(result))
            return result;
        const uint8_t read_binary[] = {0x00, 0xB0, (uint8_t)(end >> 8), (uint8_t)end, 0x08};
        result = ask(card, read_binary, sizeof read_binary, text + end, capacity - 1 - end, &length);
        end += length;
    } while (length == 8);
    text[end] = '\0';
    return result;
}

/* Reads the text of the card. What it promises: the text is whole and from one card, or it is empty. When the card is lost
 * on the way (reset, pulled and put back, out of touch), it starts again from the beginning, three times at most. Another
 * card than before is none of its business: SCM_SCARD_E_UNKNOWN_CARD. */
static scm_result read_text(scm_handle *card, char *text, size_t capacity)
{
    scm_result result = SCM_S_OK;
    for (int tries = 0; tries < 3; tries++) {
        result = read_once(card, text, capacity);
        if (SCM_SUCCEEDED(result))
            return result;
        text[0] = '\0';
        scm_result reconnected = scm_reconnect(card);
        if (reconnected == SCM_S_FALSE)
            return SCM_SCARD_E_UNKNOWN_CARD;
        if (SCM_FAILED(reconnected))
            return reconnected;
    }
    return result;
}

/* ---- Two: a card, and a hand that does things to it while it is being asked. ---- */

typedef enum { NOTHING, PULL, PULL_AND_PUT_BACK, SWAP, RESET } deed;

typedef struct {
    scm_virtual_ifd *reader;
    uint8_t name;      /* which card it is: the one byte in its ATR that says so */
    bool selected;     /* the file is, until the power goes or a reset comes */
    unsigned commands; /* that it got */
    deed deed;         /* what happens in the middle ... */
    unsigned deed_at;  /* ... of this command */
} test_card;

static const char text_of_card[] = "Hello, card!";

/* SELECT of whatever, and READ BINARY of the file. The library lets no command through that is shorter than its header. */
static void answer(test_card *card, const uint8_t *command, uint8_t *response, size_t *length)
{
    size_t offset = (size_t)command[2] << 8 | command[3], rest = sizeof text_of_card - 1;
    unsigned status_word = 0x9000;
    if (command[1] == 0xA4) {
        card->selected = true;
    } else if (command[1] != 0xB0) {
        status_word = 0x6D00; /* no such command */
    } else if (!card->selected) {
        status_word = 0x6986; /* no file is selected */
    } else if (offset > rest) {
        status_word = 0x6B00; /* behind its end */
    } else {
        *length = rest - offset < 8 ? rest - offset : 8;
        memcpy(response, text_of_card + offset, *length);
    }
    response[(*length)++] = (uint8_t)(status_word >> 8);
    response[(*length)++] = (uint8_t)status_word;
}

/* The callbacks run on the thread that calls scm_transmit, so that what happens in here happens in the middle of an
 * exchange, every time, without a sleep or a second thread. */
static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response, size_t capacity,
                           size_t *response_length)
{
    test_card *card = user;
    (void)command_length, (void)capacity;
    if (++card->commands == card->deed_at) {
        if (card->deed == RESET)
            scm_virtual_ifd_reset(card->reader, SCM_DISPOSITION_RESET);
        else if (card->deed != NOTHING)
            scm_virtual_ifd_remove(card->reader);
    }
    answer(card, command, response, response_length);
    return SCM_S_OK;
}

static scm_result power(void *user, uint32_t event)
{
    test_card *card = user;
    (void)event;
    card->selected = false;
    return SCM_S_OK;
}

static void release(void *user);

static scm_result insert(test_card *card)
{
    const uint8_t atr[] = {0x3B, 0x81, 0x01, card->name, 0x80 ^ card->name}; /* T=1, one historical byte, checksum */
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    plug.atr = atr;
    plug.atr_length = sizeof atr;
    plug.user_data = card;
    plug.transmit = transmit;
    plug.power = power;
    plug.release = release;
    return scm_virtual_ifd_insert(card->reader, &plug);
}

/* The card is out of its reader, and no call is in it any more: the hand has it. */
static void release(void *user)
{
    test_card *card = user;
    deed done = card->deed;
    card->deed = NOTHING;
    if (done == SWAP)
        card->name = 'B';
    if (done == PULL_AND_PUT_BACK || done == SWAP)
        insert(card);
}

/* ---- Three: the tests. ---- */

static unsigned checks, failures;

static void check(bool holds, const char *what, int line)
{
    checks++;
    if (!holds) {
        failures++;
        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, line, what);
    }
}

#define CHECK(condition) check((condition), #condition, __LINE__)

/* The same for a call that gives a code; a failure shows it by name. */
static void check_result(scm_result came, scm_result expected, const char *call, int line)
{
    check(came == expected, call, line);
    if (came != expected)
        fprintf(stderr, "    it gave %s, not %s\n", scm_result_name(came), scm_result_name(expected));
}

#define CHECK_RESULT(call, expected) check_result((call), (expected), #call, __LINE__)

static scm_handle *set_up(test_card *card)
{
    scm_handle *handle;
    *card = (test_card){.name = 'A'};
    CHECK_RESULT(scm_virtual_ifd_create("Test reader", NULL, &card->reader), SCM_S_OK);
    CHECK_RESULT(insert(card), SCM_S_OK);
    CHECK_RESULT(scm_attach_by_ifd("Test reader", &handle), SCM_S_OK);
    CHECK_RESULT(scm_virtual_ifd_clear_log(card->reader), SCM_S_OK);
    return handle;
}

static void tear_down(test_card *card, scm_handle *handle)
{
    CHECK_RESULT(scm_detach(handle), SCM_S_OK);
    card->deed = NOTHING;
    CHECK_RESULT(scm_virtual_ifd_destroy(card->reader), SCM_S_OK);
}

static uint64_t generation(scm_handle *handle)
{
    uint64_t value;
    CHECK_RESULT(scm_get_generation(handle, &value), SCM_S_OK);
    return value;
}

/* What the reader was asked and what it answered, since it was made or its log cleared. */
static const char *log_of(const test_card *card)
{
    static char log[4096];
    size_t length;
    CHECK_RESULT(scm_virtual_ifd_get_log(card->reader, log, sizeof log, &length), SCM_S_OK);
    return log;
}

static void test_a_text_is_read(void)
{
    test_card card;
    char text[64];
    scm_handle *handle = set_up(&card);
    CHECK_RESULT(read_text(handle, text, sizeof text), SCM_S_OK);
    CHECK(strcmp(text, text_of_card) == 0);
    CHECK(generation(handle) == 0);
    CHECK(strcmp(log_of(&card), "transmit 00A4000C02EF01 -> 9000\n"
                                "transmit 00B0000008 -> 48656C6C6F2C20639000\n"
                                "transmit 00B0000808 -> 617264219000\n") == 0);
    tear_down(&card, handle);
}

static void test_a_card_that_is_pulled_is_reported(void)
{
    test_card card;
    char text[64];
    scm_handle *handle = set_up(&card);
    card.deed = PULL;
    card.deed_at = 2;
    CHECK_RESULT(read_text(handle, text, sizeof text), SCM_SCARD_E_NO_SMARTCARD);
    CHECK(text[0] == '\0');
    CHECK(generation(handle) == 1);
    CHECK(strstr(log_of(&card), "transmit 00B0000008 -> SCM_SCARD_W_REMOVED_CARD\n") != NULL);

    /* The handle waits for the card; it is up to the caller to read again. */
    CHECK_RESULT(insert(&card), SCM_S_OK);
    CHECK_RESULT(read_text(handle, text, sizeof text), SCM_S_OK);
    CHECK(strcmp(text, text_of_card) == 0);
    tear_down(&card, handle);
}

static void test_a_card_that_comes_back_is_read_from_the_beginning(void)
{
    test_card card;
    char text[64];
    scm_handle *handle = set_up(&card);
    card.deed = PULL_AND_PUT_BACK;
    card.deed_at = 3;
    CHECK_RESULT(read_text(handle, text, sizeof text), SCM_S_OK);
    CHECK(strcmp(text, text_of_card) == 0);
    CHECK(generation(handle) == 1);
    CHECK(card.commands == 6); /* three until it was pulled, and the same three again */
    tear_down(&card, handle);
}

static void test_halves_of_two_cards_are_no_text(void)
{
    test_card card;
    char text[64];
    scm_handle *handle = set_up(&card);
    card.deed = SWAP;
    card.deed_at = 3;
    CHECK_RESULT(read_text(handle, text, sizeof text), SCM_SCARD_E_UNKNOWN_CARD);
    CHECK(text[0] == '\0');
    CHECK(card.commands == 3); /* and none to the other card */
    tear_down(&card, handle);
}

/* What no card can be made to do, the reader can: here it loses the touch with its card. */
static void test_a_failure_of_the_reader_is_overcome_twice(void)
{
    test_card card;
    char text[64];
    scm_handle *handle = set_up(&card);
    CHECK_RESULT(scm_virtual_ifd_fail(card.reader, SCM_VIRTUAL_TRANSMIT, SCM_SCARD_F_COMM_ERROR, 1, 2), SCM_S_OK);
    CHECK_RESULT(read_text(handle, text, sizeof text), SCM_S_OK);
    CHECK(strcmp(text, text_of_card) == 0);
    CHECK(generation(handle) == 2);

    CHECK_RESULT(scm_virtual_ifd_fail(card.reader, SCM_VIRTUAL_TRANSMIT, SCM_SCARD_F_COMM_ERROR, 0, UINT32_MAX), SCM_S_OK);
    CHECK_RESULT(read_text(handle, text, sizeof text), SCM_SCARD_F_COMM_ERROR);
    CHECK(text[0] == '\0');
    CHECK(generation(handle) == 5);
    tear_down(&card, handle);
}

/* The tests above have chosen their moments. This one tries all there are. */
static void test_everything_at_every_moment(void)
{
    static const struct {
        deed deed;
        scm_result result;
        const char *text;
    } cases[] = {
        {PULL, SCM_SCARD_E_NO_SMARTCARD, ""},
        {PULL_AND_PUT_BACK, SCM_S_OK, text_of_card},
        {SWAP, SCM_SCARD_E_UNKNOWN_CARD, ""},
        {RESET, SCM_S_OK, text_of_card},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned moment = 1; moment <= 3; moment++) {
            test_card card;
            char text[64];
            scm_handle *handle = set_up(&card);
            card.deed = cases[i].deed;
            card.deed_at = moment;
            CHECK_RESULT(read_text(handle, text, sizeof text), cases[i].result);
            CHECK(strcmp(text, cases[i].text) == 0);
            CHECK(generation(handle) == 1);
            tear_down(&card, handle);
        }
    }
}

int main(void)
{
    test_a_text_is_read();
    test_a_card_that_is_pulled_is_reported();
    test_a_card_that_comes_back_is_read_from_the_beginning();
    test_halves_of_two_cards_are_no_text();
    test_a_failure_of_the_reader_is_overcome_twice();
    test_everything_at_every_moment();
    printf("%u checks, %u failed\n", checks, failures);
    return failures > 0;
}
