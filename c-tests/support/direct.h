/* A card handle as a program gets it that calls PC/SC itself. */
#ifndef DIRECT_H
#define DIRECT_H

#include <PCSC/winscard.h>

#include "check.h"

struct direct {
    SCARDCONTEXT context;
    SCARDHANDLE icc;
};

static inline struct direct direct_connect(int reader)
{
    struct direct direct;
    DWORD protocol;
    assert_int_equal(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &direct.context), SCARD_S_SUCCESS);
    assert_int_equal(SCardConnect(direct.context, stack_ifd(reader), SCARD_SHARE_SHARED,
                                  SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &direct.icc, &protocol),
                     SCARD_S_SUCCESS);
    return direct;
}

static inline LONG direct_status(struct direct direct)
{
    DWORD state, protocol;
    return SCardStatus(direct.icc, NULL, NULL, &state, &protocol, NULL, NULL);
}

#endif
