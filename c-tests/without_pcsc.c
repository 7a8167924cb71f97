/* Runs where there is no libpcsclite: calls for the readers of the machine say what to install, and virtual readers
 * work. */
#include <scm.h>
#include <scm_virtual.h>

#include <stdio.h>
#include <string.h>

static const uint8_t ATR[] = {0x3B, 0x80, 0x80, 0x01, 0x01};
static int failures;

static void expect(const char *step, scm_result result, scm_result expected)
{
    if (result != expected) {
        printf("FAILED: %s gave %s, and not %s\n", step, scm_result_name(result), scm_result_name(expected));
        failures++;
    }
}

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response,
                           size_t capacity, size_t *response_length)
{
    (void)user, (void)command, (void)command_length, (void)capacity;
    memcpy(response, "\x90\x00", 2);
    *response_length = 2;
    return SCM_S_OK;
}

static void expect_advice(scm_result result)
{
    const char *message = scm_result_message(result);
    if (strstr(message, "libpcsclite1") == NULL) {
        printf("FAILED: the message of %s is: %s\n", scm_result_name(result), message);
        failures++;
    }
}

int main(void)
{
    scm_handle *card;
    scm_virtual_ifd *reader;
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    uint8_t answer[258];
    size_t length;

    expect("listing without readers", scm_list_ifds(NULL, 0, &length), SCM_SCARD_S_NO_SERVICE);
    expect_advice(SCM_SCARD_S_NO_SERVICE);
    expect("attaching to a real reader", scm_attach_by_ifd("A reader", &card), SCM_SCARD_E_NO_SERVICE);
    expect("attaching to a real handle", scm_attach_by_handle(1, &card), SCM_SCARD_E_NO_SERVICE);
    expect_advice(SCM_SCARD_E_NO_SERVICE);

    plug.atr = ATR;
    plug.atr_length = sizeof ATR;
    plug.transmit = transmit;
    expect("creating a virtual reader", scm_virtual_ifd_create("Virtual", NULL, &reader), SCM_S_OK);
    expect("inserting a card", scm_virtual_ifd_insert(reader, &plug), SCM_S_OK);
    expect("listing a virtual reader", scm_list_ifds(NULL, 0, &length), SCM_S_OK);
    expect("attaching", scm_attach_by_ifd("Virtual", &card), SCM_S_OK);
    expect("a command", scm_transmit(card, (const uint8_t *)"\x00\xA4\x00\x0C", 4, answer, sizeof answer, &length),
           SCM_S_OK);
    expect("detaching", scm_detach(card), SCM_S_OK);
    expect("destroying", scm_virtual_ifd_destroy(reader), SCM_S_OK);
    return failures != 0;
}
