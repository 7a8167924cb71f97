/* Advice for users of programs that need a card: the problem, and what helps. It needs only scm.h; copy it. attach.c,
 * the first program of the README, contains a short form. */
#ifndef ADVICE_H
#define ADVICE_H

#include <stdio.h>
#include <string.h>
#include <scm.h>

/* Advice for an attach or a list. A code of the card itself has another meaning. */
static inline const char *advice(scm_result result)
{
    switch (result) {
    case SCM_SCARD_S_NO_SERVICE:
    case SCM_SCARD_E_NO_SERVICE:
        return "Start it: sudo systemctl start pcscd.socket, or sudo pcscd without systemd. "
               "If it runs, polkit does not let you use it: docs/remote.md has a rule.";
    case SCM_SCARD_W_SECURITY_VIOLATION:
        return "Polkit does not let you use pcscd: docs/remote.md has a rule. "
               "pcscd with its maximum of clients gives the same code.";
    case SCM_SCARD_E_SERVER_TOO_BUSY: return "End programs that use cards.";
    case SCM_SCARD_E_NO_READERS_AVAILABLE:
        return "Plug one in. If one is plugged in, journalctl -u pcscd may tell the problem.";
    case SCM_SCARD_E_UNKNOWN_READER: return "scm_list_ifds gives the valid names.";
    case SCM_SCARD_E_READER_UNAVAILABLE: return "Plug it in again.";
    case SCM_SCARD_E_NO_SMARTCARD: return "Put one in.";
    case SCM_SCARD_E_SHARING_VIOLATION: return "End that application. If it is scdaemon: gpgconf --kill scdaemon";
    case SCM_SCARD_E_PROTO_MISMATCH:
        return "If another program left the card with it: remove the card, and insert it again.";
    case SCM_SCARD_W_UNRESPONSIVE_CARD:
    case SCM_SCARD_W_UNPOWERED_CARD:
    case SCM_SCARD_W_UNSUPPORTED_CARD: return "Is it the right way round, and clean?";
    default: return "";
    }
}

static inline void complain(const char *what, scm_result result)
{
    fprintf(stderr, "%s: %s %s (%s)\n", what, scm_result_message(result), advice(result), scm_result_name(result));
}

/* Attaches to the card in a reader, or to the first card if `reader` is NULL. On failure it prints the problem and
 * returns NULL. */
static inline scm_handle *attach_or_complain(const char *reader)
{
    char names[4096] = "";
    size_t length;
    scm_handle *card = NULL;
    scm_result result = scm_list_ifds(names, sizeof names, &length);
    if (reader == NULL && *names == '\0')
        complain("readers", result == SCM_S_OK ? SCM_SCARD_E_NO_READERS_AVAILABLE : result);
    for (const char *name = reader == NULL ? names : reader; card == NULL && *name != '\0'; name += strlen(name) + 1) {
        result = scm_attach_by_ifd(name, &card);
        if (SCM_FAILED(result))
            complain(name, result);
        if (reader != NULL)
            break;
    }
    if (result == SCM_SCARD_E_UNKNOWN_READER && *names == '\0')
        complain("readers", SCM_SCARD_E_NO_READERS_AVAILABLE);
    else if (result == SCM_SCARD_E_UNKNOWN_READER)
        for (const char *name = names; *name != '\0'; name += strlen(name) + 1)
            fprintf(stderr, "    %s\n", name);
    return card;
}

#endif
