/* The header needs no header before it, can be included twice, and its macros are valid C and C++. */
#include "scm.h"
#include "scm.h"

extern const scm_attach_options attach;
extern const scm_reconnect_options reconnect;
extern const scm_virtual_ifd_options ifd;
extern const scm_virtual_card card;
extern const scm_virtual_failure failure;
extern const scm_provider provider;
extern const scm_file_access_functions file_access;
extern const scm_ch_verification_functions ch_verification;
extern const scm_card_auth_functions card_auth;
extern const scm_guid iids[];
extern const int ok, failed;
extern const char version[];

const scm_attach_options attach = SCM_ATTACH_OPTIONS_INIT;
const scm_reconnect_options reconnect = SCM_RECONNECT_OPTIONS_INIT;
const scm_virtual_ifd_options ifd = SCM_VIRTUAL_IFD_OPTIONS_INIT;
const scm_virtual_card card = SCM_VIRTUAL_CARD_INIT;
const scm_virtual_failure failure = SCM_VIRTUAL_FAILURE_INIT;
const scm_provider provider = SCM_PROVIDER_INIT;
const scm_file_access_functions file_access = SCM_FILE_ACCESS_FUNCTIONS_INIT;
const scm_ch_verification_functions ch_verification = SCM_CH_VERIFICATION_FUNCTIONS_INIT;
const scm_card_auth_functions card_auth = SCM_CARD_AUTH_FUNCTIONS_INIT;
const scm_guid iids[] = {SCM_IID_FILE_ACCESS, SCM_IID_CH_VERIFICATION, SCM_IID_CARD_AUTH};
const int ok = SCM_SUCCEEDED(SCM_S_OK);
const int failed = SCM_FAILED(SCM_E_HANDLE);
const char version[] = SCM_VERSION;
