/* Attach by name, and detach. */
#include <stdbool.h>
#include <time.h>

#include "support/check.h"
#include "support/owner.h"
#include "scm_virtual.h"

#define CARD 0
#define EMPTY 1

static scm_result attach_ex(int reader, uint32_t share_mode, uint32_t protocols, scm_handle **handle)
{
    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.share_mode = share_mode;
    options.protocols = protocols;
    return scm_attach_by_ifd_ex(bed_ifd(reader), &options, handle);
}

static void by_ifd_reaches_the_card(void **state)
{
    (void)state;
    scm_handle *handle = attach(CARD);
    assert_result(echo(handle), SCM_S_OK);
    assert_int_equal(generation(handle), 0);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_name_that_cannot_be_one_is_refused(void **state)
{
    (void)state;
    char longest[SCM_IFD_NAME_MAX + 1], over_long[SCM_IFD_NAME_MAX + 2];
    memset(longest, 'x', sizeof longest);
    memset(over_long, 'x', sizeof over_long);
    longest[sizeof longest - 1] = over_long[sizeof over_long - 1] = '\0';
    const char *wrong[] = {NULL, "", over_long, "caf\xE9"};
    for (size_t i = 0; i < 4; i++) {
        scm_handle *handle = (scm_handle *)&handle;
        assert_result(scm_attach_by_ifd(wrong[i], &handle), SCM_E_INVALIDARG);
        assert_null(handle);
    }
    scm_handle *handle = (scm_handle *)&handle;
    assert_result(scm_attach_by_ifd(longest, &handle), SCM_SCARD_E_UNKNOWN_READER);
    assert_null(handle);
    assert_result(scm_attach_by_ifd("No such reader 00 00", &handle), SCM_SCARD_E_UNKNOWN_READER);
    assert_result(scm_attach_by_ifd("", NULL), SCM_E_POINTER);
}

static void a_reader_without_a_card(void **state)
{
    (void)state;
    scm_handle *handle = (scm_handle *)&handle;
    assert_result(scm_attach_by_ifd(bed_ifd(EMPTY), &handle), SCM_SCARD_E_NO_SMARTCARD);
    assert_null(handle);

    uint32_t card_state, protocol;
    size_t length = 77;
    uint8_t response[2];
    assert_result(attach_ex(EMPTY, SCM_SHARE_DIRECT, 0, &handle), SCM_S_OK);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(card_state, SCM_STATE_ABSENT);
    assert_int_equal(protocol, 0);
    assert_result(scm_get_atr(handle, NULL, 0, &length), SCM_S_OK);
    assert_int_equal(length, 0);
    assert_result(scm_transmit(handle, (const uint8_t *)"\0\xA4\0\0", 4, response, 2, &length),
                  SCM_SCARD_E_PROTO_MISMATCH);
    assert_result(scm_lock(handle), SCM_S_OK);
    assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);

    /* The card comes, and the attachment moves over to it. */
    scm_reconnect_options shared = SCM_RECONNECT_OPTIONS_INIT;
    shared.share_mode = SCM_SHARE_SHARED;
    assert_result(scm_reconnect_ex(handle, &shared), SCM_SCARD_E_NO_SMARTCARD);
    bed("insert %d steerable", EMPTY);
    assert_result(scm_reconnect_ex(handle, &shared), SCM_S_FALSE);
    assert_result(echo(handle), SCM_S_OK);
    bed("remove %d", EMPTY);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void options_are_read_as_their_size_says(void **state)
{
    (void)state;
    scm_handle *handle;
    struct {
        scm_attach_options known;
        uint32_t later;
    } newer = {SCM_ATTACH_OPTIONS_INIT, 0};

    newer.known.struct_size = sizeof newer;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &newer.known, &handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    newer.later = 1;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &newer.known, &handle), SCM_E_INVALIDARG);
    assert_null(handle);
    newer.known.struct_size = sizeof newer.known - 1;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &newer.known, &handle), SCM_E_INVALIDARG);
    newer.known.struct_size = UINT32_MAX;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &newer.known, &handle), SCM_E_INVALIDARG);
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), NULL, &handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), NULL, NULL), SCM_E_POINTER);
    assert_result(scm_attach_by_handle_ex(1, NULL, NULL), SCM_E_POINTER);
}

