/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * scm_provider.h - libscm: implementations of interfaces, for a kind of card.
 *
 * Generated from include/scm_provider.h.in and the Rust source. Do not edit: see CONTRIBUTING.md.
 * The conventions are those of scm.h.
 */

#ifndef SCM_PROVIDER_H
#define SCM_PROVIDER_H

#include "scm.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @defgroup scm_providers Providers
 *
 * A provider implements files, codes, authentication, or an interface of its own, for the cards whose ATR it names.
 * Programs use it through scm.h and need not know of it.
 *
 * REGISTRATION. A registered provider makes the objects of its interface for every attachment of this process to one of
 * its cards. If several providers suit, the newest one is chosen. Objects that exist already do not change. The child
 * of a fork has the same providers. A registration copies the structure with its IID, name, ATR and mask, and the table
 * of functions. The memory behind `user_data` and the code of the functions must exist until `release_user_data` is
 * called. After a failure the library has called no function, and the provider is not registered.
 *
 * RESULT CODES OF THE GROUP. The functions of this group return no codes of a connection, and may return:
 * - `SCM_E_INVALIDARG`: `provider`, or a table of functions, is NULL; a `struct_size` is not the size of any version;
 *   `flags` is not 0; the IID, or the name, is that of another interface; the name is not valid; the ATR is too long,
 *   or NULL with a length; `create_object` is NULL.
 * - `SCM_E_OUTOFMEMORY`, `SCM_E_UNEXPECTED`: as everywhere.
 *
 * THREADS. Any thread may register and unregister providers at any time, also the functions of a provider.
 *
 * docs/providers.md is the guide; examples/provider.c is a program.
 *
 * @code
 * #include <scm.h>
 * #include <scm_provider.h>
 *
 * static scm_result create_object(void *user_data, scm_handle *handle, void *caller_user_data, void **object)
 * {
 *     (void)user_data, (void)caller_user_data;
 *     *object = handle;
 *     return SCM_S_OK;
 * }
 *
 * // This card withdraws what was verified by a command of its own.
 * static scm_result reset_security_state(void *object)
 * {
 *     static const uint8_t command[] = {0x80, 0x10, 0x00, 0x00};
 *     uint8_t response[258];
 *     size_t length;
 *     scm_result result =
 *         scm_transmit((scm_handle *)object, command, sizeof command, response, sizeof response, &length);
 *     if (SCM_FAILED(result))
 *         return result;
 *     return response[0] == 0x90 ? SCM_S_OK : SCM_E_FAIL;
 * }
 *
 * // For the cards of one ATR. All other functions of codes give SCM_E_NOTIMPL for them.
 * static scm_result register_codes(const uint8_t *atr, size_t atr_length)
 * {
 *     scm_ch_verification_functions functions = SCM_CH_VERIFICATION_FUNCTIONS_INIT;
 *     scm_provider provider = SCM_PROVIDER_INIT;
 *     functions.reset_security_state = reset_security_state;
 *     provider.atr = atr;
 *     provider.atr_length = atr_length;
 *     provider.create_object = create_object;
 *     return scm_register_ch_verification_provider(&provider, &functions);
 * }
 * @endcode
 * @{
 */

/**
 * An implementation of an interface for some cards, or for all. Initialise with `SCM_PROVIDER_INIT`.
 *
 * For these cards it replaces the generic implementation, or it adds an interface that the library does not know. Its
 * functions run on the thread that calls the library, without a lock of the library; several threads may run those of
 * one object at the same time. They may call every function of the library with the handle of the object, and so they
 * use the card. The callers get their codes, except `SCM_E_HANDLE` and `SCM_E_UNEXPECTED`, which become `SCM_E_FAIL`,
 * because only the library can say that about its objects.
 */
typedef struct scm_provider {
    /** `sizeof(scm_provider)`: tells the library which version of the structure this is. */
    uint32_t struct_size;
    /** 0 */
    uint32_t flags;
    /** The IID of the interface, or NULL. Files, codes and authentication need none; theirs is allowed. */
    const scm_guid *iid;
    /**
     * The name of the interface: UTF-8, 1 to `SCM_INTERFACE_NAME_MAX` bytes; or NULL. With an IID, and for files,
     * codes and authentication, it is another way to ask for the same interface. An interface of the program needs an
     * IID or a name.
     */
    const char *name;
    /** The ATR of the cards, up to `SCM_ATR_MAX` bytes; NULL with length 0 for every card. */
    const uint8_t *atr;
    /**
     * The bits of the ATR that count, in as many bytes; NULL if all count. The ATR of a card must have the same
     * length.
     */
    const uint8_t *atr_mask;
    /** The length of the ATR and of the mask. */
    size_t atr_length;
    /** The first argument of `create_object` and `release_user_data`. */
    void *user_data;
    /**
     * Makes an object for an attachment. Required. Its `object` is the first argument of the functions; NULL is
     * allowed. `caller_user_data` is the one of `scm_create_interface`, or NULL. A failure is the result of the call
     * that needs the object, and `release_object` is not called then. If this function asks for the same interface,
     * it gets the next provider or the generic implementation, so that a provider can extend these.
     */
    scm_result (*create_object)(void *user_data, scm_handle *handle, void *caller_user_data, void **object);
    /**
     * Ends an object, once, after its last function has returned. The attachment may have ended. NULL if there is
     * nothing to do.
     */
    void (*release_object)(void *object);
    /**
     * The last call, once: the provider is not registered any more, its last object is released, and no
     * `create_object` runs. NULL if there is nothing to do.
     */
    void (*release_user_data)(void *user_data);
} scm_provider;

/** `scm_provider` without values: set `create_object`. */
#define SCM_PROVIDER_INIT {sizeof(scm_provider), 0, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL}

/**
 * The files of a card, implemented by a provider. Initialise with `SCM_FILE_ACCESS_FUNCTIONS_INIT`.
 *
 * `object` is what `scm_provider.create_object` has made, and `file` is what `open` has made. Everything else is as
 * for the functions of the library. A function that is NULL returns `SCM_E_NOTIMPL`.
 */
typedef struct scm_file_access_functions {
    /** `sizeof(scm_file_access_functions)` */
    uint32_t struct_size;
    /** Changes the current directory. */
    scm_result (*change_dir)(void *object, uint32_t reference_type, const char *path);
    /** Gets its path; `path_length` counts the NUL. */
    scm_result (*get_current_dir)(void *object, char *path, size_t capacity, size_t *path_length);
    /** Lists its files, as a multi-string. */
    scm_result (*directory)(void *object, uint32_t file_type, char *names, size_t capacity, size_t *names_length);
    /**
     * Opens a file. Its `file` is the first argument of the functions of the file; NULL is allowed. `object` is
     * released after the last of its files was closed.
     */
    scm_result (*open)(void *object, uint32_t reference_type, const char *path, void **file);
    /** Creates a file or a directory. */
    scm_result (*create)(void *object,
                         uint32_t reference_type,
                         const char *path,
                         const uint8_t *properties,
                         size_t properties_length,
                         uint32_t flags,
                         const uint8_t *data,
                         size_t data_length);
    /** Deletes a file or a directory. */
    scm_result (*delete_file)(void *object, uint32_t reference_type, const char *path, uint32_t flags);
    /** Gets the properties of a file. */
    scm_result (*get_properties)(void *object,
                                 uint32_t reference_type,
                                 const char *path,
                                 const uint8_t *tags,
                                 size_t tags_length,
                                 uint32_t flags,
                                 uint8_t *properties,
                                 size_t capacity,
                                 size_t *properties_length);
    /** Sets properties of a file. */
    scm_result (*set_properties)(void *object,
                                 uint32_t reference_type,
                                 const char *path,
                                 const uint8_t *properties,
                                 size_t properties_length,
                                 uint32_t flags);
    /** Gets the capabilities of the file system. */
    scm_result (*get_file_capabilities)(void *object,
                                        const uint8_t *tags,
                                        size_t tags_length,
                                        uint32_t flags,
                                        uint8_t *capabilities,
                                        size_t capacity,
                                        size_t *capabilities_length);
    /** Deactivates a file. */
    scm_result (*invalidate)(void *object, const char *path, uint32_t flags);
    /** Activates a file again. */
    scm_result (*rehabilitate)(void *object, const char *path, uint32_t flags);
    /** Reads from a file. */
    scm_result (*read)(void *file, uint8_t *data, size_t capacity, size_t *data_length, uint32_t flags);
    /** Writes to a file. */
    scm_result (*write)(void *file, const uint8_t *data, size_t data_length, uint32_t flags, size_t *written_length);
    /** Moves the position in a file. */
    scm_result (*seek)(void *file, int64_t offset, uint32_t origin);
    /** Tells the position in a file. */
    scm_result (*tell)(void *file, uint64_t *position);
    /** Gets the size of a file. */
    scm_result (*get_size)(void *file, uint64_t *size);
    /**
     * Ends `file`, once, after its last function has returned. The attachment may have ended. NULL if there is nothing
     * to do.
     */
    scm_result (*close)(void *file);
} scm_file_access_functions;

/** `scm_file_access_functions` without any function. */
#define SCM_FILE_ACCESS_FUNCTIONS_INIT \
    {sizeof(scm_file_access_functions), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
     NULL, NULL, NULL, NULL}

/**
 * Registers a provider of files: from now on it makes the objects of `scm_create_file_access` for its cards.
 *
 * @param provider  the provider; copied
 * @param functions  the functions for files; copied
 *
 * @return `SCM_S_OK`: registered; or one of the result codes of the group
 *
 * Does not block.
 *
 * @see scm_unregister_provider, scm_create_file_access
 */
SCM_API
scm_result scm_register_file_access_provider(const scm_provider *provider,
                                             const scm_file_access_functions *functions);

/**
 * The codes of a card, implemented by a provider. Initialise with `SCM_CH_VERIFICATION_FUNCTIONS_INIT`.
 *
 * `object` is what `scm_provider.create_object` has made. Everything else is as for the functions of the library. A
 * function that is NULL returns `SCM_E_NOTIMPL`.
 */
typedef struct scm_ch_verification_functions {
    /** `sizeof(scm_ch_verification_functions)` */
    uint32_t struct_size;
    /** Verifies a code. `retries_left` is never NULL. */
    scm_result (*verify)(void *object,
                         const uint8_t *code,
                         size_t code_length,
                         uint32_t flags,
                         uint32_t reference,
                         uint32_t *retries_left);
    /** Replaces an old code by a new one. */
    scm_result (*change_code)(void *object,
                              const uint8_t *old_code,
                              size_t old_code_length,
                              const uint8_t *new_code,
                              size_t new_code_length,
                              uint32_t flags,
                              uint32_t reference,
                              uint32_t *retries_left);
    /** Unblocks a code, and gives it a new value. */
    scm_result (*unblock)(void *object,
                          const uint8_t *unblocking_code,
                          size_t unblocking_code_length,
                          const uint8_t *new_code,
                          size_t new_code_length,
                          uint32_t flags,
                          uint32_t reference,
                          uint32_t *retries_left);
    /** Withdraws everything that was verified. */
    scm_result (*reset_security_state)(void *object);
} scm_ch_verification_functions;

/** `scm_ch_verification_functions` without any function. */
#define SCM_CH_VERIFICATION_FUNCTIONS_INIT {sizeof(scm_ch_verification_functions), NULL, NULL, NULL, NULL}

/**
 * Registers a provider of codes: from now on it makes the objects of `scm_create_ch_verification` for its cards.
 *
 * @param provider  the provider; copied
 * @param functions  the functions for codes; copied
 *
 * @return `SCM_S_OK`: registered; or one of the result codes of the group
 *
 * Does not block.
 *
 * @see scm_unregister_provider, scm_create_ch_verification
 */
SCM_API
scm_result scm_register_ch_verification_provider(const scm_provider *provider,
                                                 const scm_ch_verification_functions *functions);

/**
 * The authentication of a card, implemented by a provider. Initialise with `SCM_CARD_AUTH_FUNCTIONS_INIT`.
 *
 * `object` is what `scm_provider.create_object` has made. Everything else is as for the functions of the library. A
 * function that is NULL returns `SCM_E_NOTIMPL`.
 */
typedef struct scm_card_auth_functions {
    /** `sizeof(scm_card_auth_functions)` */
    uint32_t struct_size;
    /** Gets a challenge from the card. */
    scm_result (*get_challenge)(void *object,
                                uint32_t algorithm,
                                const uint8_t *parameters,
                                size_t parameters_length,
                                uint8_t *challenge,
                                size_t capacity,
                                size_t *challenge_length);
    /** Proves the application to the card. */
    scm_result (*app_auth)(void *object,
                           uint32_t algorithm,
                           const uint8_t *parameters,
                           size_t parameters_length,
                           const uint8_t *data,
                           size_t data_length);
    /** Proves the card to the application. */
    scm_result (*icc_auth)(void *object,
                           uint32_t algorithm,
                           const uint8_t *parameters,
                           size_t parameters_length,
                           const uint8_t *data,
                           size_t data_length,
                           uint8_t *answer,
                           size_t capacity,
                           size_t *answer_length);
    /** Proves the user to the card. */
    scm_result (*user_auth)(void *object,
                            uint32_t algorithm,
                            const uint8_t *parameters,
                            size_t parameters_length,
                            const uint8_t *data,
                            size_t data_length);
} scm_card_auth_functions;

/** `scm_card_auth_functions` without any function. */
#define SCM_CARD_AUTH_FUNCTIONS_INIT {sizeof(scm_card_auth_functions), NULL, NULL, NULL, NULL}

/**
 * Registers a provider of authentication: from now on it makes the objects of `scm_create_card_auth` for its cards.
 *
 * @param provider  the provider; copied
 * @param functions  the functions for authentication; copied
 *
 * @return `SCM_S_OK`: registered; or one of the result codes of the group
 *
 * Does not block.
 *
 * @see scm_unregister_provider, scm_create_card_auth
 */
SCM_API
scm_result scm_register_card_auth_provider(const scm_provider *provider,
                                           const scm_card_auth_functions *functions);

/**
 * Registers a provider of an interface that the library does not know: from now on it makes the objects of
 * `scm_create_interface` for its cards.
 *
 * @param provider  the provider, with an IID, a name, or both; copied
 * @param functions  the functions of the interface, in a form that the provider defines for its users. Only the
 *   address is kept: `scm_interface_get_implementation` gives it. NULL is allowed.
 *
 * @return `SCM_S_OK`: registered; or one of the result codes of the group, and
 * - `SCM_E_INVALIDARG`: also if neither an IID nor a name is given, or if they are those of files, codes or
 *   authentication.
 *
 * Does not block.
 *
 * @see scm_unregister_provider, scm_create_interface, scm_interface_get_implementation
 */
SCM_API scm_result scm_register_interface_provider(const scm_provider *provider, const void *functions);

/**
 * Unregisters a provider: from now on it makes no object.
 *
 * The objects that it has made stay, and the library calls its functions for them. When the last one is released, the
 * library calls `release_user_data`.
 *
 * @param provider  the provider as it was registered: IID, name, ATR, mask, `user_data` and `create_object` must be
 *   the same. If several registered providers have them, the newest one is meant.
 *
 * @return
 * - `SCM_S_OK`: unregistered.
 * - `SCM_E_NOINTERFACE`: no such provider is registered.
 * - the other result codes of the group
 *
 * Does not block: another thread may still be in `create_object` or in a function of the provider. The provider itself
 * may call it.
 *
 * @see scm_register_file_access_provider, scm_register_ch_verification_provider, scm_register_card_auth_provider,
 * scm_register_interface_provider
 */
SCM_API scm_result scm_unregister_provider(const scm_provider *provider);

/** @} */

#ifdef __cplusplus
}
#endif

#endif
