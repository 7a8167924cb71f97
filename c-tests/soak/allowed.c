#include "allowed.h"

#include <stddef.h>

enum { MAX = 32 };

/* The codes that a connection can give to any call: those of a connection in scm.h. The last four are those of a
 * reconnect that left no connection; they stay until there is one again. */
#define OF_A_CONNECTION                                                                                                \
    SCM_SCARD_W_RESET_CARD, SCM_SCARD_W_REMOVED_CARD, SCM_SCARD_W_UNPOWERED_CARD, SCM_SCARD_W_UNRESPONSIVE_CARD,       \
        SCM_SCARD_E_READER_UNAVAILABLE, SCM_SCARD_E_NO_SERVICE, SCM_SCARD_E_INVALID_HANDLE,                            \
        SCM_SCARD_E_SHARING_VIOLATION, SCM_SCARD_F_COMM_ERROR, SCM_SCARD_E_NOT_READY, SCM_SCARD_E_CANCELLED,           \
        SCM_SCARD_E_SERVER_TOO_BUSY, SCM_SCARD_E_PROTO_MISMATCH, SCM_SCARD_W_UNSUPPORTED_CARD, SCM_SCARD_E_TIMEOUT

static const struct {
    const char *name;
    scm_result codes[MAX]; /* up to SCM_S_OK */
} ALLOWED[CALLS] = {
    [ATTACH] = {"attach", {SCM_SCARD_E_UNKNOWN_READER, SCM_SCARD_E_NO_SMARTCARD, OF_A_CONNECTION}},
    /* An attachment without a connection has no valid card handle. */
    [BORROW] = {"attach by handle", {SCM_E_INVALIDARG, SCM_SCARD_E_NO_SMARTCARD, OF_A_CONNECTION}},
    /* A broken exchange: the card is there, and gave no proper response. */
    [TRANSMIT] = {"transmit", {SCM_SCARD_E_NOT_TRANSACTED, SCM_SCARD_E_COMM_DATA_LOST, OF_A_CONNECTION}},
    [TRANSMIT_EX] = {"transmit_ex", {SCM_SCARD_E_NOT_TRANSACTED, SCM_SCARD_E_COMM_DATA_LOST, OF_A_CONNECTION}},
    [LOCK] = {"lock", {OF_A_CONNECTION}},
    [LOCK_EX] = {"lock_ex", {OF_A_CONNECTION}},
    /* The lock was lost, with the card or before. */
    [UNLOCK] = {"unlock", {SCM_SCARD_E_NOT_TRANSACTED, OF_A_CONNECTION}},
    [STATUS] = {"status", {OF_A_CONNECTION}},
    [RECONNECT] = {"reconnect", {SCM_S_FALSE, SCM_SCARD_E_NO_SMARTCARD, OF_A_CONNECTION}},
    [RECONNECT_EX] = {"reconnect_ex", {SCM_S_FALSE, SCM_SCARD_E_NO_SMARTCARD, OF_A_CONNECTION}},
    /* The handle of another thread, which may be gone. */
    [CANCEL] = {"cancel", {SCM_E_HANDLE}},
    [DETACH] = {"detach", {SCM_S_OK}},
};

const char *call_name(enum call call)
{
    return ALLOWED[call].name;
}

bool is_allowed(enum call call, scm_result result)
{
    if (result == SCM_S_OK)
        return true;
    for (size_t i = 0; ALLOWED[call].codes[i] != SCM_S_OK; i++)
        if (ALLOWED[call].codes[i] == result)
            return true;
    return false;
}
