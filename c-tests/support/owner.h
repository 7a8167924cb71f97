/* A card handle with an owner other than the library, as of a program that connects the card itself and attaches by
 * handle. On the stack the owner makes PC/SC calls. Virtual readers are not visible to PC/SC, so the owner there is
 * another attachment, which lends its card handle. */
#ifndef OWNER_H
#define OWNER_H

#include <PCSC/winscard.h>

#include "check.h"

struct owner {
    uintptr_t icc, context;
    scm_handle *attachment; /* NULL on the stack */
};

/* A code of PC/SC, which is as wide as a long. */
static inline scm_result code_of(LONG code)
{
    return (scm_result)(uint32_t)code;
}

static inline struct owner connect_card(int reader)
{
    struct owner owner = {0};
    SCARDCONTEXT context;
    SCARDHANDLE icc;
    DWORD protocol;
    if (bed_is_virtual()) {
        owner.attachment = attach(reader);
        assert_result(scm_get_icc(owner.attachment, &owner.icc), SCM_S_OK);
        assert_result(scm_get_context(owner.attachment, &owner.context), SCM_S_OK);
        return owner;
    }
    assert_int_equal(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context), SCARD_S_SUCCESS);
    assert_int_equal(SCardConnect(context, bed_ifd(reader), SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                                  &icc, &protocol),
                     SCARD_S_SUCCESS);
    owner.context = (uintptr_t)context;
    owner.icc = (uintptr_t)icc;
    return owner;
}

static inline scm_result owner_status(const struct owner *owner)
{
    DWORD state, protocol;
    uint32_t card_state, active;
    if (owner->attachment != NULL)
        return scm_status(owner->attachment, &card_state, &active);
    return code_of(SCardStatus((SCARDHANDLE)owner->icc, NULL, NULL, &state, &protocol, NULL, NULL));
}

/* PC/SC does not tell whether it is another card. */
static inline scm_result owner_reconnect(const struct owner *owner)
{
    DWORD protocol;
    if (owner->attachment != NULL) {
        scm_result result = scm_reconnect(owner->attachment);
        return result == SCM_S_FALSE ? SCM_S_OK : result;
    }
    return code_of(SCardReconnect((SCARDHANDLE)owner->icc, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                                  SCARD_LEAVE_CARD, &protocol));
}

static inline scm_result owner_unlock(const struct owner *owner)
{
    if (owner->attachment != NULL)
        return scm_unlock(owner->attachment, SCM_DISPOSITION_LEAVE);
    return code_of(SCardEndTransaction((SCARDHANDLE)owner->icc, SCARD_LEAVE_CARD));
}

static inline scm_result owner_disconnect(struct owner *owner)
{
    scm_handle *attachment = owner->attachment;
    owner->attachment = NULL;
    if (attachment != NULL)
        return scm_detach(attachment);
    return code_of(SCardDisconnect((SCARDHANDLE)owner->icc, SCARD_LEAVE_CARD));
}

/* Releases its context, and with it all its connections. */
static inline void owner_release(struct owner *owner)
{
    if (owner->attachment != NULL)
        assert_result(owner_disconnect(owner), SCM_S_OK);
    else if (owner->context != 0)
        assert_result(code_of(SCardReleaseContext((SCARDCONTEXT)owner->context)), SCM_S_OK);
    owner->context = 0;
}

/* True if the context is valid. A virtual one cannot be asked. */
static inline bool owner_has_context(const struct owner *owner)
{
    return !handles_are_those_of_pcsc() || SCardIsValidContext((SCARDCONTEXT)owner->context) == SCARD_S_SUCCESS;
}

/* Releases all that the owner still has. */
static inline void owner_leave(struct owner *owner)
{
    if (owner->attachment != NULL)
        assert_result(scm_detach(owner->attachment), SCM_S_OK);
    else if (!bed_is_virtual() && owner->context != 0)
        SCardReleaseContext((SCARDCONTEXT)owner->context);
}

#endif
