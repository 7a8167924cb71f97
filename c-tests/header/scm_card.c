/* Like scm.c, for the header of the test card. */
#include "scm_card.h"
#include "scm_card.h"

extern scm_result (*const transmit)(void *, const uint8_t *, size_t, uint8_t *, size_t, size_t *);
extern const size_t longest;

scm_result (*const transmit)(void *, const uint8_t *, size_t, uint8_t *, size_t, size_t *) = scm_card_transmit;
const size_t longest = SCM_CARD_RESPONSE_MAX;
