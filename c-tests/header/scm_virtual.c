/* As scm.c, for the virtual readers. */
#include "scm_virtual.h"
#include "scm_virtual.h"

#ifndef SCM_POWER_ON
#error "an enumerator is not visible to #ifdef"
#endif

extern const scm_virtual_ifd_options ifd;
extern const scm_virtual_card card;
extern const scm_virtual_failure failure;

const scm_virtual_ifd_options ifd = SCM_VIRTUAL_IFD_OPTIONS_INIT;
const scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
const scm_virtual_failure failure = SCM_VIRTUAL_FAILURE_INIT;
