/* The header needs no other before it, may be included twice, and its macros are good C and C++. */
#include "scm.h"
#include "scm.h"

#ifndef SCM_E_HANDLE
#error "an enumerator is not visible to #ifdef"
#endif
#if SCM_VERSION_MAJOR < 0
#error "a version is not visible to #if"
#endif

extern const scm_attach_options attach;
extern const scm_reconnect_options reconnect;
extern const scm_command command;
extern const scm_send_options sending;
extern const scm_card_capabilities capabilities;
extern const scm_directory_options directory;
extern const scm_file_info info;
extern const scm_ch_verification_options ch_verification;
extern const scm_card_auth_options card_auth;
extern const scm_event event;
extern const scm_guid iids[];
extern const scm_guid *const exported_iids[];
extern const int ok, failed;
extern const uint32_t infinite, flags;
extern const char version[];
extern const uint8_t room[SCM_IFD_NAME_MAX + 1];

const scm_attach_options attach = SCM_ATTACH_OPTIONS_INIT;
const scm_reconnect_options reconnect = SCM_RECONNECT_OPTIONS_INIT;
const scm_command command = SCM_COMMAND_INIT;
const scm_send_options sending = SCM_SEND_OPTIONS_INIT;
const scm_card_capabilities capabilities = SCM_CARD_CAPABILITIES_INIT;
const scm_directory_options directory = SCM_DIRECTORY_OPTIONS_INIT;
const scm_file_info info = SCM_FILE_INFO_INIT;
const scm_ch_verification_options ch_verification = SCM_CH_VERIFICATION_OPTIONS_INIT;
const scm_card_auth_options card_auth = SCM_CARD_AUTH_OPTIONS_INIT;
const scm_event event = SCM_EVENT_INIT;
const scm_guid iids[] = {SCM_IID_FILE_ACCESS_INIT, SCM_IID_CH_VERIFICATION_INIT, SCM_IID_CARD_AUTH_INIT};
const scm_guid *const exported_iids[] = {&SCM_IID_FILE_ACCESS, &SCM_IID_CH_VERIFICATION, &SCM_IID_CARD_AUTH};
const int ok = SCM_SUCCEEDED(SCM_S_OK);
const int failed = SCM_FAILED(SCM_E_HANDLE);
const uint32_t infinite = SCM_INFINITE;
const uint32_t flags = SCM_FL_IHV_LOCAL | SCM_FL_SECURE_MESSAGING;
const char version[] = SCM_VERSION;