static void values_that_are_not_defined_are_refused(void **state)
{
    (void)state;
    scm_handle *handle;
    assert_result(attach_ex(CARD, 4, 0, &handle), SCM_E_INVALIDARG);
    assert_result(attach_ex(CARD, 0, 4, &handle), SCM_E_INVALIDARG);
    assert_result(attach_ex(CARD, 0, SCM_PROTOCOL_RAW | 0x100, &handle), SCM_E_INVALIDARG);

    scm_attach_options options = SCM_ATTACH_OPTIONS_INIT;
    options.flags = SCM_ATTACH_ADOPT;
    assert_result(scm_attach_by_ifd_ex(bed_ifd(CARD), &options, &handle), SCM_E_INVALIDARG);
    assert_null(handle);
    options.flags = 2;
    struct owner own = connect_card(CARD);
    assert_result(scm_attach_by_handle_ex(own.icc, &options, &handle), SCM_E_INVALIDARG);
    assert_null(handle);
    assert_result(owner_status(&own), SCM_S_OK);
    owner_leave(&own);
}

static void protocols_are_asked_for_and_told(void **state)
{
    (void)state;
    scm_handle *handle;
    uint32_t card_state, protocol;
    assert_result(attach_ex(CARD, 0, SCM_PROTOCOL_T0, &handle), SCM_SCARD_E_PROTO_MISMATCH);
    assert_null(handle);
    assert_result(attach_ex(CARD, 0, SCM_PROTOCOL_T1, &handle), SCM_S_OK);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_in_range(card_state, SCM_STATE_NEGOTIABLEMODE, SCM_STATE_SPECIFICMODE);
    assert_int_equal(protocol, SCM_PROTOCOL_T1);
    assert_result(scm_detach_ex(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
    assert_result(attach_ex(CARD, 0, SCM_PROTOCOL_RAW, &handle), SCM_S_OK);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(protocol, SCM_PROTOCOL_RAW);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach_ex(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
}

static void the_protocols_are_those_of_the_atr(void **state)
{
    (void)state;
    const uint32_t asked[] = {0, SCM_PROTOCOL_T0, SCM_PROTOCOL_T1, SCM_PROTOCOL_RAW};
    const struct {
        const char *atr;
        uint32_t active[4]; /* 0: SCM_SCARD_E_PROTO_MISMATCH */
    } cards[] = {
        {"3B00", {SCM_PROTOCOL_T0, SCM_PROTOCOL_T0, 0, SCM_PROTOCOL_RAW}},
        {"3B830173636DFF", {SCM_PROTOCOL_T1, 0, SCM_PROTOCOL_T1, SCM_PROTOCOL_RAW}},
        {"3B80800101", {SCM_PROTOCOL_T1, SCM_PROTOCOL_T0, SCM_PROTOCOL_T1, SCM_PROTOCOL_RAW}},
        {"3BD0180080811F03D5", {SCM_PROTOCOL_T1, SCM_PROTOCOL_T0, SCM_PROTOCOL_T1, SCM_PROTOCOL_RAW}},
        {"3B820F01028E", {0, 0, 0, SCM_PROTOCOL_RAW}},
    };
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
        bed("insert %d steerable %s", EMPTY, cards[i].atr);
        for (size_t j = 0; j < 4; j++) {
            scm_handle *handle;
            uint32_t card_state, protocol, active = cards[i].active[j];
            assert_result(attach_ex(EMPTY, 0, asked[j], &handle), active == 0 ? SCM_SCARD_E_PROTO_MISMATCH : SCM_S_OK);
            if (active == 0)
                continue;
            assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
            assert_int_equal(protocol, active);
            assert_result(scm_detach_ex(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
        }
        bed("remove %d", EMPTY);
    }
}

/* The steps of the guide. */
static void reset_from_the_reader(int reader, uint32_t protocols, uint32_t expected)
{
    scm_reconnect_options options = SCM_RECONNECT_OPTIONS_INIT;
    scm_handle *handle;
    uint32_t card_state, protocol;
    options.share_mode = SCM_SHARE_SHARED;
    options.protocols = protocols;
    options.initial_action = SCM_DISPOSITION_RESET;
    assert_result(attach_ex(reader, SCM_SHARE_DIRECT, 0, &handle), SCM_S_OK);
    assert_result(scm_reconnect_ex(handle, &options), SCM_S_OK);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(protocol, expected);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_protocol_stays_until_a_reset(void **state)
{
    (void)state;
    const struct {
        const char *atr;
        uint32_t left, wanted, active;
    } cards[] = {
        {"3B00", SCM_PROTOCOL_RAW, 0, SCM_PROTOCOL_T0},
        {"3B00", SCM_PROTOCOL_RAW, SCM_PROTOCOL_T0, SCM_PROTOCOL_T0},
        {"3B80800101", SCM_PROTOCOL_RAW, 0, SCM_PROTOCOL_T1},
        {"3B80800101", SCM_PROTOCOL_RAW, SCM_PROTOCOL_T0, SCM_PROTOCOL_T0},
        {"3B80800101", SCM_PROTOCOL_T1, SCM_PROTOCOL_T0, SCM_PROTOCOL_T0},
        {"3B80800101", SCM_PROTOCOL_T0, SCM_PROTOCOL_T1, SCM_PROTOCOL_T1},
    };
    assert_non_null(strstr(scm_result_message(SCM_SCARD_E_PROTO_MISMATCH), "until it is reset"));
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++) {
        scm_handle *reader, *handle;
        bed("insert %d steerable %s", EMPTY, cards[i].atr);
        /* As long as somebody is there pcscd does not turn the power off. */
        assert_result(attach_ex(EMPTY, SCM_SHARE_DIRECT, 0, &reader), SCM_S_OK);
        assert_result(attach_ex(EMPTY, 0, cards[i].left, &handle), SCM_S_OK);
        assert_result(scm_detach(handle), SCM_S_OK);
        for (int again = 0; again < 2; again++)
            assert_result(attach_ex(EMPTY, 0, cards[i].wanted, &handle), SCM_SCARD_E_PROTO_MISMATCH);
        assert_null(handle);
        assert_result(attach_ex(EMPTY, 0, cards[i].left, &handle), SCM_S_OK);
        assert_result(scm_detach(handle), SCM_S_OK);
        reset_from_the_reader(EMPTY, cards[i].wanted, cards[i].active);
        assert_result(attach_ex(EMPTY, 0, cards[i].wanted, &handle), SCM_S_OK);
        assert_result(echo(handle), SCM_S_OK);
        /* With the disposition that the guide names, nothing stays. */
        assert_result(scm_detach_ex(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
        assert_result(attach_ex(EMPTY, 0, cards[i].left, &handle), SCM_S_OK);
        assert_result(scm_detach_ex(handle, SCM_DISPOSITION_RESET), SCM_S_OK);
        assert_result(attach_ex(EMPTY, 0, cards[i].wanted, &handle), SCM_S_OK);
        assert_result(scm_detach(handle), SCM_S_OK);
        assert_result(scm_detach(reader), SCM_S_OK);
        bed("remove %d", EMPTY);
    }
}

/* A card that nobody uses loses its power, and its protocol with it; a try that fails for the protocol does not keep that away. */
static void pcscd_forgets_the_protocol_of_a_card_that_is_not_used(void **state)
{
    (void)state;
    if (bed_is_virtual())
        skip();
    scm_handle *handle;
    bed("insert %d steerable 3B00", EMPTY);
    assert_result(attach_ex(EMPTY, 0, SCM_PROTOCOL_RAW, &handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    scm_result result = scm_attach_by_ifd(bed_ifd(EMPTY), &handle);
    for (int seconds = 0; seconds < 20 && result == SCM_SCARD_E_PROTO_MISMATCH; seconds++) {
        const struct timespec second = {.tv_sec = 1}; /* each try is a use */
        nanosleep(&second, NULL);
        result = scm_attach_by_ifd(bed_ifd(EMPTY), &handle);
    }
    assert_result(result, SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    bed("remove %d", EMPTY);
}

/* pcscd lets one take the card raw from the others, who were not reset; a virtual reader does not. */
static void who_takes_a_card_raw_resets_it_for_nobody(void **state)
{
    (void)state;
    scm_reconnect_options reset = SCM_RECONNECT_OPTIONS_INIT;
    uint32_t card_state, protocol;
    scm_handle *handle = attach(CARD), *raw;
    reset.initial_action = SCM_DISPOSITION_RESET;
    assert_result(echo(handle), SCM_S_OK);
    scm_result taken = attach_ex(CARD, 0, SCM_PROTOCOL_RAW, &raw);
    if (bed_is_virtual()) {
        assert_result(taken, SCM_SCARD_E_PROTO_MISMATCH);
        assert_result(echo(handle), SCM_S_OK);
    } else {
        assert_result(taken, SCM_S_OK);
        for (int again = 0; again < 2; again++) {
            assert_result(echo(handle), SCM_SCARD_E_PROTO_MISMATCH);
            assert_int_equal(generation(handle), 0);
            assert_result(scm_reconnect(handle), SCM_SCARD_E_PROTO_MISMATCH);
        }
        assert_result(echo(raw), SCM_S_OK);
        assert_result(scm_detach_ex(raw, SCM_DISPOSITION_RESET), SCM_S_OK);
        assert_result(echo(handle), SCM_SCARD_W_RESET_CARD);
        assert_result(scm_reconnect(handle), SCM_S_OK);
        assert_result(echo(handle), SCM_S_OK);
        assert_result(attach_ex(CARD, 0, SCM_PROTOCOL_RAW, &raw), SCM_S_OK);
        assert_result(scm_detach(raw), SCM_S_OK);
    }
    assert_result(scm_reconnect_ex(handle, &reset), SCM_S_OK);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(protocol, SCM_PROTOCOL_T1);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void exclusive_is_exclusive(void **state)
{
    (void)state;
    scm_handle *mine, *theirs = (scm_handle *)&mine;
    assert_result(attach_ex(CARD, SCM_SHARE_EXCLUSIVE, 0, &mine), SCM_S_OK);
    assert_result(scm_attach_by_ifd(bed_ifd(CARD), &theirs), SCM_SCARD_E_SHARING_VIOLATION);
    assert_null(theirs);
    assert_result(scm_detach(mine), SCM_S_OK);
    theirs = attach(CARD);
    assert_result(attach_ex(CARD, SCM_SHARE_EXCLUSIVE, 0, &mine), SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(scm_detach(theirs), SCM_S_OK);
}

static void another_application_has_the_card(void **state)
{
    (void)state;
    scm_handle *handle;
    bed("hold %d exclusive", CARD);
    assert_result(scm_attach_by_ifd(bed_ifd(CARD), &handle), SCM_SCARD_E_SHARING_VIOLATION);
    assert_result(attach_ex(CARD, SCM_SHARE_DIRECT, 0, &handle), SCM_SCARD_E_SHARING_VIOLATION);
    bed("release %d reset", CARD);
    bed("hold %d shared", CARD);
    assert_result(attach_ex(CARD, SCM_SHARE_EXCLUSIVE, 0, &handle), SCM_SCARD_E_SHARING_VIOLATION);
    handle = attach(CARD);
    assert_result(echo(handle), SCM_S_OK);
    bed("release %d unpower", CARD);
    assert_result(echo(handle), SCM_SCARD_W_RESET_CARD);
    assert_result(scm_reconnect(handle), SCM_S_OK);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
}

static void a_mute_card_is_there_and_does_not_answer(void **state)
{
    (void)state;
    uint32_t card_state, protocol;
    scm_handle *handle, *before = attach(CARD);
    bed("card %d mute", CARD);
    bed("reset %d cold", CARD);
    assert_result(scm_attach_by_ifd(bed_ifd(CARD), &handle), SCM_SCARD_W_UNRESPONSIVE_CARD);
    assert_null(handle);
    assert_result(scm_reconnect(before), SCM_SCARD_W_UNRESPONSIVE_CARD);
    assert_result(echo(before), SCM_SCARD_W_RESET_CARD);
    assert_result(attach_ex(CARD, SCM_SHARE_DIRECT, 0, &handle), SCM_S_OK);
    assert_result(scm_status(handle, &card_state, &protocol), SCM_S_OK);
    assert_int_equal(card_state, SCM_STATE_SWALLOWED);
    assert_int_equal(protocol, 0);
    assert_result(scm_detach(handle), SCM_S_OK);

    bed("card %d unmute", CARD);
    assert_result(scm_reconnect(before), SCM_S_OK);
    assert_result(echo(before), SCM_S_OK);
    assert_int_equal(generation(before), 1);
    assert_result(scm_detach(before), SCM_S_OK);
}

static void a_virtual_reader_takes_nobodys_name(void **state)
{
    (void)state;
    scm_virtual_ifd *ifd;
    assert_result(scm_virtual_ifd_create(bed_ifd(CARD), NULL, &ifd), SCM_SCARD_E_DUPLICATE_READER);
    assert_null(ifd);
}

static void a_virtual_reader_stands_behind_the_others(void **state)
{
    (void)state;
    char names[8192];
    size_t length;
    scm_virtual_ifd *ifd;
    assert_result(scm_virtual_ifd_create("A name that comes first", NULL, &ifd), SCM_S_OK);
    assert_result(scm_list_ifds(names, sizeof names, &length), SCM_S_OK);
    const char *last = NULL;
    bool found = false;
    for (const char *name = names; *name != '\0'; name += strlen(name) + 1) {
        found |= strcmp(name, bed_ifd(CARD)) == 0;
        last = name;
    }
    assert_true(found);
    assert_string_equal(last, "A name that comes first");
    assert_result(scm_virtual_ifd_destroy(ifd), SCM_S_OK);
}

static void a_dead_handle_is_dead_everywhere(void **state)
{
    (void)state;
    static uint64_t not_a_handle;
    scm_handle *detached = attach(CARD);
    assert_result(scm_detach(detached), SCM_S_OK);
    scm_handle *dead[] = {NULL, detached, (scm_handle *)&not_a_handle, (scm_handle *)((uintptr_t)detached ^ 2),
                          (scm_handle *)UINTPTR_MAX};
    scm_handle *live = attach(CARD); /* most likely in the slot of the detached one */
    for (size_t i = 0; i < 5; i++) {
        scm_handle *handle = dead[i];
        uint8_t bytes[64] = {0};
        char text[64];
        size_t length = 77;
        uint32_t a = 77, b = 77;
        uint64_t number = 77;
        uintptr_t pointer = 77;
        assert_result(scm_detach(handle), SCM_E_HANDLE);
        assert_result(scm_detach_ex(handle, SCM_DISPOSITION_LEAVE), SCM_E_HANDLE);
        assert_result(scm_reconnect(handle), SCM_E_HANDLE);
        assert_result(scm_reconnect_ex(handle, NULL), SCM_E_HANDLE);
        assert_result(scm_lock(handle), SCM_E_HANDLE);
        assert_result(scm_unlock(handle, SCM_DISPOSITION_LEAVE), SCM_E_HANDLE);
        assert_result(scm_status(handle, &a, &b), SCM_E_HANDLE);
        assert_true(a == 0 && b == 0);
        assert_result(scm_transmit(handle, bytes, 4, bytes, sizeof bytes, &length), SCM_E_HANDLE);
        assert_int_equal(length, 0);
        length = 77;
        assert_result(scm_control(handle, 0, NULL, 0, bytes, sizeof bytes, &length), SCM_E_HANDLE);
        assert_int_equal(length, 0);
        length = 77;
        assert_result(scm_get_attribute(handle, 0, bytes, sizeof bytes, &length), SCM_E_HANDLE);
        assert_int_equal(length, 0);
        assert_result(scm_set_attribute(handle, 0, bytes, 1), SCM_E_HANDLE);
        length = 77;
        assert_result(scm_get_last_response(handle, bytes, sizeof bytes, &length), SCM_E_HANDLE);
        assert_int_equal(length, 0);
        length = 77;
        assert_result(scm_get_atr(handle, bytes, sizeof bytes, &length), SCM_E_HANDLE);
        assert_int_equal(length, 0);
        length = 77;
        assert_result(scm_get_ifd_name(handle, text, sizeof text, &length), SCM_E_HANDLE);
        assert_int_equal(length, 0);
        assert_result(scm_get_icc(handle, &pointer), SCM_E_HANDLE);
        assert_int_equal(pointer, 0);
        pointer = 77;
        assert_result(scm_get_context(handle, &pointer), SCM_E_HANDLE);
        assert_int_equal(pointer, 0);
        assert_result(scm_get_generation(handle, &number), SCM_E_HANDLE);
        assert_int_equal(number, 0);
    }
    assert_result(echo(live), SCM_S_OK);
    assert_result(scm_detach(live), SCM_S_OK);
}

static void detach_disposes_of_the_card(void **state)
{
    (void)state;
    scm_handle *watcher = attach(CARD);
    uint32_t resetting[] = {SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER};

    scm_handle *handle = attach(CARD);
    assert_result(scm_detach_ex(handle, 4), SCM_E_INVALIDARG);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach_ex(handle, SCM_DISPOSITION_LEAVE), SCM_S_OK);
    assert_result(echo(watcher), SCM_S_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_result(scm_detach_ex(attach(CARD), resetting[i]), SCM_S_OK);
        assert_result(echo(watcher), SCM_SCARD_W_RESET_CARD);
        assert_result(scm_reconnect(watcher), SCM_S_OK);
    }
    assert_result(scm_detach_ex(attach(CARD), SCM_DISPOSITION_EJECT), SCM_S_OK);
    assert_result(scm_detach(watcher), SCM_S_OK);
}

/* Somebody turned the power off, and somebody else reconnected in the way of PC/SC: pcscd leaves the card without power. */
static void a_card_without_power_is_attached(void **state)
{
    (void)state;
    struct owner own = connect_card(CARD);
    bed("reset %d cold", CARD);
    assert_result(owner_reconnect(&own), SCM_S_OK);
    scm_handle *handle = attach(CARD);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    owner_leave(&own);
}

/* A card that was reset, and that nobody has reconnected to, has no protocol yet. */
static void a_card_without_a_protocol_is_attached(void **state)
{
    (void)state;
    struct owner own = connect_card(CARD);
    bed("reset %d warm", CARD);
    scm_handle *handle = attach(CARD);
    assert_result(echo(handle), SCM_S_OK);
    assert_result(scm_detach(handle), SCM_S_OK);
    owner_leave(&own);
}

static void the_limit_of_the_daemon_has_a_code_of_its_own(void **state)
{
    (void)state;
    enum { MORE_THAN_THE_LIMIT = 250 };
    static scm_handle *handles[MORE_THAN_THE_LIMIT];
    size_t count = 0, length;
    scm_result result = SCM_S_OK;
    if (!service_limits_its_clients())
        skip();
    while (count < MORE_THAN_THE_LIMIT && result == SCM_S_OK) {
        result = scm_attach_by_ifd(bed_ifd(CARD), &handles[count]);
        count += result == SCM_S_OK;
    }
    assert_result(result, SCM_SCARD_E_SERVER_TOO_BUSY);
    assert_null(handles[count]);
    assert_in_range(count, 190, 200);
    assert_result(scm_list_ifds(NULL, 0, &length), SCM_SCARD_E_SERVER_TOO_BUSY);
    assert_int_equal(length, 0);

    /* Those that are in work on, and one that leaves makes room for one, as soon as the daemon has seen it leave. */
    scm_handle *next;
    assert_result(echo(handles[0]), SCM_S_OK);
    assert_result(scm_detach(handles[count - 1]), SCM_S_OK);
    do
        result = scm_attach_by_ifd(bed_ifd(CARD), &next);
    while (result == SCM_SCARD_E_SERVER_TOO_BUSY);
    assert_result(result, SCM_S_OK);
    assert_result(echo(next), SCM_S_OK);
    assert_result(scm_detach(next), SCM_S_OK);
    for (size_t i = 0; i + 1 < count; i++)
        assert_result(scm_detach(handles[i]), SCM_S_OK);
}

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_ifd_reaches_the_card),
        cmocka_unit_test(a_name_that_cannot_be_one_is_refused),
        cmocka_unit_test(a_reader_without_a_card),
        cmocka_unit_test(options_are_read_as_their_size_says),
        cmocka_unit_test(values_that_are_not_defined_are_refused),
        cmocka_unit_test(protocols_are_asked_for_and_told),
        cmocka_unit_test(a_protocol_stays_until_a_reset),
        cmocka_unit_test(pcscd_forgets_the_protocol_of_a_card_that_is_not_used),
        cmocka_unit_test(who_takes_a_card_raw_resets_it_for_nobody),
        cmocka_unit_test(the_protocols_are_those_of_the_atr),
        cmocka_unit_test(exclusive_is_exclusive),
        cmocka_unit_test(another_application_has_the_card),
        cmocka_unit_test(a_mute_card_is_there_and_does_not_answer),
        cmocka_unit_test(a_virtual_reader_takes_nobodys_name),
        cmocka_unit_test(a_virtual_reader_stands_behind_the_others),
        cmocka_unit_test(a_dead_handle_is_dead_everywhere),
        cmocka_unit_test(detach_disposes_of_the_card),
        cmocka_unit_test(a_card_without_power_is_attached),
        cmocka_unit_test(a_card_without_a_protocol_is_attached),
        cmocka_unit_test(the_limit_of_the_daemon_has_a_code_of_its_own),
    };
    return cmocka_run_group_tests(tests, insert_card, NULL);
}
