#include <stdio.h>
#include <string.h>
#include <scm.h>

/* Prints what is wrong and what helps. */
static void complain(const char *what, scm_result result)
{
    const char *advice = "";
    switch (result) {
    case SCM_SCARD_S_NO_SERVICE:
    case SCM_SCARD_E_NO_SERVICE:
        advice = " Start it: sudo systemctl start pcscd.socket (if it runs, polkit does not let you use it)";
        break;
    case SCM_SCARD_W_SECURITY_VIOLATION:
        advice = " Polkit does not let you use pcscd: try sudo, or add a rule.";
        break;
    case SCM_SCARD_E_NO_READERS_AVAILABLE: advice = " Plug one in."; break;
    case SCM_SCARD_E_NO_SMARTCARD: advice = " Put one in."; break;
    case SCM_SCARD_E_SHARING_VIOLATION:
        advice = " End that application, such as scdaemon: gpgconf --kill scdaemon";
        break;
    }
    fprintf(stderr, "%s: %s%s (%s)\n", what, scm_result_message(result), advice, scm_result_name(result));
}

int main(void)
{
    const uint8_t command[] = {0x00, 0xA4, 0x04, 0x00, 0x06, 0xD2, 0x76, 0x00, 0x01, 0x24, 0x01, 0x00};
    uint8_t answer[258];
    char names[4096] = "";
    size_t length;
    scm_handle *card = NULL;

    scm_result result = scm_list_ifds(names, sizeof names, &length);
    if (*names == '\0')
        complain("readers", result == SCM_S_OK ? SCM_SCARD_E_NO_READERS_AVAILABLE : result);
    for (char *name = names; card == NULL && *name != '\0'; name += strlen(name) + 1) {
        result = scm_attach_by_ifd(name, &card);
        if (SCM_FAILED(result))
            complain(name, result);
    }
    if (card == NULL)
        return 1;

    result = scm_transmit(card, command, sizeof command, answer, sizeof answer, &length);
    /* After a reset, or a removal and insertion, the same card has no state: the program may send its first command
     * again. After any other failure only the card knows whether it executed the command. */
    if ((result == SCM_SCARD_W_RESET_CARD || result == SCM_SCARD_W_REMOVED_CARD) && scm_reconnect(card) == SCM_S_OK)
        result = scm_transmit(card, command, sizeof command, answer, sizeof answer, &length);
    if (SCM_FAILED(result))
        complain("the command", result);
    for (size_t i = 0; i < length; i++)
        printf("%02X%c", answer[i], i + 1 < length ? ' ' : '\n');
    scm_detach(card);
    return SCM_FAILED(result);
}
