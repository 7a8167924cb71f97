/* As scm.c, for providers. */
#include "scm_provider.h"
#include "scm_provider.h"

extern const scm_provider provider;
extern const scm_file_access_functions file_access;
extern const scm_ch_verification_functions ch_verification;
extern const scm_card_auth_functions card_auth;

const scm_provider provider = SCM_PROVIDER_INIT;
const scm_file_access_functions file_access = SCM_FILE_ACCESS_FUNCTIONS_INIT;
const scm_ch_verification_functions ch_verification = SCM_CH_VERIFICATION_FUNCTIONS_INIT;
const scm_card_auth_functions card_auth = SCM_CARD_AUTH_FUNCTIONS_INIT;
