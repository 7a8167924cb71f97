/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * scm.hpp - libscm for C++17 and later: the functions of scm.h, scm_virtual.h and scm_provider.h as types.
 *
 * Header only. docs/cpp.md is the guide.
 *
 * @code
 * #include <cstdio>
 * #include <scm.hpp>
 *
 * int main()
 * {
 *     static const std::uint8_t select_mf[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00};
 *     try {
 *         const scm::names readers = scm::list_ifds();
 *         if (readers.empty())
 *             throw scm::error(readers.result() == SCM_S_OK ? scm::errc::scard_e_no_readers_available
 *                                                           : scm::errc::scard_e_no_service);
 *         scm::attachment card = scm::attachment::by_ifd(*readers.begin());
 *         for (std::uint8_t byte : card.transmit(select_mf))
 *             std::printf("%02X ", byte);
 *         std::puts("");
 *         return 0;
 *     } catch (const scm::error &error) {
 *         std::fprintf(stderr, "%s\n", error.what());
 *         return 1;
 *     }
 * }
 * @endcode
 *
 *     c++ -std=c++17 program.cpp $(pkg-config --cflags --libs scm)
 *
 * CONVENTIONS, besides those of scm.h
 *
 * - Names: `scm_transmit(handle, ...)` is `attachment::transmit(...)`, `scm_file_get_size` is `file::size`: without the
 *   object, and without `get`. An `_ex` function is another overload. The description of a function says only what is
 *   different in C++; codes, blocking and threads are those of the function of C that it names with "As".
 * - Failures: the last parameter of each function that can fail is a `report`. Without it the function throws
 *   `scm::error`. With a `std::error_code` there, the function throws nothing, and the code is set: to the failure, or
 *   to no error. The result of a failed function is then empty or zero, unless its description says more.
 * - Constants, flags and structures of options are those of C. A type of options here only fills in its defaults.
 * - Bytes: `scm::span`, which is `std::span` from C++20 on. A function with a buffer writes into it, allocates nothing,
 *   and returns the part that it has filled. A function without one returns a std::vector.
 * - Text: std::string_view. A text with a NUL inside is SCM_E_INVALIDARG.
 * - Time: any std::chrono::duration, rounded up to milliseconds, or `scm::infinite`. A negative one is zero.
 * - Ownership: a type that ends its object in its destructor moves, and does not copy. An object that is empty (after
 *   the default constructor, a move, a failure or its end) gives SCM_E_HANDLE. An object may outlive its attachment.
 * - Callbacks are std::function. An exception ends the callback with its code: `scm::error` with its own,
 *   std::bad_alloc with SCM_E_OUTOFMEMORY, any other with SCM_E_FAIL.
 * - Threads: as in C. One exception is as in the standard library: nothing may use an object while it is moved,
 *   assigned or destroyed.
 * - Without exceptions (-fno-exceptions), a function that would throw calls std::abort. Memory that a std::vector does
 *   not get ends the process, too.
 */

#ifndef SCM_HPP
#define SCM_HPP

#if !(__cplusplus >= 201703L || (defined(_MSVC_LANG) && _MSVC_LANG >= 201703L))
#error "scm.hpp needs C++17"
#endif

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>
#if __has_include(<version>)
#include <version>
#endif
#if defined(__cpp_lib_span)
#include <span>
#endif
#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

#include "scm.h"
#include "scm_provider.h"
#include "scm_virtual.h"

/* Categories and exceptions must be the same objects in all shared libraries of a program. */
#if defined(__GNUC__) && !defined(_WIN32)
#define SCM_CPP_SHARED __attribute__((visibility("default")))
#define SCM_CPP_RARE __attribute__((noinline, cold))
#else
#define SCM_CPP_SHARED
#define SCM_CPP_RARE
#endif

namespace scm {

/**
 * @defgroup scm_cpp_errors C++: failures
 *
 * A failure is an exception, or a std::error_code in the last parameter of the function. `report` is that parameter.
 * @{
 */

/**
 * The failures of this library, each with the value and the name of its code in C: `errc::scard_w_reset_card` is
 * SCM_SCARD_W_RESET_CARD. They compare with a std::error_code.
 */
enum class errc : scm_result {
    /** This function is not implemented. */
    e_notimpl = SCM_E_NOTIMPL,
    /** This interface is not supported. */
    e_nointerface = SCM_E_NOINTERFACE,
    /** A required pointer is NULL. */
    e_pointer = SCM_E_POINTER,
    /** The operation was aborted. */
    e_abort = SCM_E_ABORT,
    /** The operation failed for a reason without a code of its own. */
    e_fail = SCM_E_FAIL,
    /** An internal error happened, and the object cannot be used any more. */
    e_unexpected = SCM_E_UNEXPECTED,
    /** Access is denied. */
    e_accessdenied = SCM_E_ACCESSDENIED,
    /** The handle is not valid, or not valid any more. */
    e_handle = SCM_E_HANDLE,
    /** There is not enough memory. */
    e_outofmemory = SCM_E_OUTOFMEMORY,
    /** An argument is invalid. */
    e_invalidarg = SCM_E_INVALIDARG,
    /** An internal consistency check of the resource manager failed. */
    scard_f_internal_error = SCM_SCARD_F_INTERNAL_ERROR,
    /** The operation was cancelled. */
    scard_e_cancelled = SCM_SCARD_E_CANCELLED,
    /** The resource manager does not know this card handle or context any more. */
    scard_e_invalid_handle = SCM_SCARD_E_INVALID_HANDLE,
    /** The resource manager refused a parameter. */
    scard_e_invalid_parameter = SCM_SCARD_E_INVALID_PARAMETER,
    /** The registry of the resource manager is missing or invalid. */
    scard_e_invalid_target = SCM_SCARD_E_INVALID_TARGET,
    /** The resource manager has not enough memory. */
    scard_e_no_memory = SCM_SCARD_E_NO_MEMORY,
    /** An internal time limit of the resource manager expired. */
    scard_f_waited_too_long = SCM_SCARD_F_WAITED_TOO_LONG,
    /** The buffer is too small for the data. */
    scard_e_insufficient_buffer = SCM_SCARD_E_INSUFFICIENT_BUFFER,
    /** No reader has this name. */
    scard_e_unknown_reader = SCM_SCARD_E_UNKNOWN_READER,
    /** The time limit expired. */
    scard_e_timeout = SCM_SCARD_E_TIMEOUT,
    /** Another application uses the card exclusively. */
    scard_e_sharing_violation = SCM_SCARD_E_SHARING_VIOLATION,
    /** No card is in the reader. */
    scard_e_no_smartcard = SCM_SCARD_E_NO_SMARTCARD,
    /** The name of the card is not known. */
    scard_e_unknown_card = SCM_SCARD_E_UNKNOWN_CARD,
    /** The card could not be left in the requested state. */
    scard_e_cant_dispose = SCM_SCARD_E_CANT_DISPOSE,
    /** No protocol is active, or the card uses another one until it is reset. */
    scard_e_proto_mismatch = SCM_SCARD_E_PROTO_MISMATCH,
    /** The reader or the card is not ready. */
    scard_e_not_ready = SCM_SCARD_E_NOT_READY,
    /** A value was refused, or the two entries of a new code differ. */
    scard_e_invalid_value = SCM_SCARD_E_INVALID_VALUE,
    /** The system cancelled the operation, to log off or to shut down. */
    scard_e_system_cancelled = SCM_SCARD_E_SYSTEM_CANCELLED,
    /** The communication with the card or with the resource manager failed. */
    scard_f_comm_error = SCM_SCARD_F_COMM_ERROR,
    /** The resource manager met an unknown error. */
    scard_f_unknown_error = SCM_SCARD_F_UNKNOWN_ERROR,
    /** The ATR of the card is not valid. */
    scard_e_invalid_atr = SCM_SCARD_E_INVALID_ATR,
    /** No lock is held, or the exchange with the card was not completed. */
    scard_e_not_transacted = SCM_SCARD_E_NOT_TRANSACTED,
    /** The reader is gone. */
    scard_e_reader_unavailable = SCM_SCARD_E_READER_UNAVAILABLE,
    /** The process is ending. */
    scard_p_shutdown = SCM_SCARD_P_SHUTDOWN,
    /** The buffer for the protocol control information is too small. */
    scard_e_pci_too_small = SCM_SCARD_E_PCI_TOO_SMALL,
    /** The driver of the reader does not meet the requirements. */
    scard_e_reader_unsupported = SCM_SCARD_E_READER_UNSUPPORTED,
    /** A reader with this name exists already. */
    scard_e_duplicate_reader = SCM_SCARD_E_DUPLICATE_READER,
    /** The card does not meet the requirements. */
    scard_e_card_unsupported = SCM_SCARD_E_CARD_UNSUPPORTED,
    /** The resource manager (pcscd on Linux) is not running, or was restarted. */
    scard_e_no_service = SCM_SCARD_E_NO_SERVICE,
    /** The resource manager has stopped, or does not match its client library. */
    scard_e_service_stopped = SCM_SCARD_E_SERVICE_STOPPED,
    /** The resource manager met an unexpected error. */
    scard_e_unexpected = SCM_SCARD_E_UNEXPECTED,
    /** No primary provider is known for the card. */
    scard_e_icc_installation = SCM_SCARD_E_ICC_INSTALLATION,
    /** The objects were created in an order that is not supported. */
    scard_e_icc_createorder = SCM_SCARD_E_ICC_CREATEORDER,
    /** The reader, the card or the platform does not have this feature. */
    scard_e_unsupported_feature = SCM_SCARD_E_UNSUPPORTED_FEATURE,
    /** The directory is not on the card. */
    scard_e_dir_not_found = SCM_SCARD_E_DIR_NOT_FOUND,
    /** The file is not on the card. */
    scard_e_file_not_found = SCM_SCARD_E_FILE_NOT_FOUND,
    /** The path does not name a directory. */
    scard_e_no_dir = SCM_SCARD_E_NO_DIR,
    /** The path does not name a file. */
    scard_e_no_file = SCM_SCARD_E_NO_FILE,
    /** Access to the file is denied. */
    scard_e_no_access = SCM_SCARD_E_NO_ACCESS,
    /** The card has not enough memory for the data. */
    scard_e_write_too_many = SCM_SCARD_E_WRITE_TOO_MANY,
    /** The position lies outside the file. */
    scard_e_bad_seek = SCM_SCARD_E_BAD_SEEK,
    /** The code does not have the format that the card expects. */
    scard_e_invalid_chv = SCM_SCARD_E_INVALID_CHV,
    /** The resource manager returned an unknown error. */
    scard_e_unknown_res_mng = SCM_SCARD_E_UNKNOWN_RES_MNG,
    /** The certificate does not exist. */
    scard_e_no_such_certificate = SCM_SCARD_E_NO_SUCH_CERTIFICATE,
    /** The certificate is not available. */
    scard_e_certificate_unavailable = SCM_SCARD_E_CERTIFICATE_UNAVAILABLE,
    /** There is no reader. */
    scard_e_no_readers_available = SCM_SCARD_E_NO_READERS_AVAILABLE,
    /** Data were lost in the communication with the card. */
    scard_e_comm_data_lost = SCM_SCARD_E_COMM_DATA_LOST,
    /** The key container is not on the card. */
    scard_e_no_key_container = SCM_SCARD_E_NO_KEY_CONTAINER,
    /** The resource manager cannot serve more clients. */
    scard_e_server_too_busy = SCM_SCARD_E_SERVER_TOO_BUSY,
    /** The cached code has expired. */
    scard_e_pin_cache_expired = SCM_SCARD_E_PIN_CACHE_EXPIRED,
    /** The code cannot be cached. */
    scard_e_no_pin_cache = SCM_SCARD_E_NO_PIN_CACHE,
    /** The card can only be read. */
    scard_e_read_only_card = SCM_SCARD_E_READ_ONLY_CARD,
    /** The reader does not understand this card. */
    scard_w_unsupported_card = SCM_SCARD_W_UNSUPPORTED_CARD,
    /** The card does not answer to a reset. */
    scard_w_unresponsive_card = SCM_SCARD_W_UNRESPONSIVE_CARD,
    /** The card has no power. */
    scard_w_unpowered_card = SCM_SCARD_W_UNPOWERED_CARD,
    /** Another application has reset the card. */
    scard_w_reset_card = SCM_SCARD_W_RESET_CARD,
    /** The card was taken out. */
    scard_w_removed_card = SCM_SCARD_W_REMOVED_CARD,
    /** Access was denied: a security condition is not met. */
    scard_w_security_violation = SCM_SCARD_W_SECURITY_VIOLATION,
    /** The code was wrong. */
    scard_w_wrong_chv = SCM_SCARD_W_WRONG_CHV,
    /** The code is blocked, because it was wrong too often. */
    scard_w_chv_blocked = SCM_SCARD_W_CHV_BLOCKED,
    /** The end of the file was reached. */
    scard_w_eof = SCM_SCARD_W_EOF,
    /** The user cancelled the operation. */
    scard_w_cancelled_by_user = SCM_SCARD_W_CANCELLED_BY_USER,
    /** The card has not verified a code, or has not proven its identity. */
    scard_w_card_not_authenticated = SCM_SCARD_W_CARD_NOT_AUTHENTICATED,
    /** The item is not in the cache. */
    scard_w_cache_item_not_found = SCM_SCARD_W_CACHE_ITEM_NOT_FOUND,
    /** The item in the cache is too old. */
    scard_w_cache_item_stale = SCM_SCARD_W_CACHE_ITEM_STALE,
    /** The item is too big for the cache. */
    scard_w_cache_item_too_big = SCM_SCARD_W_CACHE_ITEM_TOO_BIG,
};

} // namespace scm

namespace std {
template <>
struct is_error_code_enum<scm::errc> : true_type {};
} // namespace std

namespace scm {

namespace detail {

class SCM_CPP_SHARED category_of_scm final : public std::error_category {
public:
    constexpr category_of_scm() noexcept = default;

    const char *name() const noexcept override { return "scm"; }

    std::string message(int code) const override { return scm_result_message(code); }

    std::error_condition default_error_condition(int code) const noexcept override
    {
        switch (code) {
        case SCM_E_ABORT:
        case SCM_SCARD_E_CANCELLED:
        case SCM_SCARD_E_SYSTEM_CANCELLED:
        case SCM_SCARD_W_CANCELLED_BY_USER: return std::errc::operation_canceled;
        case SCM_E_ACCESSDENIED:
        case SCM_SCARD_E_NO_ACCESS:
        case SCM_SCARD_W_SECURITY_VIOLATION: return std::errc::permission_denied;
        case SCM_E_HANDLE: return std::errc::bad_file_descriptor;
        case SCM_E_INVALIDARG:
        case SCM_E_POINTER:
        case SCM_SCARD_E_INVALID_PARAMETER: return std::errc::invalid_argument;
        case SCM_E_NOTIMPL:
        case SCM_E_NOINTERFACE:
        case SCM_SCARD_E_UNSUPPORTED_FEATURE: return std::errc::function_not_supported;
        case SCM_E_OUTOFMEMORY:
        case SCM_SCARD_E_NO_MEMORY: return std::errc::not_enough_memory;
        case SCM_SCARD_E_BAD_SEEK: return std::errc::invalid_seek;
        case SCM_SCARD_E_DIR_NOT_FOUND:
        case SCM_SCARD_E_FILE_NOT_FOUND: return std::errc::no_such_file_or_directory;
        case SCM_SCARD_E_INSUFFICIENT_BUFFER: return std::errc::no_buffer_space;
        case SCM_SCARD_E_NO_READERS_AVAILABLE:
        case SCM_SCARD_E_NO_SMARTCARD:
        case SCM_SCARD_E_READER_UNAVAILABLE:
        case SCM_SCARD_E_UNKNOWN_READER:
        case SCM_SCARD_W_REMOVED_CARD: return std::errc::no_such_device;
        case SCM_SCARD_E_NO_DIR: return std::errc::not_a_directory;
        case SCM_SCARD_E_NO_FILE: return std::errc::is_a_directory;
        case SCM_SCARD_E_SHARING_VIOLATION: return std::errc::device_or_resource_busy;
        case SCM_SCARD_E_TIMEOUT: return std::errc::timed_out;
        case SCM_SCARD_E_WRITE_TOO_MANY: return std::errc::no_space_on_device;
        case SCM_SCARD_F_COMM_ERROR:
        case SCM_SCARD_E_COMM_DATA_LOST:
        case SCM_SCARD_E_NOT_TRANSACTED: return std::errc::io_error;
        default: return std::error_condition(code, *this);
        }
    }
};

/* Made before the program begins, and never destroyed: destructors at the end of the program may still need it. */
union SCM_CPP_SHARED immortal_category {
    category_of_scm category;
    constexpr immortal_category() noexcept : category() {}
    ~immortal_category() {}
};

SCM_CPP_SHARED inline immortal_category the_category;

} // namespace detail

/**
 * The category of the codes of this library. Its messages are those of scm_result_message. Many codes are equivalent to
 * a std::errc: SCM_SCARD_E_TIMEOUT to timed_out, SCM_SCARD_E_SHARING_VIOLATION to device_or_resource_busy.
 *
 * Never blocks, and never fails.
 */
inline const std::error_category &category() noexcept
{
    return detail::the_category.category;
}

/** A code as a std::error_code. */
inline std::error_code make_error_code(errc code) noexcept
{
    return std::error_code(static_cast<int>(code), category());
}

/**
 * The name of a code, such as "SCM_SCARD_W_RESET_CARD". As scm_result_name.
 *
 * @param code  the code
 *
 * Never blocks.
 */
inline const char *name(errc code) noexcept
{
    return scm_result_name(static_cast<scm_result>(code));
}

/**
 * The meaning of a code, as one English sentence for a person. As scm_result_message.
 *
 * @param code  the code
 *
 * Never blocks.
 */
inline const char *message(errc code) noexcept
{
    return scm_result_message(static_cast<scm_result>(code));
}

/** The last failure of a thread: what failed, why, and what to do. The texts live in the object. */
class failure {
public:
    /** No failure. */
    failure() noexcept = default;
    /** From a last error of C. */
    explicit failure(const scm_last_error &of_c) noexcept : error_(of_c) {}

    /** The code; SCM_S_OK if no call of the thread has failed. */
    scm_result result() const noexcept { return error_.result; }
    /** The function of C, such as "scm_attach_by_ifd". */
    const char *function() const noexcept { return error_.function; }
    /** The argument that is wrong, such as "options.share_mode"; empty if none is. */
    const char *argument() const noexcept { return error_.argument; }
    /** The function of PC/SC that has failed, such as "SCardConnect"; empty if none has. */
    const char *pcsc_function() const noexcept { return error_.pcsc_function; }
    /** The code of PC/SC, as an unsigned number; 0 if PC/SC is not the cause. */
    std::uint32_t pcsc_code() const noexcept { return error_.pcsc_code; }
    /** The status word of the card, such as 0x6982; 0 if no status word is the cause. */
    std::uint32_t status_word() const noexcept { return error_.status_word; }
    /** The failure, as one sentence for a person. */
    const char *what() const noexcept { return error_.what; }
    /** Why, as one sentence; empty if it is not known. */
    const char *why() const noexcept { return error_.why; }
    /** The advice; empty if there is nothing to say. */
    const char *advice() const noexcept { return error_.advice; }
    /** Whether there is a failure. */
    explicit operator bool() const noexcept { return error_.result < 0; }
    /** The last error of C. */
    const scm_last_error &get() const noexcept { return error_; }

private:
    friend failure last_error() noexcept;
    scm_last_error error_ SCM_LAST_ERROR_INIT;
};

/**
 * The last failure of this thread. As scm_get_last_error. A handler of scm::error calls it before anything else that
 * can fail.
 *
 * Never blocks.
 */
inline failure last_error() noexcept
{
    failure told;
    scm_get_last_error(&told.error_);
    return told;
}

namespace detail {

/* The code of C for the failure of an exception: never a success, whatever the exception has. */
inline scm_result failure_of(const std::error_code &code) noexcept
{
    if (code.category() == category() && SCM_FAILED(code.value()))
        return code.value();
    return code == std::errc::not_enough_memory ? SCM_E_OUTOFMEMORY : SCM_E_FAIL;
}

} // namespace detail

/** A failure of the library. `what()` has the name and the meaning of its code. */
class SCM_CPP_SHARED error : public std::system_error {
public:
    /** @param code  the failure. A callback throws it, too. */
    explicit error(errc code) : std::system_error(make_error_code(code), scm::name(code)) {}

    /** @param code  a failure that a function of this library has stored; any other is SCM_E_FAIL in C */
    explicit error(const std::error_code &code) : std::system_error(code, scm_result_name(detail::failure_of(code))) {}

    /** The code as C has it: a failure. */
    scm_result result() const noexcept { return detail::failure_of(code()); }
};

/** A failure of a command that the card may have answered (`attachment::send`). */
class SCM_CPP_SHARED command_error : public error {
public:
    command_error(errc code, std::uint16_t status_word) : error(code), status_word_(status_word) {}

    /** SW1 and SW2 as one number; 0 if the card has not answered. */
    std::uint16_t status_word() const noexcept { return status_word_; }

private:
    std::uint16_t status_word_;
};

/** A failure with a code of the card holder (`ch_verification`). */
class SCM_CPP_SHARED verification_error : public error {
public:
    verification_error(errc code, std::optional<std::uint32_t> retries_left) : error(code), retries_left_(retries_left)
    {
    }

    /** How many tries are left, if the card has told it. */
    std::optional<std::uint32_t> retries_left() const noexcept { return retries_left_; }

private:
    std::optional<std::uint32_t> retries_left_;
};

/** A failure to write (`file::write`). */
class SCM_CPP_SHARED write_error : public error {
public:
    write_error(errc code, std::size_t written) : error(code), written_(written) {}

    /** How many bytes the card has acknowledged before. */
    std::size_t written() const noexcept { return written_; }

private:
    std::size_t written_;
};

namespace detail {

template <class Error, class... More>
[[noreturn]] SCM_CPP_RARE void raise(scm_result result, More... more)
{
#if defined(__cpp_exceptions)
    throw Error(static_cast<errc>(result), more...);
#else
    (void)result, ((void)more, ...);
    std::abort();
#endif
}

} // namespace detail

namespace detail {

template <class Function>
scm_result result_of(Function &&function)
{
    using result = std::decay_t<decltype(function())>;
    if constexpr (std::is_void_v<result>) {
        function();
        return SCM_S_OK;
    } else if constexpr (std::is_enum_v<result>) {
        return static_cast<scm_result>(function()); // a constant of C, or scm::errc
    } else {
        static_assert(std::is_same_v<result, scm_result>, "the function must return a code, or nothing");
        return function();
    }
}

} // namespace detail

/**
 * The place for the failure of a function: its last parameter. Without an argument the function throws `scm::error`;
 * with a std::error_code the function throws nothing, and sets that: to the failure, or after a success to no error.
 *
 * @code
 * #include <scm.hpp>
 *
 * // Tells whether the card can be used, and throws nothing.
 * inline bool is_usable(scm::attachment_ref card)
 * {
 *     std::error_code error;
 *     card.reconnect(error);
 *     return !error;
 * }
 * @endcode
 */
class report {
public:
    /** Failures are thrown. */
    constexpr report() noexcept = default;

    /** Failures are stored. @param code  must live until the function has returned */
    constexpr report(std::error_code &code) noexcept : code_(&code) {}

    /** Throws or stores a code of C. @return whether it is a success */
    bool operator()(scm_result result) const { return as<error>(result); }

    /** The same with another exception, whose constructor takes the code and `more`. */
    template <class Error, class... More>
    bool as(scm_result result, More... more) const
    {
        if (code_ != nullptr)
            code_->assign(SCM_FAILED(result) ? result : 0, category());
        else if (SCM_FAILED(result))
            detail::raise<Error>(result, more...);
        return SCM_SUCCEEDED(result);
    }

private:
    std::error_code *code_ = nullptr;
};

/**
 * Calls a function, and turns its exception into a code. For callbacks of C that are written in C++, such as those of a
 * provider: no exception may leave them.
 *
 * @param function  called once, without arguments. It returns nothing, or a code: an scm_result, a constant of C or a
 *   scm::errc.
 *
 * @return
 * - `SCM_S_OK`: it has returned nothing; or the code that it has returned.
 * - the code of a thrown `scm::error`, or of another std::system_error with a code of this library
 * - `SCM_E_OUTOFMEMORY`: it has thrown std::bad_alloc, or a std::system_error with that meaning.
 * - `SCM_E_FAIL`: it has thrown anything else.
 *
 * If the thread ends in the function (pthread_exit), this does not return. Blocks as the function does.
 */
template <class Function>
scm_result to_result(Function &&function)
{
#if defined(__cpp_exceptions)
    try {
        return detail::result_of(std::forward<Function>(function));
    } catch (const std::system_error &failure) {
        return detail::failure_of(failure.code());
    } catch (const std::bad_alloc &) {
        return SCM_E_OUTOFMEMORY;
#if defined(__GLIBCXX__)
    } catch (const abi::__forced_unwind &) {
        throw; // the end of the thread, which nothing may stop
#endif
    } catch (...) {
        return SCM_E_FAIL;
    }
#else
    return detail::result_of(std::forward<Function>(function));
#endif
}

/** @} */

/**
 * @defgroup scm_cpp_values C++: values and objects
 *
 * The types of parameters and results, and the base of the types that own an object of C.
 * @{
 */

#if defined(__cpp_lib_span)
template <class Element>
using span = std::span<Element>;
#else
/** Elements in the memory of somebody else: the part of std::span (C++20) that this header needs. */
template <class Element>
class span {
public:
    using element_type = Element;
    using value_type = std::remove_cv_t<Element>;
    using size_type = std::size_t;
    using iterator = Element *;

    constexpr span() noexcept = default;

    /** From a pointer. It is a template, because the number 0 of a list of bytes would be a null pointer. */
    template <class Other, class = std::enable_if_t<std::is_convertible_v<Other (*)[], Element (*)[]>>>
    constexpr span(Other *data, std::size_t size) noexcept : data_(data), size_(size)
    {
    }

    template <std::size_t Size>
    constexpr span(Element (&array)[Size]) noexcept : data_(array), size_(Size)
    {
    }

    /** From anything that has `data` and `size`: std::vector, std::array, std::string of the same element, span. */
    template <class Container,
              class = std::enable_if_t<
                  !std::is_same_v<std::decay_t<Container>, span> &&
                  std::is_convertible_v<std::remove_pointer_t<decltype(std::declval<Container &>().data())> (*)[],
                                        Element (*)[]> &&
                  (std::is_const_v<Element> || std::is_lvalue_reference_v<Container>)>,
              class = decltype(std::declval<Container &>().size())>
    constexpr span(Container &&container) noexcept : data_(container.data()), size_(container.size())
    {
    }

    constexpr Element *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr Element *begin() const noexcept { return data_; }
    constexpr Element *end() const noexcept { return data_ + size_; }
    constexpr Element &operator[](std::size_t index) const noexcept { return data_[index]; }
    constexpr Element &front() const noexcept { return data_[0]; }
    constexpr Element &back() const noexcept { return data_[size_ - 1]; }
    constexpr span first(std::size_t count) const noexcept { return span(data_, count); }
    constexpr span last(std::size_t count) const noexcept { return span(data_ + (size_ - count), count); }
    constexpr span subspan(std::size_t offset) const noexcept { return span(data_ + offset, size_ - offset); }
    constexpr span subspan(std::size_t offset, std::size_t count) const noexcept { return span(data_ + offset, count); }

private:
    Element *data_ = nullptr;
    std::size_t size_ = 0;
};
#endif

/** Bytes that are read. */
using bytes = span<const std::uint8_t>;
/** Room for bytes. */
using buffer = span<std::uint8_t>;

/** A time of waiting. Any std::chrono::duration converts to it: rounded up to milliseconds; a negative one is zero. */
class timeout {
public:
    /** From a duration. 2^32 - 1 ms or more are infinite. */
    template <class Rep, class Period>
    constexpr timeout(std::chrono::duration<Rep, Period> duration) noexcept : ms_(round(duration))
    {
    }

    /** From a number of C: milliseconds, or SCM_INFINITE. */
    static constexpr timeout from_ms(std::uint32_t ms) noexcept { return timeout(ms, 0); }

    /** The number for C, also for the field `limit_ms` of options. */
    constexpr std::uint32_t ms() const noexcept { return ms_; }

private:
    constexpr timeout(std::uint32_t ms, int) noexcept : ms_(ms) {}

    template <class Rep, class Period>
    static constexpr std::uint32_t round(std::chrono::duration<Rep, Period> duration) noexcept
    {
        using exact = std::chrono::duration<long double, std::milli>;
        if (!(duration > duration.zero()))
            return 0;
        if (!(exact(duration).count() < static_cast<long double>(SCM_INFINITE)))
            return SCM_INFINITE;
        const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
        return static_cast<std::uint32_t>(whole.count() + (exact(whole) < exact(duration) ? 1 : 0));
    }

    std::uint32_t ms_;
};

/** No limit of a wait. */
inline constexpr timeout infinite = timeout::from_ms(SCM_INFINITE);

namespace detail {

/* A text with a NUL, for C. NULL, which the library refuses, if it is too long or has a NUL inside. */
template <std::size_t Max>
class c_text {
public:
    explicit c_text(std::string_view text) noexcept
    {
        if (text.size() > Max || text.find('\0') != std::string_view::npos)
            return;
        if (!text.empty())
            std::memcpy(room_, text.data(), text.size());
        room_[text.size()] = '\0';
        text_ = room_;
    }
    c_text(const c_text &) = delete;
    c_text &operator=(const c_text &) = delete;

    const char *get() const noexcept { return text_; }

private:
    char room_[Max + 1];
    const char *text_ = nullptr;
};

using ifd_text = c_text<SCM_IFD_NAME_MAX>;
using path_text = c_text<SCM_PATH_MAX>;

/* The filled part of a buffer. A failure has the length 0, or one that does not fit. */
inline buffer filled(buffer room, std::size_t length) noexcept
{
    return room.first(length > room.size() ? 0 : length);
}

/* (NULL, 0) asks for the length in C. Here it is a buffer that is too small. */
inline scm_result fitting(scm_result result, buffer room, std::size_t length) noexcept
{
    return result == SCM_S_OK && length > room.size() ? SCM_SCARD_E_INSUFFICIENT_BUFFER : result;
}

/* Calls a function of C with more and more room, until its output fits. */
template <class Container, class Call>
Container collect(report errors, std::size_t capacity, Call call, scm_result *success = nullptr)
{
    Container all;
    const scm_result result = to_result([&] {
        for (;;) {
            std::size_t length = 0;
            all.resize(capacity);
            const scm_result answer = call(all.data(), all.size(), &length);
            if (answer != SCM_SCARD_E_INSUFFICIENT_BUFFER || length <= capacity) {
                all.resize(length <= capacity ? length : 0);
                return answer;
            }
            capacity = length;
        }
    });
    if (SCM_FAILED(result))
        all.clear();
    if (success != nullptr)
        *success = result;
    errors(result);
    return all;
}

using byte_vector = std::vector<std::uint8_t>;

/* The answer of a callback, for C. The library refuses one that does not fit. */
inline void answer(const byte_vector &made, std::uint8_t *room, std::size_t capacity, std::size_t *length)
{
    if (made.size() <= capacity && !made.empty())
        std::memcpy(room, made.data(), made.size());
    *length = made.size();
}

/* The same for an exchange, which happens once. The library keeps a response that does not fit. */
template <class Call>
byte_vector collect_response(scm_handle *handle, report errors, Call call)
{
    bool is_done = false;
    return collect<byte_vector>(errors, 258, [&](std::uint8_t *data, std::size_t capacity, std::size_t *length) {
        if (is_done)
            return scm_get_last_response(handle, data, capacity, length);
        is_done = true;
        return call(data, capacity, length);
    });
}

} // namespace detail

/**
 * An object of C that a destructor ends: the base of `monitor`, `file`, `virtual_ifd` and others. It moves, and does
 * not copy.
 */
template <class Handle, scm_result End(Handle *)>
class owner {
public:
    owner() noexcept = default;
    /** Takes an object of C. */
    explicit owner(Handle *handle) noexcept : handle_(handle) {}
    owner(owner &&other) noexcept : handle_(other.take()) {}
    owner &operator=(owner &&other) noexcept
    {
        Handle *taken = other.take();
        Handle *old = std::exchange(handle_, taken);
        if (old != nullptr)
            End(old);
        return *this;
    }
    ~owner()
    {
        if (handle_ != nullptr)
            End(handle_);
    }

    /** The object of C; NULL if this is empty. It stays owned. */
    Handle *get() const noexcept { return handle_; }

    /** Gives the object of C to the caller. Afterwards this is empty. */
    [[nodiscard]] Handle *take() noexcept { return std::exchange(handle_, nullptr); }

    /** Whether there is an object. */
    explicit operator bool() const noexcept { return handle_ != nullptr; }

protected:
    /* Ends the object, and tells how that went. */
    void finish(report errors) { errors(End(take())); }

    Handle *handle_ = nullptr;
};

/**
 * A list of names, such as those of the readers: a range of std::string_view. Each name has a NUL behind it. A name is
 * valid as long as the list.
 *
 * @code
 * #include <iostream>
 * #include <scm.hpp>
 *
 * inline void print_readers()
 * {
 *     for (std::string_view reader : scm::list_ifds())
 *         std::cout << reader << '\n';
 * }
 * @endcode
 */
class names {
public:
    /** A forward iterator. */
    class iterator {
    public:
        using value_type = std::string_view;
        using reference = std::string_view;
        using pointer = const std::string_view *;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
#if defined(__cpp_lib_ranges)
        using iterator_concept = std::forward_iterator_tag;
#endif

        iterator() noexcept = default;
        std::string_view operator*() const noexcept { return name_; }
        const std::string_view *operator->() const noexcept { return &name_; }
        iterator &operator++() noexcept
        {
            name_ = std::string_view(name_.data() + name_.size() + 1);
            return *this;
        }
        iterator operator++(int) noexcept
        {
            iterator old = *this;
            ++*this;
            return old;
        }
        friend bool operator==(const iterator &a, const iterator &b) noexcept
        {
            return a.name_.data() == b.name_.data();
        }
        friend bool operator!=(const iterator &a, const iterator &b) noexcept { return !(a == b); }

    private:
        friend names;
        explicit iterator(const char *name) noexcept : name_(name) {}
        std::string_view name_;
    };
    using const_iterator = iterator;

    names() = default;

    /** From a multi-string of C. @param result  the success that came with it */
    explicit names(std::string multi_string, scm_result result = SCM_S_OK)
        : text_(std::move(multi_string)), result_(result)
    {
        /* Exactly one NUL behind the last name, and one more, whatever came. */
        while (!text_.empty() && text_.back() == '\0')
            text_.pop_back();
        if (!text_.empty())
            text_.append(2, '\0');
    }

    iterator begin() const noexcept { return iterator(text_.c_str()); }
    iterator end() const noexcept { return iterator(text_.c_str() + (text_.empty() ? 0 : text_.size() - 1)); }
    [[nodiscard]] bool empty() const noexcept { return begin() == end(); }
    std::size_t size() const noexcept { return static_cast<std::size_t>(std::distance(begin(), end())); }

    /** SCM_S_OK, or the other success that tells why the list is empty: SCM_SCARD_S_NO_SERVICE. */
    scm_result result() const noexcept { return result_; }

private:
    std::string text_;
    scm_result result_ = SCM_S_OK;
};

/** @} */

/**
 * @defgroup scm_cpp_library C++: versions and readers
 *
 * Functions without an object.
 * @{
 */

/** The version of the library, such as "0.1.0". As scm_version. Never blocks. */
inline const char *version() noexcept
{
    return scm_version();
}

/** The version of the binary interface of the library. As scm_abi_version. Never blocks. */
inline std::uint32_t abi_version() noexcept
{
    return scm_abi_version();
}

/**
 * Checks whether the library works for a program that needs a certain version. As scm_check_version.
 *
 * @param required  "major.minor.patch"; the version of the header by default
 *
 * Never blocks.
 */
inline void check_version(std::string_view required = SCM_VERSION, report errors = {})
{
    errors(scm_check_version(detail::c_text<63>(required).get()));
}

/**
 * The control code of this platform for a function number. As scm_ctl_code.
 *
 * @param function  the number, such as 3400 for CM_IOCTL_GET_FEATURE_REQUEST
 *
 * Never blocks.
 */
inline std::uint32_t ctl_code(std::uint32_t function) noexcept
{
    return scm_ctl_code(function);
}

/**
 * Sends the log of the library to a function of the program. As scm_set_log. It must not throw.
 *
 * @param callback  the function; a null pointer ends the log
 * @param user_data  its first argument
 * @param level  SCM_LOG_OFF to SCM_LOG_APDUS
 *
 * Never blocks.
 */
inline void set_log(scm_log_callback callback, void *user_data, std::uint32_t level, report errors = {})
{
    errors(scm_set_log(callback, user_data, level));
}

/**
 * Lists the readers. As scm_list_ifds.
 *
 * @return the names. If there is none because no service runs, `names::result` is SCM_SCARD_S_NO_SERVICE.
 *
 * Does not block.
 */
inline names list_ifds(report errors = {})
{
    scm_result result = SCM_S_OK;
    std::string text = detail::collect<std::string>(errors, 512, scm_list_ifds, &result);
    return names(std::move(text), result);
}

/** Lists the groups of readers. As scm_list_ifd_groups. Does not block. */
inline names list_ifd_groups(report errors = {})
{
    scm_result result = SCM_S_OK;
    std::string text = detail::collect<std::string>(errors, 64, scm_list_ifd_groups, &result);
    return names(std::move(text), result);
}

/** @} */

/**
 * @defgroup scm_cpp_attachments C++: attachments
 *
 * A card in a reader: `attachment` owns the connection, `attachment_ref` only uses it, `transaction` locks it.
 * @{
 */

/** How to attach, with every default. The fields are those of C. */
struct attach_options : scm_attach_options {
    attach_options() noexcept : scm_attach_options SCM_ATTACH_OPTIONS_INIT {}
};

/** How to reconnect; by default nothing is changed. The fields are those of C. */
struct reconnect_options : scm_reconnect_options {
    reconnect_options() noexcept : scm_reconnect_options SCM_RECONNECT_OPTIONS_INIT {}
};

/** The commands that a card takes. The fields are those of C. */
struct card_capabilities : scm_card_capabilities {
    card_capabilities() noexcept : scm_card_capabilities SCM_CARD_CAPABILITIES_INIT {}
};

/** The format of the codes of a card, with every default. The fields are those of C. */
struct ch_verification_options : scm_ch_verification_options {
    ch_verification_options() noexcept : scm_ch_verification_options SCM_CH_VERIFICATION_OPTIONS_INIT {}
};

/** A command of ISO/IEC 7816-4. The fields are those of C. */
struct command : scm_command {
    /**
     * @param content  the data, which must live until the command is sent
     * @param expected_length  how many bytes of data are expected at most: 0 for none, SCM_EXPECTED_MAX for all
     */
    command(std::uint8_t class_byte, std::uint8_t instruction, std::uint8_t parameter1, std::uint8_t parameter2,
            bytes content = {}, std::uint32_t expected_length = 0) noexcept
        : scm_command SCM_COMMAND_INIT
    {
        cla = class_byte;
        ins = instruction;
        p1 = parameter1;
        p2 = parameter2;
        data = content.data();
        data_length = content.size();
        expected = expected_length;
    }
};

class attachment_ref;

/**
 * Selects an application again, before a command that needs it. It stays at its address, because the library knows it
 * by that, and must live as long as commands use it.
 */
class selection {
public:
    /**
     * Selects. Its arguments are the attachment and its generation. It runs while the card is locked; an exception ends
     * `attachment_ref::send` with its code.
     */
    using function = std::function<void(attachment_ref card, std::uint64_t generation)>;

    explicit selection(function select) : select_(std::move(select)) {}
    selection(const selection &) = delete;
    selection &operator=(const selection &) = delete;

private:
    friend struct send_options;
    static scm_result call(void *self, scm_handle *handle, std::uint64_t generation);
    function select_;
};

/** How to send a command, with every default. The fields are those of C. */
struct send_options : scm_send_options {
    send_options() noexcept : scm_send_options SCM_SEND_OPTIONS_INIT {}

    /** Sets `select_callback`. @param selection  must live until the last command with these options */
    send_options &select(selection &selection) noexcept
    {
        select_callback = &selection::call;
        user_data = &selection;
        return *this;
    }

    /** Sets `successes`. @param words  must live until the last command with these options */
    send_options &succeed_with(span<const scm_status_words> words) noexcept
    {
        successes = words.data();
        success_count = words.size();
        return *this;
    }
};

/** The response to `attachment_ref::send`, in the buffer of the caller. */
struct response_view {
    /** The data, without the status word. */
    buffer data;
    /** SW1 and SW2 as one number; 0 if the card has not answered. */
    std::uint16_t status_word = 0;
};

/** The response to `attachment_ref::send`. */
struct response {
    /** The data, without the status word. */
    std::vector<std::uint8_t> data;
    /** SW1 and SW2 as one number; 0 if the card has not answered. */
    std::uint16_t status_word = 0;
};

/** The state of a card. */
struct card_status {
    /** SCM_STATE_ABSENT to SCM_STATE_SPECIFICMODE; 0 after a failure. */
    std::uint32_t state = 0;
    /** SCM_PROTOCOL_T0, SCM_PROTOCOL_T1 or SCM_PROTOCOL_RAW; 0 if none is active, and after a failure. */
    std::uint32_t protocol = 0;
};

/** The success of a reconnect. */
enum class reconnected {
    /** The card has another ATR than before, or the reconnect has failed. */
    other_card = 0,
    /** The card has the same ATR as before. */
    same_card = 1
};

class file_access;
class ch_verification;
class card_auth;
class provided_interface;

/**
 * An attachment of somebody else: a copyable reference with all functions of an attachment but those that end it.
 * Callbacks get one. It does not keep the attachment alive; after its end all functions give SCM_E_HANDLE.
 *
 * It is Lockable and TimedLockable, so that std::scoped_lock and std::unique_lock work with it. The lock is that of the
 * card (scm_lock), and belongs to the attachment: it keeps out other attachments and applications, and no threads.
 *
 * @code
 * #include <chrono>
 * #include <mutex>
 * #include <scm.hpp>
 *
 * // Two commands that belong together.
 * inline void select_and_read(scm::attachment &card, scm::bytes select, scm::bytes read)
 * {
 *     std::scoped_lock lock(card);
 *     card.transmit(select);
 *     card.transmit(read);
 * }
 *
 * // Waits for others for 2 seconds at most.
 * inline bool select_soon(scm::attachment &card, scm::bytes select)
 * {
 *     std::unique_lock<scm::attachment> lock(card, std::chrono::seconds(2));
 *     if (lock)
 *         card.transmit(select);
 *     return lock.owns_lock();
 * }
 * @endcode
 */
class attachment_ref {
public:
    constexpr attachment_ref() noexcept = default;
    /** Refers to an attachment of C. */
    constexpr explicit attachment_ref(scm_handle *handle) noexcept : handle_(handle) {}

    /** The attachment of C; NULL if there is none. */
    constexpr scm_handle *get() const noexcept { return handle_; }

    /** Whether this refers to an attachment, perhaps to one that has ended. */
    constexpr explicit operator bool() const noexcept { return handle_ != nullptr; }

    /** @name Exchange */
    /** @{ */

    /**
     * Sends one command APDU to the card, and receives the response. As scm_transmit.
     *
     * @param command  the command, exactly as it is sent
     * @param room  the room for the response; may be the memory of the command. SCM_RESPONSE_MAX bytes are always
     *   enough. SCM_SCARD_E_INSUFFICIENT_BUFFER: the card has answered, and `last_response` gives the response.
     * @return the response in `room`, with its status word
     *
     * Blocks until the card answers, and before that while another application or attachment holds a lock on the card;
     * a `limit` limits that.
     */
    buffer transmit(bytes command, buffer room, report errors = {}) const
    {
        std::size_t length;
        const scm_result result =
            scm_transmit(handle_, command.data(), command.size(), room.data(), room.size(), &length);
        errors(detail::fitting(result, room, length));
        return detail::filled(room, length);
    }

    /**
     * The same, with a limit for the wait before the exchange. As scm_transmit_ex.
     *
     * @param command  the command, exactly as it is sent
     * @param room  the room for the response
     * @param limit  how long to wait for others; `infinite` for no limit
     *
     * Blocks until the card answers.
     */
    buffer transmit(bytes command, buffer room, timeout limit, report errors = {}) const
    {
        std::size_t length;
        const scm_result result = scm_transmit_ex(handle_, command.data(), command.size(), limit.ms(), room.data(),
                                                  room.size(), &length);
        errors(detail::fitting(result, room, length));
        return detail::filled(room, length);
    }

    /** The same, with a new vector for the response. */
    std::vector<std::uint8_t> transmit(bytes command, report errors = {}) const
    {
        return detail::collect_response(handle_, errors, [&](auto *data, std::size_t capacity, std::size_t *length) {
            return scm_transmit(handle_, command.data(), command.size(), data, capacity, length);
        });
    }

    /**
     * The same, with a limit for the wait before the exchange. As scm_transmit_ex.
     *
     * @param command  the command, exactly as it is sent
     * @param limit  how long to wait for others; `infinite` for no limit
     *
     * Blocks until the card answers.
     */
    std::vector<std::uint8_t> transmit(bytes command, timeout limit, report errors = {}) const
    {
        return detail::collect_response(handle_, errors, [&](auto *data, std::size_t capacity, std::size_t *length) {
            return scm_transmit_ex(handle_, command.data(), command.size(), limit.ms(), data, capacity, length);
        });
    }

    /**
     * Gets the answer to the last exchange again. As scm_get_last_response.
     *
     * @param room  the room for the answer
     * @return the part of `room` with it
     *
     * Does not block: asks neither card nor service.
     */
    buffer last_response(buffer room, report errors = {}) const
    {
        std::size_t length;
        const scm_result result = scm_get_last_response(handle_, room.data(), room.size(), &length);
        errors(detail::fitting(result, room, length));
        return detail::filled(room, length);
    }

    /** The same, with a new vector. */
    std::vector<std::uint8_t> last_response(report errors = {}) const
    {
        return detail::collect<detail::byte_vector>(
            errors, 258, [&](std::uint8_t *data, std::size_t capacity, std::size_t *length) {
                return scm_get_last_response(handle_, data, capacity, length);
            });
    }

    /**
     * Sends one command of ISO/IEC 7816-4, in as many exchanges as it needs. As scm_send.
     *
     * @param command  the command
     * @param room  the room for the data of the response; `expected` of the command is always enough
     * @return the data in `room`, and the status word. With a std::error_code they are set whenever the card has
     *   answered, also with a failure. Otherwise `command_error` has the status word.
     *
     * Blocks until the card answers, and before that while another application or attachment holds a lock on the card:
     * the options have a limit, and `cancel` ends the wait.
     */
    response_view send(const scm_command &command, buffer room, report errors = {}) const
    {
        return send_to(command, nullptr, room, errors);
    }

    /**
     * The same, with options. As scm_send_ex.
     *
     * @param command  the command
     * @param options  the options
     * @param room  the room for the data of the response
     *
     * Blocks as without options, and the wait for other users of the card takes `limit_ms` at most.
     */
    response_view send(const scm_command &command, const scm_send_options &options, buffer room,
                       report errors = {}) const
    {
        return send_to(command, &options, room, errors);
    }

    /** The same, with a new vector for the data. */
    response send(const scm_command &command, report errors = {}) const { return send_new(command, nullptr, errors); }

    /**
     * The same, with options. As scm_send_ex.
     *
     * @param command  the command
     * @param options  the options
     *
     * Blocks as without options, and the wait for other users of the card takes `limit_ms` at most.
     */
    response send(const scm_command &command, const scm_send_options &options, report errors = {}) const
    {
        return send_new(command, &options, errors);
    }

    /** Finds out which commands the card takes. As scm_get_card_capabilities. Blocks as `send`. */
    scm::card_capabilities capabilities(report errors = {}) const
    {
        scm::card_capabilities told;
        errors(scm_get_card_capabilities(handle_, &told));
        return told;
    }

    /**
     * Sets the commands that the card takes. As scm_set_card_capabilities.
     *
     * @param capabilities  the capabilities
     *
     * Does not block: asks neither card nor service.
     */
    void set_capabilities(const scm_card_capabilities &capabilities, report errors = {}) const
    {
        errors(scm_set_card_capabilities(handle_, &capabilities));
    }

    /**
     * Believes card and reader again. As scm_set_card_capabilities with NULL. Does not block: asks neither card nor
     * service.
     */
    void forget_capabilities(report errors = {}) const { errors(scm_set_card_capabilities(handle_, nullptr)); }

    /** @} */
    /** @name The reader */
    /** @{ */

    /**
     * Sends a control code to the reader. As scm_control.
     *
     * @param code  such as `ctl_code(3400)`
     * @param input  the data for the reader
     * @param room  the room for the answer. SCM_SCARD_E_INSUFFICIENT_BUFFER: `last_response` gives the answer.
     * @return the answer in `room`
     *
     * Blocks as long as the reader takes.
     */
    buffer control(std::uint32_t code, bytes input, buffer room, report errors = {}) const
    {
        std::size_t length;
        const scm_result result =
            scm_control(handle_, code, input.data(), input.size(), room.data(), room.size(), &length);
        errors(detail::fitting(result, room, length));
        return detail::filled(room, length);
    }

    /** The same, with a new vector for the answer. */
    std::vector<std::uint8_t> control(std::uint32_t code, bytes input, report errors = {}) const
    {
        return detail::collect_response(handle_, errors, [&](auto *data, std::size_t capacity, std::size_t *length) {
            return scm_control(handle_, code, input.data(), input.size(), data, capacity, length);
        });
    }

    /**
     * Reads an attribute of the reader, its driver or its card. As scm_get_attribute.
     *
     * @param id  the identifier of the attribute
     *
     * Does not block.
     */
    std::vector<std::uint8_t> attribute(std::uint32_t id, report errors = {}) const
    {
        return detail::collect<detail::byte_vector>(
            errors, 264, [&](std::uint8_t *value, std::size_t capacity, std::size_t *length) {
                return scm_get_attribute(handle_, id, value, capacity, length);
            });
    }

    /**
     * Sets an attribute of the reader or its driver. As scm_set_attribute.
     *
     * @param id  the identifier of the attribute
     * @param value  its value; `{}` for an empty one
     *
     * Does not block.
     */
    void set_attribute(std::uint32_t id, bytes value, report errors = {}) const
    {
        errors(scm_set_attribute(handle_, id, value.data(), value.size()));
    }

    /** The name of the reader. As scm_get_ifd_name. Never blocks. */
    std::string ifd_name(report errors = {}) const
    {
        std::string name = detail::collect<std::string>(
            errors, SCM_IFD_NAME_MAX + 1, [&](char *text, std::size_t capacity, std::size_t *length) {
                return scm_get_ifd_name(handle_, text, capacity, length);
            });
        if (!name.empty())
            name.pop_back(); // its NUL
        return name;
    }

    /** @} */
    /** @name Locks */
    /** @{ */

    /**
     * Takes the card for this attachment alone. As scm_lock. Blocks without a limit while another application or
     * attachment holds a lock on the card; `try_lock_for` has a limit.
     */
    void lock(report errors = {}) const { errors(scm_lock(handle_)); }

    /**
     * Takes the card if no other attachment or application uses it. As scm_lock_ex with 0.
     *
     * @return whether it is locked
     *
     * Blocks for about 200 ms at most, if the resource manager is slow.
     */
    bool try_lock(report errors = {}) const { return try_lock_for(timeout::from_ms(0), errors); }

    /**
     * Takes the card, and waits for others for a time. As scm_lock_ex.
     *
     * @param limit  how long to wait for others; `infinite` for no limit
     * @return whether it is locked. Others have used the card all the time: that is `false`, and no failure.
     *
     * Blocks for this time at most, and about 200 ms more if the resource manager is slow.
     */
    bool try_lock_for(timeout limit, report errors = {}) const
    {
        const scm_result result = scm_lock_ex(handle_, limit.ms());
        if (result == SCM_SCARD_E_TIMEOUT) {
            errors(SCM_S_OK);
            return false;
        }
        return errors(result);
    }

    /**
     * Takes the card, and waits for others until a moment. As scm_lock_ex.
     *
     * @param moment  when to give up
     * @return as `try_lock_for`
     *
     * Blocks for this time at most, and about 200 ms more if the resource manager is slow.
     */
    template <class Clock, class Duration>
    bool try_lock_until(const std::chrono::time_point<Clock, Duration> &moment, report errors = {}) const
    {
        return try_lock_for(moment - Clock::now(), errors);
    }

    /**
     * Releases one lock, and leaves the card as it is. As scm_unlock. For std::scoped_lock, whose destructor can tell
     * no failure: if the lock was lost with the card, the next use of the card tells that. Does not block.
     */
    void unlock() const noexcept { scm_unlock(handle_, SCM_DISPOSITION_LEAVE); }

    /**
     * Releases one lock. As scm_unlock.
     *
     * @param disposition  SCM_DISPOSITION_LEAVE to SCM_DISPOSITION_EJECT
     *
     * Does not block.
     */
    void unlock(std::uint32_t disposition, report errors = {}) const { errors(scm_unlock(handle_, disposition)); }

    /** Ends a wait of this attachment: the current one, or else the next one. As scm_cancel. Never blocks. */
    void cancel(report errors = {}) const { errors(scm_cancel(handle_)); }

    /** @} */
    /** @name Reconnect and status */
    /** @{ */

    /**
     * Makes the attachment usable again, whatever happened. As scm_reconnect. Blocks while another application or
     * attachment holds a lock on the card.
     */
    reconnected reconnect(report errors = {}) const { return reconnect_result(scm_reconnect(handle_), errors); }

    /**
     * The same, with another share mode, other protocols, a reset or a limit. As scm_reconnect_ex.
     *
     * @param options  the options
     *
     * Blocks as without options, for `limit_ms` at most.
     */
    reconnected reconnect(const scm_reconnect_options &options, report errors = {}) const
    {
        return reconnect_result(scm_reconnect_ex(handle_, &options), errors);
    }

    /**
     * Tells the state of the card and the active protocol. As scm_status. Blocks while another application holds a lock
     * on the card (pcsc-lite).
     */
    card_status status(report errors = {}) const
    {
        card_status told;
        errors(scm_status(handle_, &told.state, &told.protocol));
        return told;
    }

    /** The ATR of the card; empty in direct mode without a card. As scm_get_atr. Never blocks. */
    std::vector<std::uint8_t> atr(report errors = {}) const
    {
        return detail::collect<detail::byte_vector>(
            errors, SCM_ATR_MAX, [&](std::uint8_t *data, std::size_t capacity, std::size_t *length) {
                return scm_get_atr(handle_, data, capacity, length);
            });
    }

    /** A number that grows whenever the card may have forgotten its state. As scm_get_generation. Never blocks. */
    std::uint64_t generation(report errors = {}) const
    {
        std::uint64_t told = 0;
        errors(scm_get_generation(handle_, &told));
        return told;
    }

    /** The card handle of PC/SC. As scm_get_icc. Never blocks. */
    std::uintptr_t icc(report errors = {}) const
    {
        std::uintptr_t told = 0;
        errors(scm_get_icc(handle_, &told));
        return told;
    }

    /** The context of PC/SC of the card handle. As scm_get_context. Never blocks. */
    std::uintptr_t context(report errors = {}) const
    {
        std::uintptr_t told = 0;
        errors(scm_get_context(handle_, &told));
        return told;
    }

    /** @} */
    /** @name Interfaces */
    /** @{ */

    /** Makes an object for the files of the card. As scm_create_file_access. Does not block, unless a provider does. */
    file_access create_file_access(report errors = {}) const;

    /**
     * Makes an object for the codes of the card, with the default format. As scm_create_ch_verification. Does not
     * block, unless a provider does.
     */
    ch_verification create_ch_verification(report errors = {}) const;

    /**
     * The same, with the format of its codes. As scm_create_ch_verification_ex.
     *
     * @param options  the format of the codes
     *
     * Does not block, unless a provider does.
     */
    ch_verification create_ch_verification(const scm_ch_verification_options &options, report errors = {}) const;

    /**
     * Makes an object to authenticate with the keys of the card. As scm_create_card_auth. Does not block, unless a
     * provider does.
     */
    card_auth create_card_auth(report errors = {}) const;

    /**
     * Makes an object of an interface, chosen by its IID. As scm_create_interface.
     *
     * @tparam Interface  the type of the object: `file_access`, `ch_verification` or `card_auth` for their IIDs, else
     *   `provided_interface`. An object of another type gives SCM_E_HANDLE, and ends with the attachment.
     * @param iid  the IID
     * @param user_data  handed to the provider
     *
     * Does not block, unless a provider does.
     */
    template <class Interface = provided_interface>
    Interface create_interface(const scm_guid &iid, void *user_data = nullptr, report errors = {}) const
    {
        return create<Interface>(&iid, nullptr, user_data, errors);
    }

    /** The same, chosen by its name. */
    template <class Interface = provided_interface>
    Interface create_interface(std::string_view name, void *user_data = nullptr, report errors = {}) const
    {
        return create<Interface>(nullptr, detail::c_text<SCM_INTERFACE_NAME_MAX>(name).get(), user_data, errors);
    }

    /** @} */

protected:
    scm_handle *handle_ = nullptr;

private:
    template <class Interface>
    Interface create(const scm_guid *iid, const char *name, void *user_data, report errors) const
    {
        void *made = nullptr;
        errors(scm_create_interface(handle_, iid, name, user_data, &made));
        return Interface(static_cast<typename Interface::handle_type *>(made));
    }

    static reconnected reconnect_result(scm_result result, report errors)
    {
        errors(result);
        return result == SCM_S_OK ? reconnected::same_card : reconnected::other_card;
    }

    scm_result send_raw(const scm_command &command, const scm_send_options *options, std::uint8_t *data,
                        std::size_t capacity, std::size_t *length, std::uint16_t *status_word) const
    {
        return options == nullptr
                   ? scm_send(handle_, &command, data, capacity, length, status_word)
                   : scm_send_ex(handle_, &command, options, data, capacity, length, status_word);
    }

    response_view send_to(const scm_command &command, const scm_send_options *options, buffer room,
                          report errors) const
    {
        std::size_t length;
        std::uint16_t status_word;
        const scm_result result =
            send_raw(command, options, room.data(), room.size(), &length, &status_word);
        errors.as<command_error>(detail::fitting(result, room, length), status_word);
        return {detail::filled(room, length), status_word};
    }

    response send_new(const scm_command &command, const scm_send_options *options, report errors) const
    {
        response got;
        const scm_result result = to_result([&] {
            std::size_t length = 0;
            got.data.resize(command.expected < SCM_EXPECTED_MAX ? command.expected : std::size_t{SCM_EXPECTED_MAX});
            const scm_result sent =
                send_raw(command, options, got.data.data(), got.data.size(), &length, &got.status_word);
            got.data.resize(length < got.data.size() ? length : got.data.size());
            return sent;
        });
        errors.as<command_error>(result, got.status_word);
        return got;
    }
};

inline scm_result selection::call(void *self, scm_handle *handle, std::uint64_t generation)
{
    return to_result([&] { static_cast<selection *>(self)->select_(attachment_ref(handle), generation); });
}

/**
 * The connection of this program to one card in one reader. Its destructor detaches, and leaves the card as it is.
 *
 * @code
 * #include <chrono>
 * #include <string_view>
 * #include <scm.hpp>
 *
 * // Waits for 5 seconds at most until no other application uses the card.
 * inline scm::attachment attach_exclusively(std::string_view reader)
 * {
 *     scm::attach_options options;
 *     options.share_mode = SCM_SHARE_EXCLUSIVE;
 *     options.limit_ms = scm::timeout(std::chrono::seconds(5)).ms();
 *     return scm::attachment::by_ifd(reader, options);
 * }
 * @endcode
 */
class [[nodiscard]] attachment : public attachment_ref {
public:
    /** No attachment. */
    constexpr attachment() noexcept = default;
    /** Takes an attachment of C. */
    explicit attachment(scm_handle *handle) noexcept : attachment_ref(handle) {}
    attachment(attachment &&other) noexcept : attachment_ref(other.take()) {}
    attachment &operator=(attachment &&other) noexcept
    {
        scm_handle *taken = other.take();
        end(std::exchange(handle_, taken));
        return *this;
    }
    ~attachment() { end(handle_); }

    /**
     * Attaches to the card in a reader, shared, with T=0 or T=1. As scm_attach_by_ifd.
     *
     * @param ifd_name  the name of the reader, as `list_ifds` gives it
     *
     * Blocks while another application or attachment holds a lock on the card; the options have a limit.
     */
    static attachment by_ifd(std::string_view ifd_name, report errors = {})
    {
        attachment made;
        errors(scm_attach_by_ifd(detail::ifd_text(ifd_name).get(), &made.handle_));
        return made;
    }

    /**
     * The same with options, or to the reader itself. As scm_attach_by_ifd_ex.
     *
     * @param ifd_name  the name of the reader, as `list_ifds` gives it
     * @param options  the options
     *
     * Blocks as without options, for `limit_ms` at most.
     */
    static attachment by_ifd(std::string_view ifd_name, const scm_attach_options &options, report errors = {})
    {
        attachment made;
        errors(scm_attach_by_ifd_ex(detail::ifd_text(ifd_name).get(), &options, &made.handle_));
        return made;
    }

    /**
     * Attaches to the card behind a card handle of PC/SC, which stays the caller's. As scm_attach_by_handle.
     *
     * @param icc  the card handle (SCARDHANDLE)
     *
     * Blocks while another application holds a lock on the card.
     */
    static attachment by_handle(std::uintptr_t icc, report errors = {})
    {
        attachment made;
        errors(scm_attach_by_handle(icc, &made.handle_));
        return made;
    }

    /**
     * The same with options; SCM_ATTACH_ADOPT hands the card handle over. As scm_attach_by_handle_ex.
     *
     * @param icc  the card handle (SCARDHANDLE)
     * @param options  the options
     *
     * Blocks as without options, for `limit_ms` at most.
     */
    static attachment by_handle(std::uintptr_t icc, const scm_attach_options &options, report errors = {})
    {
        attachment made;
        errors(scm_attach_by_handle_ex(icc, &options, &made.handle_));
        return made;
    }

    /**
     * Ends the attachment, and leaves the card as it is. As scm_detach. Does not block, not even for another thread.
     */
    void detach(report errors = {}) { errors(scm_detach(take())); }

    /**
     * Ends the attachment with a disposition of the card. As scm_detach_ex. After SCM_E_INVALIDARG and
     * SCM_SCARD_E_NOT_READY the attachment stays, and this has it.
     *
     * @param disposition  SCM_DISPOSITION_LEAVE, SCM_DISPOSITION_RESET, SCM_DISPOSITION_UNPOWER or
     *   SCM_DISPOSITION_EJECT
     *
     * Blocks while another application or attachment holds a lock on the card, except for `SCM_DISPOSITION_LEAVE`.
     */
    void detach(std::uint32_t disposition, report errors = {})
    {
        const scm_result result = scm_detach_ex(handle_, disposition);
        if (result != SCM_E_INVALIDARG && result != SCM_SCARD_E_NOT_READY)
            handle_ = nullptr;
        errors(result);
    }

    /** Gives the attachment of C to the caller. Afterwards this is empty. */
    [[nodiscard]] scm_handle *take() noexcept { return std::exchange(handle_, nullptr); }

private:
    static void end(scm_handle *handle) noexcept
    {
        if (handle != nullptr)
            scm_detach(handle);
    }
};

/**
 * Holds a lock on a card, and applies a disposition when it ends, also after an exception: to reset a card that may
 * have verified a code, for example. std::scoped_lock leaves the card as it is.
 */
class [[nodiscard]] transaction {
public:
    /**
     * Locks. As scm_lock.
     *
     * @param card  the attachment
     * @param disposition  of the card at the end
     *
     * Blocks without a limit while another application or attachment holds a lock on the card; a `limit` limits that.
     */
    [[nodiscard]] explicit transaction(attachment_ref card, std::uint32_t disposition = SCM_DISPOSITION_LEAVE,
                                       report errors = {})
        : disposition_(disposition)
    {
        if (errors(scm_lock(card.get())))
            card_ = card;
    }

    /**
     * Locks, and waits for a time at most; then SCM_SCARD_E_TIMEOUT. As scm_lock_ex.
     *
     * @param card  the attachment
     * @param limit  how long to wait for others; `infinite` for no limit
     * @param disposition  what happens to the card at the end: SCM_DISPOSITION_LEAVE to SCM_DISPOSITION_EJECT
     *
     * Blocks for this time at most, and about 200 ms more if the resource manager is slow.
     */
    [[nodiscard]] transaction(attachment_ref card, timeout limit,
                              std::uint32_t disposition = SCM_DISPOSITION_LEAVE, report errors = {})
        : disposition_(disposition)
    {
        if (errors(scm_lock_ex(card.get(), limit.ms())))
            card_ = card;
    }

    transaction(transaction &&other) noexcept
        : card_(std::exchange(other.card_, {})), disposition_(other.disposition_)
    {
    }
    transaction &operator=(transaction &&) = delete;

    /** Unlocks, if `end` has not done it. A failure is lost; the next use of the card tells it. */
    ~transaction()
    {
        if (card_)
            scm_unlock(card_.get(), disposition_);
    }

    /**
     * Unlocks now. As scm_unlock. After SCM_E_INVALIDARG (a disposition that is not defined) it is still locked. Does
     * not block.
     */
    void end(report errors = {})
    {
        const scm_result result = scm_unlock(card_.get(), disposition_);
        if (result != SCM_E_INVALIDARG)
            card_ = {};
        errors(result);
    }

    /** Whether the card is locked. */
    explicit operator bool() const noexcept { return static_cast<bool>(card_); }

private:
    attachment_ref card_;
    std::uint32_t disposition_;
};

/** @} */

/**
 * @defgroup scm_cpp_events C++: events
 *
 * Services, readers and cards that come and go: a `monitor` is a range of each `event`.
 * @{
 */

/** An event of a monitor. */
class event {
public:
    /** An empty event. */
    event() noexcept = default;
    /** From an event of C. */
    explicit event(const scm_event &of_c) noexcept : event_(of_c) {}

    /** SCM_EVENT_SERVICE_UP to SCM_EVENT_CURRENT; later versions may have more kinds. */
    std::uint32_t kind() const noexcept { return event_.kind; }
    /** 1 for the first event of the monitor, then 2, 3, ... without a gap. */
    std::uint64_t number() const noexcept { return event_.number; }
    /** SCM_SERVICE_PLATFORM or SCM_SERVICE_VIRTUAL; 0 for SCM_EVENT_CURRENT. */
    std::uint32_t service() const noexcept { return event_.service; }
    /** The name of the reader, with a NUL behind it; empty if the event is not about a reader. Lives in the event. */
    std::string_view ifd_name() const noexcept { return event_.ifd_name; }
    /** The ATR of the card; empty if there is none. Lives in the event. */
    bytes atr() const noexcept { return bytes(event_.atr, event_.atr_length); }
    /** SCM_USAGE_UNKNOWN to SCM_USAGE_EXCLUSIVE: whether programs use the reader, this one included. */
    std::uint8_t usage() const noexcept { return event_.usage; }
    /** The event of C. */
    const scm_event &get() const noexcept { return event_; }

private:
    friend class monitor;
    scm_event event_ SCM_EVENT_INIT;
};

namespace detail {
inline scm_result end(scm_monitor *handle) { return scm_monitor_destroy(handle); }
} // namespace detail

/**
 * A monitor of services, readers and cards. Its destructor ends it, and blocks as scm_monitor_destroy.
 *
 * @code
 * #include <string>
 * #include <scm.hpp>
 *
 * // Waits until there is a card in a reader, and gives the name of the reader. Empty if the monitor was cancelled.
 * inline std::string wait_for_card(scm::monitor &monitor)
 * {
 *     for (const scm::event &event : monitor)
 *         if (event.kind() == SCM_EVENT_CARD_INSERTED)
 *             return std::string(event.ifd_name());
 *     return {};
 * }
 * @endcode
 */
class [[nodiscard]] monitor : public owner<scm_monitor, detail::end> {
public:
    using handle_type = scm_monitor;
    using owner::owner;

    /**
     * Begins to watch. As scm_monitor_create. Does not block, and succeeds also if no service runs: that is an event.
     */
    static monitor create(report errors = {})
    {
        monitor made;
        errors(scm_monitor_create(&made.handle_));
        return made;
    }

    /**
     * Waits for the next event. As scm_monitor_wait.
     *
     * @param limit  how long to wait; `infinite` for no limit
     * @return the event; none if there was none in this time
     *
     * Blocks for this time at most, also if the service hangs.
     */
    std::optional<event> wait(timeout limit = infinite, report errors = {})
    {
        std::optional<event> next(std::in_place);
        const scm_result result = scm_monitor_wait(handle_, limit.ms(), &next->event_);
        if (!errors(result == SCM_SCARD_E_TIMEOUT ? SCM_S_OK : result) || result == SCM_SCARD_E_TIMEOUT)
            next.reset();
        return next;
    }

    /**
     * Ends the waits of this monitor with SCM_SCARD_E_CANCELLED; if there is none, the next one. As scm_monitor_cancel.
     * Never blocks.
     */
    void cancel(report errors = {}) { errors(scm_monitor_cancel(handle_)); }

    /** The file descriptor for poll and event loops. As scm_monitor_get_fd. Never blocks. */
    std::int32_t fd(report errors = {}) const
    {
        std::int32_t told = 0;
        errors(scm_monitor_get_fd(handle_, &told));
        return told;
    }

    /**
     * Ends the monitor. As scm_monitor_destroy. Blocks until the threads of the monitor have ended, for half a second
     * at most; if the service hangs, they end later.
     */
    void destroy(report errors = {}) { finish(errors); }

    /** Reads events one after the other: an input iterator. To increment it waits for the next event. */
    class iterator {
    public:
        using value_type = event;
        using reference = const event &;
        using pointer = const event *;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;

        /** The end. */
        iterator() noexcept = default;
        reference operator*() const noexcept { return event_; }
        pointer operator->() const noexcept { return &event_; }
        iterator &operator++()
        {
            std::error_code failure;
            const std::optional<event> next = monitor_->wait(limit_, failure);
            if (next)
                event_ = *next;
            else
                monitor_ = nullptr;
            const bool is_cancelled = failure.value() == SCM_SCARD_E_CANCELLED;
            errors_(is_cancelled ? scm_result{SCM_S_OK} : failure.value());
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.monitor_ == b.monitor_; }
        friend bool operator!=(const iterator &a, const iterator &b) noexcept { return !(a == b); }

    private:
        friend monitor;
        iterator(monitor &monitor, timeout limit, report errors) : monitor_(&monitor), limit_(limit), errors_(errors)
        {
            ++*this;
        }

        monitor *monitor_ = nullptr;
        timeout limit_ = infinite;
        report errors_;
        event event_;
    };

    /** The next events of a monitor, which must live as long. */
    class range {
    public:
        /** Waits for the first event. */
        iterator begin() const { return iterator(*monitor_, limit_, errors_); }
        iterator end() const noexcept { return iterator(); }

    private:
        friend monitor;
        range(monitor &monitor, timeout limit, report errors) noexcept
            : monitor_(&monitor), limit_(limit), errors_(errors)
        {
        }

        monitor *monitor_;
        timeout limit_;
        report errors_;
    };

    /**
     * The next events, as a range. It ends when there was no event within the limit, or when the wait is cancelled.
     *
     * @param limit  of the wait for each event; zero for the events that are there already
     */
    range events(timeout limit = infinite, report errors = {}) { return range(*this, limit, errors); }

    /** Waits for the next event. The monitor itself is the range of its next events, without limit, until `cancel`. */
    iterator begin() { return iterator(*this, infinite, {}); }
    iterator end() const noexcept { return iterator(); }
};

/** @} */

/**
 * @defgroup scm_cpp_files C++: files
 *
 * The files of a card: `file_access` finds and changes them, `file` reads and writes one.
 * @{
 */

/** A path and its form. Any text converts to a path of any form. */
class path {
public:
    /** @param form  SCM_TYPE_BY_NAME to SCM_TYPE_BY_ANY. `text` must live as long as this. */
    path(std::string_view text, std::uint32_t form) noexcept : text_(text), form_(form) {}

    /** A path of any form (SCM_TYPE_BY_ANY). */
    template <class Text, class = std::enable_if_t<std::is_convertible_v<const Text &, std::string_view>>>
    path(const Text &text) noexcept : text_(text), form_(SCM_TYPE_BY_ANY)
    {
    }

    std::string_view text() const noexcept { return text_; }
    std::uint32_t form() const noexcept { return form_; }

private:
    std::string_view text_;
    std::uint32_t form_;
};

/** A path with its meaning, from `file_access::resolve`. */
struct resolved_path {
    /** The whole path; empty after a failure. */
    std::string text;
    /** SCM_TYPE_BY_NAME, SCM_TYPE_BY_ID or SCM_TYPE_BY_SHORT_ID; 0 after a failure. */
    std::uint32_t form = 0;
};

/** The identifiers to try for a directory. The fields are those of C. */
struct directory_options : scm_directory_options {
    directory_options() noexcept : scm_directory_options SCM_DIRECTORY_OPTIONS_INIT {}
};

/** The properties of an open file. The fields are those of C. */
struct file_info : scm_file_info {
    file_info() noexcept : scm_file_info SCM_FILE_INFO_INIT {}
};

namespace detail {
inline scm_result end(scm_file *handle) { return scm_file_close(handle); }
inline scm_result end(scm_file_access *handle) { return scm_file_access_release(handle); }
} // namespace detail

/**
 * An open file. Its destructor closes it. Codes, blocking and threads are those of the group Files of scm.h.
 *
 * @code
 * #include <cstdint>
 * #include <string_view>
 * #include <vector>
 * #include <scm.hpp>
 *
 * // Reads a whole file, such as "3F00/2F00".
 * inline std::vector<std::uint8_t> read_file(scm::attachment &card, std::string_view path)
 * {
 *     std::vector<std::uint8_t> content, room(4096);
 *     scm::file file = card.create_file_access().open(path);
 *     while (auto part = file.read(room))
 *         content.insert(content.end(), part->begin(), part->end());
 *     return content;
 * }
 * @endcode
 */
class [[nodiscard]] file : public owner<scm_file, detail::end> {
public:
    using handle_type = scm_file;
    using owner::owner;

    /**
     * Reads from the position: up to as many bytes as there is room, or one record. As scm_file_read.
     *
     * @param room  the room for the bytes
     * @return the bytes in `room`; none at the end of the file, which is no failure, and after a failure
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    std::optional<buffer> read(buffer room, report errors = {})
    {
        std::size_t length;
        const scm_result result = scm_file_read(handle_, room.data(), room.size(), &length, 0);
        if (!errors(result == SCM_SCARD_W_EOF ? scm_result{SCM_S_OK} : result) || result == SCM_SCARD_W_EOF)
            return std::nullopt;
        return room.first(length);
    }

    /**
     * Writes at the position. As scm_file_write.
     *
     * @param data  the bytes, or the record
     * @param flags  SCM_FL_REPLACE, SCM_FL_OR or SCM_FL_AND
     * @return how many bytes the card has acknowledged; with a std::error_code also after a failure. Otherwise
     *   `write_error` tells it.
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    std::size_t write(bytes data, std::uint32_t flags = SCM_FL_REPLACE, report errors = {})
    {
        return write_raw(data.data(), data.size(), flags, errors);
    }

    /**
     * Erases bytes at the position, or a record. As scm_file_write with SCM_FL_ERASE.
     *
     * @param count  how many bytes
     * @return as `write`
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    std::size_t erase(std::size_t count, report errors = {})
    {
        return write_raw(nullptr, count, SCM_FL_ERASE, errors);
    }

    /**
     * Moves the position. As scm_file_seek.
     *
     * @param offset  how far; may be negative
     * @param origin  SCM_SEEK_FROM_BEGINNING, SCM_SEEK_FROM_END or SCM_SEEK_RELATIVE
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    void seek(std::int64_t offset, std::uint32_t origin = SCM_SEEK_FROM_BEGINNING, report errors = {})
    {
        errors(scm_file_seek(handle_, offset, origin));
    }

    /** The position, in bytes or records. As scm_file_tell. Does not block: does not ask the card. */
    std::uint64_t tell(report errors = {}) const
    {
        std::uint64_t told = 0;
        errors(scm_file_tell(handle_, &told));
        return told;
    }

    /**
     * The size of the file in bytes, or the number of its records. As scm_file_get_size. Blocks while others hold a
     * lock on the card, and as long as the card takes.
     */
    std::uint64_t size(report errors = {}) const
    {
        std::uint64_t told = 0;
        errors(scm_file_get_size(handle_, &told));
        return told;
    }

    /**
     * The information of the card about the file when it was opened. As scm_file_get_info. Does not block: does not ask
     * the card.
     */
    file_info info(report errors = {}) const
    {
        file_info told;
        errors(scm_file_get_info(handle_, &told));
        return told;
    }

    /**
     * Closes the file, and tells a failure of a provider. As scm_file_close. Does not block: the card knows nothing of
     * open files.
     */
    void close(report errors = {}) { finish(errors); }

private:
    std::size_t write_raw(const std::uint8_t *data, std::size_t length, std::uint32_t flags, report errors)
    {
        std::size_t written = 0;
        const scm_result result = scm_file_write(handle_, data, length, flags, &written);
        errors.as<write_error>(result, written);
        return written;
    }
};

/**
 * The files of a card, with a current directory. Its destructor ends it; files stay open. Codes, blocking and threads
 * are those of the group Files of scm.h.
 */
class [[nodiscard]] file_access : public owner<scm_file_access, detail::end> {
public:
    using handle_type = scm_file_access;
    using owner::owner;

    /**
     * Changes the current directory. As scm_file_access_change_dir.
     *
     * @param directory  the directory
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    void change_dir(const path &directory, report errors = {})
    {
        errors(scm_file_access_change_dir(handle_, directory.form(), c(directory).get()));
    }

    /**
     * The path of the current directory. As scm_file_access_get_current_dir. Does not block: does not ask the card, so
     * the directory may be gone.
     */
    std::string current_dir(report errors = {}) const
    {
        std::string text = detail::collect<std::string>(
            errors, SCM_PATH_MAX + 1, [&](char *data, std::size_t capacity, std::size_t *length) {
                return scm_file_access_get_current_dir(handle_, data, capacity, length);
            });
        if (!text.empty())
            text.pop_back(); // its NUL
        return text;
    }

    /**
     * Tells the meaning of a path: its form, and the whole path. As scm_file_access_resolve.
     *
     * @param path  the file or directory
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    resolved_path resolve(const path &path, report errors = {}) const
    {
        resolved_path told;
        told.text = detail::collect<std::string>(
            errors, SCM_PATH_MAX + 1, [&](char *data, std::size_t capacity, std::size_t *length) {
                return scm_file_access_resolve(handle_, path.form(), c(path).get(), &told.form, data, capacity,
                                               length);
            });
        if (!told.text.empty())
            told.text.pop_back(); // its NUL
        return told;
    }

    /**
     * Lists the current directory. As scm_file_access_directory.
     *
     * @param file_type  SCM_TYPE_DIRECTORIES to SCM_TYPE_VARIABLE_EF
     * @return identifiers, and names of applications
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    names directory(std::uint32_t file_type = SCM_TYPE_ALL_FILES, report errors = {}) const
    {
        return names(detail::collect<std::string>(
            errors, 4096, [&](char *data, std::size_t capacity, std::size_t *length) {
                return scm_file_access_directory(handle_, file_type, data, capacity, length);
            }));
    }

    /**
     * The same, with other identifiers to try. As scm_file_access_directory_ex.
     *
     * @param file_type  SCM_TYPE_DIRECTORIES to SCM_TYPE_VARIABLE_EF
     * @param options  the first and the last identifier
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    names directory(std::uint32_t file_type, const scm_directory_options &options, report errors = {}) const
    {
        return names(detail::collect<std::string>(
            errors, 4096, [&](char *data, std::size_t capacity, std::size_t *length) {
                return scm_file_access_directory_ex(handle_, file_type, &options, data, capacity, length);
            }));
    }

    /**
     * Opens a file. As scm_file_access_open.
     *
     * @param path  the file, such as "3F00/2F00"
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    file open(const path &path, report errors = {})
    {
        scm_file *made = nullptr;
        errors(scm_file_access_open(handle_, path.form(), c(path).get(), &made));
        return file(made);
    }

    /**
     * Creates a file or a directory. As scm_file_access_create.
     *
     * @param path  the new file
     * @param properties  BER-TLV data objects
     * @param flags  SCM_FL_PREALLOCATE if data come later, or 0
     * @param data  the first content; `{}` for none
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    void create(const path &path, bytes properties, std::uint32_t flags = 0, bytes data = {}, report errors = {})
    {
        errors(scm_file_access_create(handle_, path.form(), c(path).get(), properties.data(), properties.size(), flags,
                                      data.data(), data.size()));
    }

    /**
     * Deletes a file or a directory. As scm_file_access_delete.
     *
     * @param path  the file or directory
     * @param flags  SCM_FL_RECURSIVE for a directory with its content, or 0
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    void delete_file(const path &path, std::uint32_t flags = 0, report errors = {})
    {
        errors(scm_file_access_delete(handle_, path.form(), c(path).get(), flags));
    }

    /**
     * Gets the properties of a file, as data objects. As scm_file_access_get_properties.
     *
     * @param path  the file or directory
     * @param flags  SCM_FL_GET_ALL_PROPERTIES, SCM_FL_STAT_DEFAULT, or 0
     * @param tags  none for all
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    std::vector<std::uint8_t> properties(const path &path, std::uint32_t flags = 0, bytes tags = {},
                                         report errors = {}) const
    {
        return detail::collect<detail::byte_vector>(
            errors, 512, [&](std::uint8_t *data, std::size_t capacity, std::size_t *length) {
                return scm_file_access_get_properties(handle_, path.form(), c(path).get(), tags.data(), tags.size(),
                                                      flags, data, capacity, length);
            });
    }

    /**
     * Sets properties of a file. As scm_file_access_set_properties.
     *
     * @param path  the file or directory
     * @param properties  BER-TLV data objects
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    void set_properties(const path &path, bytes properties, report errors = {})
    {
        errors(scm_file_access_set_properties(handle_, path.form(), c(path).get(), properties.data(),
                                              properties.size(), 0));
    }

    /**
     * Gets the capabilities of the file system. As scm_file_access_get_file_capabilities.
     *
     * @param tags  none for all
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    std::vector<std::uint8_t> file_capabilities(bytes tags = {}, report errors = {}) const
    {
        return detail::collect<detail::byte_vector>(
            errors, 512, [&](std::uint8_t *data, std::size_t capacity, std::size_t *length) {
                return scm_file_access_get_file_capabilities(handle_, tags.data(), tags.size(), 0, data, capacity,
                                                             length);
            });
    }

    /**
     * Makes a file unusable until `rehabilitate`. As scm_file_access_invalidate.
     *
     * @param path  the file or directory
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    void invalidate(std::string_view path, report errors = {})
    {
        errors(scm_file_access_invalidate(handle_, detail::path_text(path).get(), 0));
    }

    /**
     * Makes a file usable again. As scm_file_access_rehabilitate.
     *
     * @param path  the file or directory
     *
     * Blocks while others hold a lock on the card, and as long as the card takes.
     */
    void rehabilitate(std::string_view path, report errors = {})
    {
        errors(scm_file_access_rehabilitate(handle_, detail::path_text(path).get(), 0));
    }

    /** Ends the object. As scm_file_access_release. Does not block. */
    void release(report errors = {}) { finish(errors); }

private:
    static detail::path_text c(const path &path) noexcept { return detail::path_text(path.text()); }
};

/** @} */

/**
 * @defgroup scm_cpp_codes C++: codes and keys
 *
 * The codes of the card holder (`ch_verification`), and authentication by keys (`card_auth`).
 * @{
 */

/** A code of the card holder: text, or bytes. Nothing for the PIN pad of the reader. It must live during the call. */
class code {
public:
    /** No code: the user enters it at the PIN pad. */
    constexpr code() noexcept = default;

    /** The characters or digits of the code. */
    template <class Text, class = std::enable_if_t<std::is_convertible_v<const Text &, std::string_view>>>
    code(const Text &text) noexcept : code(std::string_view(text), 0)
    {
    }

    /** The bytes of the code: an array, a std::vector, or anything else that converts to `bytes`. */
    template <class Bytes,
              std::enable_if_t<std::is_convertible_v<const Bytes &, scm::bytes> &&
                                   !std::is_convertible_v<const Bytes &, std::string_view>,
                               int> = 0>
    constexpr code(const Bytes &bytes) noexcept : bytes_(bytes)
    {
    }

    /** NULL is no text; `{}` is no code. */
    code(std::nullptr_t) = delete;

    constexpr scm::bytes bytes() const noexcept { return bytes_; }

private:
    code(std::string_view text, int) noexcept
        : bytes_(reinterpret_cast<const std::uint8_t *>(text.data()), text.size())
    {
    }
    scm::bytes bytes_;
};

namespace detail {
inline scm_result end(scm_ch_verification *handle) { return scm_ch_verification_release(handle); }
inline scm_result end(scm_card_auth *handle) { return scm_card_auth_release(handle); }
inline scm_result end(scm_interface *handle) { return scm_interface_release(handle); }
} // namespace detail

/**
 * The codes of a card. Its destructor ends it; verified codes stay verified. Codes, blocking and threads are those of
 * the group Codes of the card holder of scm.h.
 *
 * The functions return how many tries are left, if the card has told it; with a std::error_code also after a failure.
 * Otherwise `verification_error` tells it.
 *
 * @code
 * #include <cstdio>
 * #include <string_view>
 * #include <scm.hpp>
 *
 * // Presents code 1 of a card that fills its codes with FF to 8 bytes.
 * inline bool verify_pin(scm::attachment &card, std::string_view pin)
 * {
 *     scm::ch_verification_options format;
 *     format.block_length = 8;
 *     try {
 *         card.create_ch_verification(format).verify(pin, 1);
 *         return true;
 *     } catch (const scm::verification_error &error) {
 *         if (error.retries_left())
 *             std::fprintf(stderr, "Tries left: %u\n", unsigned{*error.retries_left()});
 *         return false;
 *     }
 * }
 * @endcode
 */
class [[nodiscard]] ch_verification : public owner<scm_ch_verification, detail::end> {
public:
    using handle_type = scm_ch_verification;
    using owner::owner;

    /**
     * Presents a code to the card, or asks for its state. As scm_ch_verification_verify.
     *
     * @param code  the code, without filler; `{}` for the PIN pad
     * @param reference  the number of the code, 0 to 31
     * @param flags  SCM_FL_IHV_GLOBAL or SCM_FL_IHV_LOCAL, and SCM_FL_IHV_CHECKONLY; 0 for the first
     *
     * Blocks as `send`, and with a PIN pad until the user has finished.
     */
    std::optional<std::uint32_t> verify(code code, std::uint32_t reference, std::uint32_t flags = 0,
                                        report errors = {})
    {
        std::uint32_t left;
        const scm_result result = scm_ch_verification_verify(handle_, code.bytes().data(), code.bytes().size(), flags,
                                                             reference, &left);
        return tell(result, left, errors);
    }

    /**
     * Gives a code a new value, or makes the card ask for it or not. As scm_ch_verification_change_code.
     *
     * @param old_code  the present code
     * @param new_code  the new code; `{}` for none
     * @param reference  the number of the code, 0 to 31
     * @param flags  flags of scm.h (SCM_FL_*); 0 for the defaults
     *
     * Blocks as `send`, and with a PIN pad until the user has finished.
     */
    std::optional<std::uint32_t> change_code(code old_code, code new_code, std::uint32_t reference,
                                             std::uint32_t flags = 0, report errors = {})
    {
        std::uint32_t left;
        const scm_result result = scm_ch_verification_change_code(
            handle_, old_code.bytes().data(), old_code.bytes().size(), new_code.bytes().data(),
            new_code.bytes().size(), flags, reference, &left);
        return tell(result, left, errors);
    }

    /**
     * Unblocks a code, and gives it a new value. As scm_ch_verification_unblock.
     *
     * @param unblocking_code  the code that allows it; `{}` for none
     * @param new_code  the new code; `{}` for none
     * @param reference  the number of the code, 0 to 31
     * @param flags  flags of scm.h (SCM_FL_*); 0 for the defaults
     *
     * Blocks as `send`, and with a PIN pad until the user has finished.
     */
    std::optional<std::uint32_t> unblock(code unblocking_code, code new_code, std::uint32_t reference,
                                         std::uint32_t flags = 0, report errors = {})
    {
        std::uint32_t left;
        const scm_result result = scm_ch_verification_unblock(
            handle_, unblocking_code.bytes().data(), unblocking_code.bytes().size(), new_code.bytes().data(),
            new_code.bytes().size(), flags, reference, &left);
        return tell(result, left, errors);
    }

    /**
     * Withdraws all that was verified through this object. As scm_ch_verification_reset_security_state. Blocks as
     * `send`, and with a PIN pad until the user has finished.
     */
    void reset_security_state(report errors = {}) { errors(scm_ch_verification_reset_security_state(handle_)); }

    /** Ends the object. As scm_ch_verification_release. Does not block. */
    void release(report errors = {}) { finish(errors); }

private:
    static std::optional<std::uint32_t> tell(scm_result result, std::uint32_t left, report errors)
    {
        std::optional<std::uint32_t> told;
        /* A failure before the card was asked has 0, too. */
        const bool is_about_code = result == SCM_SCARD_W_CHV_BLOCKED || result == SCM_SCARD_W_WRONG_CHV;
        if (left != SCM_RETRIES_UNKNOWN && (left != 0 || is_about_code))
            told = left;
        errors.as<verification_error>(result, told);
        return told;
    }
};

/** The cipher for a challenge: AES, 3DES, or a function. It copies no key: that must live as long as this. */
class cipher {
public:
    /** Makes the answer to a challenge. An exception ends the authentication with its code. */
    using function = std::function<std::vector<std::uint8_t>(bytes challenge)>;

    /** AES on one block of 16 bytes. @param key  16, 24 or 32 bytes */
    static cipher aes(bytes key) noexcept { return cipher(SCM_CIPHER_AES, key); }

    /** 3DES on one block of 8 bytes. @param key  16 or 24 bytes */
    static cipher triple_des(bytes key) noexcept { return cipher(SCM_CIPHER_3DES, key); }

    /**
     * A cipher of the program. The memory of its answers is overwritten after use.
     *
     * @param challenge_length  up to SCM_CHALLENGE_MAX; 0 for 8
     */
    explicit cipher(function answer, std::uint32_t challenge_length = 0) : answer_(std::move(answer))
    {
        options_.challenge_length = challenge_length;
    }

    /** Options of C, valid as long as this. */
    scm_card_auth_options options() const noexcept
    {
        scm_card_auth_options options = options_;
        if (answer_) {
            options.cipher_callback = &cipher::call;
            options.user_data = const_cast<cipher *>(this);
        }
        return options;
    }

private:
    cipher(std::uint32_t kind, bytes key) noexcept
    {
        options_.cipher = kind;
        options_.key = key.data();
        options_.key_length = key.size();
    }

    static scm_result call(void *self, const std::uint8_t *challenge, std::size_t challenge_length,
                           std::uint8_t *answer, std::size_t capacity, std::size_t *answer_length)
    {
        return to_result([&] {
            std::vector<std::uint8_t> made =
                static_cast<const cipher *>(self)->answer_(bytes(challenge, challenge_length));
            detail::answer(made, answer, capacity, answer_length);
            for (volatile std::uint8_t &byte : made)
                byte = 0;
        });
    }

    scm_card_auth_options options_ SCM_CARD_AUTH_OPTIONS_INIT;
    function answer_;
};

/**
 * The keys of a card. Its destructor ends it; accepted proofs stay accepted. Codes, blocking and threads are those of
 * the group Authentication of scm.h. `parameters` are no byte or one byte, such as the number of the key.
 *
 * @code
 * #include <scm.hpp>
 *
 * // Proves to the card that the program has an AES key, and checks that the card has another one.
 * inline void authenticate(scm::attachment &card, scm::bytes own_key, scm::bytes card_key)
 * {
 *     static const std::uint8_t own_number[] = {1}, card_number[] = {2};
 *     scm::card_auth auth = card.create_card_auth();
 *     auth.app_auth(0, own_number, scm::cipher::aes(own_key));
 *     auth.icc_auth(0, card_number, scm::cipher::aes(card_key));
 * }
 * @endcode
 */
class [[nodiscard]] card_auth : public owner<scm_card_auth, detail::end> {
public:
    using handle_type = scm_card_auth;
    using owner::owner;

    /**
     * Gets a challenge from the card. As scm_card_auth_get_challenge.
     *
     * @param algorithm  as the card numbers them, 0 to 255; 0 if the card knows it
     * @param parameters  `{}`, or one byte for P2, such as the number of the key
     * @param room  the room for the challenge: as many bytes as are wanted
     * @return the challenge in `room`
     *
     * Blocks as `send`.
     */
    buffer challenge(std::uint32_t algorithm, bytes parameters, buffer room, report errors = {})
    {
        std::size_t length;
        errors(scm_card_auth_get_challenge(handle_, algorithm, parameters.data(), parameters.size(), room.data(),
                                           room.size(), &length));
        return detail::filled(room, length);
    }

    /**
     * Proves that the application has a key, with an answer to a challenge. As scm_card_auth_app_auth.
     *
     * @param algorithm  as the card numbers them, 0 to 255; 0 if the card knows it
     * @param parameters  `{}`, or one byte for P2, such as the number of the key
     * @param answer  the answer to the challenge
     *
     * Blocks as `send`.
     */
    void app_auth(std::uint32_t algorithm, bytes parameters, bytes answer, report errors = {})
    {
        errors(scm_card_auth_app_auth(handle_, algorithm, parameters.data(), parameters.size(), answer.data(),
                                      answer.size()));
    }

    /**
     * The same, in all steps. As scm_card_auth_app_auth_ex.
     *
     * @param algorithm  as the card numbers them, 0 to 255; 0 if the card knows it
     * @param parameters  `{}`, or one byte for P2, such as the number of the key
     * @param cipher  the cipher
     *
     * Blocks as `send`.
     */
    void app_auth(std::uint32_t algorithm, bytes parameters, const cipher &cipher, report errors = {})
    {
        const scm_card_auth_options options = cipher.options();
        errors(scm_card_auth_app_auth_ex(handle_, algorithm, parameters.data(), parameters.size(), &options));
    }

    /**
     * Lets the card prove that it has a key. As scm_card_auth_icc_auth.
     *
     * @param algorithm  as the card numbers them, 0 to 255; 0 if the card knows it
     * @param parameters  `{}`, or one byte for P2, such as the number of the key
     * @param challenge  the challenge, which was never used before
     * @param room  the room for the answer; may be the memory of the challenge
     * @return the answer in `room`
     *
     * Blocks as `send`.
     */
    buffer icc_auth(std::uint32_t algorithm, bytes parameters, bytes challenge, buffer room, report errors = {})
    {
        std::size_t length;
        const scm_result result =
            scm_card_auth_icc_auth(handle_, algorithm, parameters.data(), parameters.size(), challenge.data(),
                                   challenge.size(), room.data(), room.size(), &length);
        errors(detail::fitting(result, room, length));
        return detail::filled(room, length);
    }

    /**
     * Checks whether the card has a key, in all steps. As scm_card_auth_icc_auth_ex.
     *
     * @param algorithm  as the card numbers them, 0 to 255; 0 if the card knows it
     * @param parameters  `{}`, or one byte for P2, such as the number of the key
     * @param cipher  the cipher
     *
     * Blocks as `send`.
     */
    void icc_auth(std::uint32_t algorithm, bytes parameters, const cipher &cipher, report errors = {})
    {
        const scm_card_auth_options options = cipher.options();
        errors(scm_card_auth_icc_auth_ex(handle_, algorithm, parameters.data(), parameters.size(), &options));
    }

    /**
     * Presents data of the user to the card. As scm_card_auth_user_auth.
     *
     * @param algorithm  as the card numbers them, 0 to 255; 0 if the card knows it
     * @param parameters  `{}`, or one byte for P2, such as the number of the key
     * @param data  the data of the user
     *
     * Blocks as `send`.
     */
    void user_auth(std::uint32_t algorithm, bytes parameters, bytes data, report errors = {})
    {
        errors(scm_card_auth_user_auth(handle_, algorithm, parameters.data(), parameters.size(), data.data(),
                                       data.size()));
    }

    /** Ends the object. As scm_card_auth_release. Does not block. */
    void release(report errors = {}) { finish(errors); }
};

/** @} */

/**
 * @defgroup scm_cpp_interfaces C++: interfaces
 *
 * Interfaces of providers that are none of the known ones. `attachment_ref::create_interface` makes an object.
 * @{
 */

/** An interface that only its provider knows. Its destructor ends it. */
class [[nodiscard]] provided_interface : public owner<scm_interface, detail::end> {
public:
    using handle_type = scm_interface;
    using owner::owner;

    /** The functions of a provider, and the object that is their first argument. */
    template <class Functions>
    struct implementation {
        const Functions *functions = nullptr;
        void *object = nullptr;
    };

    /**
     * Gets the implementation. As scm_interface_get_implementation.
     *
     * @tparam Functions  the table of functions, as provider and user have agreed
     *
     * Never blocks.
     */
    template <class Functions = void>
    implementation<Functions> get_implementation(report errors = {}) const
    {
        const void *functions = nullptr;
        implementation<Functions> told;
        errors(scm_interface_get_implementation(handle_, &functions, &told.object));
        told.functions = static_cast<const Functions *>(functions);
        return told;
    }

    /** Ends the object. As scm_interface_release. Blocks as long as the provider needs to release its object. */
    void release(report errors = {}) { finish(errors); }
};

inline file_access attachment_ref::create_file_access(report errors) const
{
    scm_file_access *made = nullptr;
    errors(scm_create_file_access(handle_, &made));
    return file_access(made);
}

inline ch_verification attachment_ref::create_ch_verification(report errors) const
{
    scm_ch_verification *made = nullptr;
    errors(scm_create_ch_verification(handle_, &made));
    return ch_verification(made);
}

inline ch_verification attachment_ref::create_ch_verification(const scm_ch_verification_options &options,
                                                              report errors) const
{
    scm_ch_verification *made = nullptr;
    errors(scm_create_ch_verification_ex(handle_, &options, &made));
    return ch_verification(made);
}

inline card_auth attachment_ref::create_card_auth(report errors) const
{
    scm_card_auth *made = nullptr;
    errors(scm_create_card_auth(handle_, &made));
    return card_auth(made);
}

/** @} */

/**
 * @defgroup scm_cpp_virtual C++: virtual readers
 *
 * Readers inside the process, with cards made of functions, for tests without hardware.
 * @{
 */

namespace detail {

inline scm_result end(scm_virtual_ifd *handle) { return scm_virtual_ifd_destroy(handle); }

} // namespace detail

/**
 * Answers a control code. No answer means that the code is not known; an exception, that the reader has failed. The
 * answer has SCM_RESPONSE_MAX bytes at most.
 */
using control_callback = std::function<std::optional<std::vector<std::uint8_t>>(std::uint32_t code, bytes input)>;

/** A virtual card, made of functions. Rules and threads are those of `scm_virtual_card` in scm_virtual.h. */
struct virtual_card {
    /** The ATR, 1 to SCM_ATR_MAX bytes. */
    std::vector<std::uint8_t> atr;
    /** Answers one command with data and status word. Required. An exception is a card that has not answered. */
    std::function<std::vector<std::uint8_t>(bytes command)> transmit;
    /** Learns of its power: SCM_POWER_ON, SCM_POWER_OFF or SCM_POWER_RESET. After an exception the card is mute. */
    std::function<void(std::uint32_t event)> power;
    /** Answers a control code as the reader, if the reader does not know it. */
    control_callback control;
    /** The last call, once. An exception is ignored. */
    std::function<void()> release;
    /** SCM_PROTOCOL_T0, SCM_PROTOCOL_T1, both, or SCM_PROTOCOL_RAW; 0 for those of the ATR. */
    std::uint32_t protocols = 0;
};

/** An attribute of a virtual reader. */
struct virtual_attribute {
    /** Its identifier. */
    std::uint32_t id = 0;
    /** Its value, up to 264 bytes. */
    std::vector<std::uint8_t> value;
    /** 0, or SCM_VIRTUAL_ATTRIBUTE_SETTABLE. */
    std::uint32_t flags = 0;
};

/** How to make a virtual reader, with every default. Rules are those of `scm_virtual_ifd_options` in scm_virtual.h. */
struct virtual_ifd_options {
    /** The size of the log in bytes; 0 for 1 MiB. */
    std::uint32_t log_capacity = 0;
    /** The vendor name; empty for the default. */
    std::string vendor_name;
    /** Answers a control code, with or without a card. */
    control_callback control;
    /** The last call, once. An exception is ignored. */
    std::function<void()> release;
    /** More attributes, or others in the place of the standard ones. */
    std::vector<virtual_attribute> attributes;
};

/** A change of the next calls of an operation. The fields are those of C. */
struct virtual_failure : scm_virtual_failure {
    virtual_failure() noexcept : scm_virtual_failure SCM_VIRTUAL_FAILURE_INIT {}
};

namespace detail {

/* The callbacks of C for functions of C++. `Functions` belongs to the reader, which ends it with `release`. */
template <class Functions>
struct callbacks {
    static scm_result transmit(void *self, const std::uint8_t *command, std::size_t command_length,
                               std::uint8_t *response, std::size_t capacity, std::size_t *response_length)
    {
        return to_result([&] {
            answer(of(self).transmit(bytes(command, command_length)), response, capacity, response_length);
        });
    }

    static scm_result power(void *self, std::uint32_t event)
    {
        return to_result([&] { of(self).power(event); });
    }

    static scm_result control(void *self, std::uint32_t code, const std::uint8_t *input, std::size_t input_length,
                              std::uint8_t *output, std::size_t capacity, std::size_t *output_length)
    {
        bool is_known = false;
        const scm_result result = to_result([&] {
            const std::optional<byte_vector> made = of(self).control(code, bytes(input, input_length));
            is_known = made.has_value();
            if (is_known)
                answer(*made, output, capacity, output_length);
        });
        return result == SCM_S_OK && !is_known ? scm_result{SCM_SCARD_E_UNSUPPORTED_FEATURE} : result;
    }

    static void release(void *self)
    {
        const std::unique_ptr<Functions> functions(&of(self));
        if (functions->release)
            to_result([&] { functions->release(); });
    }

private:
    static Functions &of(void *self) noexcept { return *static_cast<Functions *>(self); }
};

} // namespace detail

/**
 * A virtual reader. Its destructor unplugs it, with its card. docs/virtual-readers.md is the guide.
 *
 * @code
 * #include <cstdint>
 * #include <vector>
 * #include <scm.hpp>
 *
 * // A card that answers 9000 to every command, in a new reader.
 * inline scm::virtual_ifd make_reader_with_card()
 * {
 *     scm::virtual_ifd reader = scm::virtual_ifd::create("Reader with a card");
 *     scm::virtual_card card;
 *     card.atr = {0x3B, 0x80, 0x80, 0x01, 0x01};
 *     card.transmit = [](scm::bytes) { return std::vector<std::uint8_t>{0x90, 0x00}; };
 *     reader.insert(card);
 *     return reader;
 * }
 * @endcode
 */
class [[nodiscard]] virtual_ifd : public owner<scm_virtual_ifd, detail::end> {
public:
    using handle_type = scm_virtual_ifd;
    using owner::owner;

    /**
     * Makes a virtual reader, without a card. As scm_virtual_ifd_create.
     *
     * @param name  the name of the reader, 1 to SCM_IFD_NAME_MAX bytes
     *
     * Does not block.
     */
    static virtual_ifd create(std::string_view name, report errors = {})
    {
        virtual_ifd made;
        errors(scm_virtual_ifd_create(detail::ifd_text(name).get(), nullptr, &made.handle_));
        return made;
    }

    /**
     * The same, with options, whose functions are copied. As scm_virtual_ifd_create.
     *
     * @param name  the name of the reader, 1 to SCM_IFD_NAME_MAX bytes
     * @param options  the options
     *
     * Does not block.
     */
    static virtual_ifd create(std::string_view name, virtual_ifd_options options, report errors = {})
    {
        using callbacks = detail::callbacks<virtual_ifd_options>;
        virtual_ifd made;
        errors(to_result([&] {
            scm_virtual_ifd_options c SCM_VIRTUAL_IFD_OPTIONS_INIT;
            std::vector<scm_virtual_attribute> attributes;
            for (const virtual_attribute &attribute : options.attributes)
                attributes.push_back({attribute.id, attribute.flags, attribute.value.data(), attribute.value.size()});
            c.attributes = attributes.data();
            c.attribute_count = attributes.size();
            c.log_capacity = options.log_capacity;
            const detail::ifd_text vendor_name(options.vendor_name);
            if (vendor_name.get() == nullptr)
                return scm_result{SCM_E_INVALIDARG};
            if (!options.vendor_name.empty())
                c.vendor_name = vendor_name.get();
            if (options.control)
                c.control = callbacks::control;
            c.release = callbacks::release;
            auto owned = std::make_unique<virtual_ifd_options>(std::move(options));
            c.user_data = owned.get();
            const scm_result result = scm_virtual_ifd_create(detail::ifd_text(name).get(), &c, &made.handle_);
            if (SCM_SUCCEEDED(result))
                owned.release(); // the callback `release` ends it
            return result;
        }));
        return made;
    }

    /**
     * Inserts a card, and powers it. As scm_virtual_ifd_insert.
     *
     * @param card  belongs to the reader from now on; after a failure it is destroyed, without `release`
     *
     * Blocks as long as `power` takes.
     */
    void insert(virtual_card card, report errors = {})
    {
        using callbacks = detail::callbacks<virtual_card>;
        errors(to_result([&] {
            auto owned = std::make_unique<virtual_card>(std::move(card));
            scm_virtual_card c SCM_VIRTUAL_CARD_INIT;
            c.protocols = owned->protocols;
            c.atr = owned->atr.data();
            c.atr_length = owned->atr.size();
            c.user_data = owned.get();
            c.transmit = owned->transmit ? callbacks::transmit : nullptr;
            c.power = owned->power ? callbacks::power : nullptr;
            c.control = owned->control ? callbacks::control : nullptr;
            c.release = callbacks::release;
            const scm_result result = scm_virtual_ifd_insert(handle_, &c);
            if (SCM_SUCCEEDED(result))
                owned.release(); // the callback `release` ends it
            return result;
        }));
    }

    /**
     * Inserts a card with callbacks of C, such as that of libscm_card. As scm_virtual_ifd_insert.
     *
     * @param card  the card
     *
     * Blocks as long as `power` takes.
     */
    void insert(const scm_virtual_card &card, report errors = {})
    {
        errors(scm_virtual_ifd_insert(handle_, &card));
    }

    /**
     * Removes the card, whatever is in progress. As scm_virtual_ifd_remove. Does not block, not even while a callback
     * runs.
     */
    void remove(report errors = {}) { errors(scm_virtual_ifd_remove(handle_)); }

    /**
     * Resets the card, or turns its power off. As scm_virtual_ifd_reset.
     *
     * @param disposition  SCM_DISPOSITION_RESET or SCM_DISPOSITION_UNPOWER
     *
     * Blocks until an exchange in progress has ended, except in its callback: then the exchange fails with
     * `SCM_SCARD_W_RESET_CARD`.
     */
    void reset(std::uint32_t disposition = SCM_DISPOSITION_RESET, report errors = {})
    {
        errors(scm_virtual_ifd_reset(handle_, disposition));
    }

    /**
     * Lets the next calls of an operation fail. As scm_virtual_ifd_fail.
     *
     * @param operation  SCM_VIRTUAL_CONNECT to SCM_VIRTUAL_SET_ATTRIBUTE
     * @param code  the code of the resource manager
     * @param skip  how many calls are left alone before
     * @param count  how many calls fail; UINT32_MAX for all that follow, 0 to cancel the plans
     *
     * Never blocks.
     */
    void fail(std::uint32_t operation, errc code, std::uint32_t skip = 0, std::uint32_t count = 1, report errors = {})
    {
        errors(scm_virtual_ifd_fail(handle_, operation, static_cast<scm_result>(code), skip, count));
    }

    /**
     * Lets the next calls of an operation fail, or delays them, or both. As scm_virtual_ifd_fail_ex.
     *
     * @param operation  SCM_VIRTUAL_CONNECT to SCM_VIRTUAL_SET_ATTRIBUTE
     * @param failure  the change
     *
     * Never blocks.
     */
    void fail(std::uint32_t operation, const scm_virtual_failure &failure, report errors = {})
    {
        errors(scm_virtual_ifd_fail_ex(handle_, operation, &failure));
    }

    /** The log: one line for each operation, the oldest first. As scm_virtual_ifd_get_log. Never blocks. */
    std::string log(report errors = {}) const
    {
        std::string text = detail::collect<std::string>(
            errors, 4096, [&](char *data, std::size_t capacity, std::size_t *length) {
                return scm_virtual_ifd_get_log(handle_, data, capacity, length);
            });
        if (!text.empty())
            text.pop_back(); // its NUL
        return text;
    }

    /** Empties the log. As scm_virtual_ifd_clear_log. Never blocks. */
    void clear_log(report errors = {}) { errors(scm_virtual_ifd_clear_log(handle_)); }

    /** Unplugs the reader, with its card. As scm_virtual_ifd_destroy. Does not block. */
    void destroy(report errors = {}) { finish(errors); }
};

/**
 * Stops the virtual resource manager. As scm_virtual_service_stop.
 *
 * @return whether it was running
 *
 * Does not block, not even while callbacks run.
 */
inline bool virtual_service_stop(report errors = {})
{
    const scm_result result = scm_virtual_service_stop();
    errors(result);
    return result == SCM_S_OK;
}

/**
 * Starts the virtual resource manager again. As scm_virtual_service_start.
 *
 * @return whether it was stopped
 *
 * Does not block.
 */
inline bool virtual_service_start(report errors = {})
{
    const scm_result result = scm_virtual_service_start();
    errors(result);
    return result == SCM_S_OK;
}

/** @} */

/**
 * @defgroup scm_cpp_providers C++: providers
 *
 * A provider is a class that implements files, codes or authentication for a kind of card. Rules and threads are those
 * of scm_provider.h: the library makes an object for each interface that a program creates, and several threads may
 * use it. A function that a class does not have gives SCM_E_NOTIMPL. An exception is the result of the call. Parameters
 * and results are those of the functions that programs call (`file_access`, `ch_verification`, `card_auth`).
 *
 * @code
 * #include <cstdint>
 * #include <memory>
 * #include <utility>
 * #include <vector>
 * #include <scm.hpp>
 *
 * // This card withdraws what was verified by a command of its own.
 * class codes_of_card : public scm::ch_verification_implementation {
 * public:
 *     explicit codes_of_card(scm::attachment_ref card) : card_(card) {}
 *
 *     void reset_security_state() override
 *     {
 *         static const std::uint8_t command[] = {0x80, 0x10, 0x00, 0x00};
 *         if (card_.transmit(command).front() != 0x90)
 *             throw scm::error(scm::errc::e_fail);
 *     }
 *
 * private:
 *     scm::attachment_ref card_;
 * };
 *
 * // For the cards of one ATR, until the registration ends.
 * inline scm::registration register_codes(std::vector<std::uint8_t> atr)
 * {
 *     scm::provider provider;
 *     provider.atr = std::move(atr);
 *     return scm::register_ch_verification_provider(provider, [](scm::attachment_ref card, void *) {
 *         return std::make_unique<codes_of_card>(card);
 *     });
 * }
 * @endcode
 * @{
 */

/** The cards and the interface of a provider. The fields have the meaning of those of `scm_provider`. */
struct provider {
    /** The IID of the interface, if it has one. */
    std::optional<scm_guid> iid;
    /** The name of the interface; empty for none. */
    std::string name;
    /** The ATR of the cards; empty for every card. */
    std::vector<std::uint8_t> atr;
    /** The bits of the ATR that count; empty if all count, else as long as the ATR. */
    std::vector<std::uint8_t> atr_mask;
};

namespace detail {

[[noreturn]] inline void not_implemented()
{
    raise<error>(SCM_E_NOTIMPL);
}

} // namespace detail

/** An open file of a provider. Its destructor runs after the last function has returned. */
class file_implementation {
public:
    virtual ~file_implementation() = default;
    /** Reads up to the size of `room`. @return how many bytes; none at the end */
    virtual std::optional<std::size_t> read(buffer room, std::uint32_t flags)
    {
        (void)room, (void)flags;
        detail::not_implemented();
    }
    /** Writes. @param written  [out] how many bytes are written, also before an exception; `write_error` sets it */
    virtual void write(bytes data, std::uint32_t flags, std::size_t &written)
    {
        (void)data, (void)flags, (void)written;
        detail::not_implemented();
    }
    /** Moves the position. */
    virtual void seek(std::int64_t offset, std::uint32_t origin)
    {
        (void)offset, (void)origin;
        detail::not_implemented();
    }
    /** Tells the position. */
    virtual std::uint64_t tell() { detail::not_implemented(); }
    /** Tells the size. */
    virtual std::uint64_t size() { detail::not_implemented(); }
    /** Runs before the destructor. An exception is the result of scm_file_close. */
    virtual void close() {}
};

/** The files of a card, implemented by a provider. */
class file_access_implementation {
public:
    virtual ~file_access_implementation() = default;
    /** Changes the current directory. */
    virtual void change_dir(const path &directory)
    {
        (void)directory;
        detail::not_implemented();
    }
    /** Tells its path. */
    virtual std::string current_dir() { detail::not_implemented(); }
    /** Lists its files. */
    virtual std::vector<std::string> directory(std::uint32_t file_type)
    {
        (void)file_type;
        detail::not_implemented();
    }
    /** Opens a file. This object outlives its files. */
    virtual std::unique_ptr<file_implementation> open(const path &path)
    {
        (void)path;
        detail::not_implemented();
    }
    /** Creates a file or a directory. */
    virtual void create(const path &path, bytes properties, std::uint32_t flags, bytes data)
    {
        (void)path, (void)properties, (void)flags, (void)data;
        detail::not_implemented();
    }
    /** Deletes a file or a directory. */
    virtual void delete_file(const path &path, std::uint32_t flags)
    {
        (void)path, (void)flags;
        detail::not_implemented();
    }
    /** Tells the properties of a file. */
    virtual std::vector<std::uint8_t> properties(const path &path, bytes tags, std::uint32_t flags)
    {
        (void)path, (void)tags, (void)flags;
        detail::not_implemented();
    }
    /** Sets properties of a file. */
    virtual void set_properties(const path &path, bytes properties, std::uint32_t flags)
    {
        (void)path, (void)properties, (void)flags;
        detail::not_implemented();
    }
    /** Tells the capabilities of the file system. */
    virtual std::vector<std::uint8_t> file_capabilities(bytes tags, std::uint32_t flags)
    {
        (void)tags, (void)flags;
        detail::not_implemented();
    }
    /** Deactivates a file. */
    virtual void invalidate(const path &path, std::uint32_t flags)
    {
        (void)path, (void)flags;
        detail::not_implemented();
    }
    /** Activates a file again. */
    virtual void rehabilitate(const path &path, std::uint32_t flags)
    {
        (void)path, (void)flags;
        detail::not_implemented();
    }
};

/**
 * The codes of a card, implemented by a provider. `retries_left` is SCM_RETRIES_UNKNOWN until a function sets it, or
 * throws a `verification_error` that has it.
 */
class ch_verification_implementation {
public:
    virtual ~ch_verification_implementation() = default;
    /** Verifies a code. */
    virtual void verify(bytes code, std::uint32_t reference, std::uint32_t flags, std::uint32_t &retries_left)
    {
        (void)code, (void)reference, (void)flags, (void)retries_left;
        detail::not_implemented();
    }
    /** Replaces an old code by a new one. */
    virtual void change_code(bytes old_code, bytes new_code, std::uint32_t reference, std::uint32_t flags,
                             std::uint32_t &retries_left)
    {
        (void)old_code, (void)new_code, (void)reference, (void)flags, (void)retries_left;
        detail::not_implemented();
    }
    /** Unblocks a code, and gives it a new value. */
    virtual void unblock(bytes unblocking_code, bytes new_code, std::uint32_t reference, std::uint32_t flags,
                         std::uint32_t &retries_left)
    {
        (void)unblocking_code, (void)new_code, (void)reference, (void)flags, (void)retries_left;
        detail::not_implemented();
    }
    /** Withdraws everything that was verified. */
    virtual void reset_security_state() { detail::not_implemented(); }
};

/** The authentication of a card, implemented by a provider. */
class card_auth_implementation {
public:
    virtual ~card_auth_implementation() = default;
    /** Gets a challenge of up to `wanted` bytes from the card. */
    virtual std::vector<std::uint8_t> challenge(std::uint32_t algorithm, bytes parameters, std::size_t wanted)
    {
        (void)algorithm, (void)parameters, (void)wanted;
        detail::not_implemented();
    }
    /** Proves the application to the card. */
    virtual void app_auth(std::uint32_t algorithm, bytes parameters, bytes answer)
    {
        (void)algorithm, (void)parameters, (void)answer;
        detail::not_implemented();
    }
    /** Proves the card to the application. @return the answer of the card */
    virtual std::vector<std::uint8_t> icc_auth(std::uint32_t algorithm, bytes parameters, bytes challenge)
    {
        (void)algorithm, (void)parameters, (void)challenge;
        detail::not_implemented();
    }
    /** Proves the user to the card. */
    virtual void user_auth(std::uint32_t algorithm, bytes parameters, bytes data)
    {
        (void)algorithm, (void)parameters, (void)data;
        detail::not_implemented();
    }
};

/**
 * Makes the object of a provider for an attachment. `user_data` is that of `attachment_ref::create_interface`, or NULL.
 * An exception is the result of the call that needs the object; no object is SCM_E_NOINTERFACE.
 */
template <class Object>
using object_factory = std::function<std::unique_ptr<Object>(attachment_ref card, void *user_data)>;

namespace detail {

/* An output of a provider: (NULL, 0) asks for the length. */
template <class Byte, class Container>
scm_result give(const Container &made, Byte *room, std::size_t capacity, std::size_t *length)
{
    *length = made.size();
    if (made.size() <= capacity && !made.empty())
        std::memcpy(room, made.data(), made.size());
    return made.size() <= capacity || room == nullptr ? scm_result{SCM_S_OK}
                                                      : scm_result{SCM_SCARD_E_INSUFFICIENT_BUFFER};
}

/* The callbacks of scm_provider, for a factory, which belongs to the library while it is registered. */
template <class Object>
struct factory_callbacks {
    static scm_result create_object(void *factory, scm_handle *handle, void *user_data, void **object)
    {
        return to_result([&] {
            *object = (*static_cast<object_factory<Object> *>(factory))(attachment_ref(handle), user_data).release();
            return *object == nullptr ? scm_result{SCM_E_NOINTERFACE} : scm_result{SCM_S_OK};
        });
    }
    static void release_object(void *object) { delete static_cast<Object *>(object); }
    static void release_user_data(void *factory) { delete static_cast<object_factory<Object> *>(factory); }
};

/* Calls a function of a provider. An exception of type `Error` may know more than its code: `tell` hands that on. */
template <class Error, class Call, class Tell>
scm_result to_result_and_more(Call call, Tell tell)
{
    return to_result([&] {
#if defined(__cpp_exceptions)
        try {
            call();
        } catch (const Error &failure) {
            tell(failure);
            throw;
        }
#else
        (void)tell;
        call();
#endif
    });
}

/* The same for a function that tells how many tries are left. */
template <class Call>
scm_result to_result_and_retries(std::uint32_t *left, Call call)
{
    *left = SCM_RETRIES_UNKNOWN;
    return to_result_and_more<verification_error>(call, [&](const verification_error &failure) {
        *left = failure.retries_left().value_or(*left);
    });
}

/* The functions of C that call those of a class. */
struct tables {
    static file_implementation &file(void *file) { return *static_cast<file_implementation *>(file); }
    static file_access_implementation &files(void *object)
    {
        return *static_cast<file_access_implementation *>(object);
    }
    static ch_verification_implementation &codes(void *object)
    {
        return *static_cast<ch_verification_implementation *>(object);
    }
    static card_auth_implementation &auth(void *object) { return *static_cast<card_auth_implementation *>(object); }

    static scm_file_access_functions of_files() noexcept
    {
        scm_file_access_functions table SCM_FILE_ACCESS_FUNCTIONS_INIT;
        table.change_dir = [](void *object, std::uint32_t form, const char *text) {
            return to_result([&] { files(object).change_dir({text, form}); });
        };
        table.get_current_dir = [](void *object, char *room, std::size_t capacity, std::size_t *length) {
            return to_result([&] {
                std::string text = files(object).current_dir();
                text.push_back('\0');
                return give(text, room, capacity, length);
            });
        };
        table.directory = [](void *object, std::uint32_t type, char *room, std::size_t capacity, std::size_t *length) {
            return to_result([&] {
                std::string list;
                for (const std::string &name : files(object).directory(type))
                    list.append(name).push_back('\0');
                list.push_back('\0');
                return give(list, room, capacity, length);
            });
        };
        table.open = [](void *object, std::uint32_t form, const char *text, void **file) {
            return to_result([&] {
                *file = files(object).open({text, form}).release();
                return *file == nullptr ? scm_result{SCM_SCARD_E_FILE_NOT_FOUND} : scm_result{SCM_S_OK};
            });
        };
        table.create = [](void *object, std::uint32_t form, const char *text, const std::uint8_t *properties,
                          std::size_t properties_length, std::uint32_t flags, const std::uint8_t *data,
                          std::size_t data_length) {
            return to_result([&] {
                files(object).create({text, form}, bytes(properties, properties_length), flags,
                                     bytes(data, data_length));
            });
        };
        table.delete_file = [](void *object, std::uint32_t form, const char *text, std::uint32_t flags) {
            return to_result([&] { files(object).delete_file({text, form}, flags); });
        };
        table.get_properties = [](void *object, std::uint32_t form, const char *text, const std::uint8_t *tags,
                                  std::size_t tags_length, std::uint32_t flags, std::uint8_t *room,
                                  std::size_t capacity, std::size_t *length) {
            return to_result([&] {
                return give(files(object).properties({text, form}, bytes(tags, tags_length), flags), room, capacity,
                            length);
            });
        };
        table.set_properties = [](void *object, std::uint32_t form, const char *text, const std::uint8_t *properties,
                                  std::size_t properties_length, std::uint32_t flags) {
            return to_result(
                [&] { files(object).set_properties({text, form}, bytes(properties, properties_length), flags); });
        };
        table.get_file_capabilities = [](void *object, const std::uint8_t *tags, std::size_t tags_length,
                                         std::uint32_t flags, std::uint8_t *room, std::size_t capacity,
                                         std::size_t *length) {
            return to_result([&] {
                return give(files(object).file_capabilities(bytes(tags, tags_length), flags), room, capacity, length);
            });
        };
        table.invalidate = [](void *object, const char *text, std::uint32_t flags) {
            return to_result([&] { files(object).invalidate(text, flags); });
        };
        table.rehabilitate = [](void *object, const char *text, std::uint32_t flags) {
            return to_result([&] { files(object).rehabilitate(text, flags); });
        };
        table.read = [](void *object, std::uint8_t *room, std::size_t capacity, std::size_t *length,
                        std::uint32_t flags) {
            return to_result([&] {
                const std::optional<std::size_t> got = file(object).read(buffer(room, capacity), flags);
                *length = got.value_or(0);
                return got ? scm_result{SCM_S_OK} : scm_result{SCM_SCARD_W_EOF};
            });
        };
        table.write = [](void *object, const std::uint8_t *data, std::size_t data_length, std::uint32_t flags,
                         std::size_t *written) {
            return to_result_and_more<write_error>(
                [&] { file(object).write(bytes(data, data_length), flags, *written); },
                [&](const write_error &failure) { *written = failure.written(); });
        };
        table.seek = [](void *object, std::int64_t offset, std::uint32_t origin) {
            return to_result([&] { file(object).seek(offset, origin); });
        };
        table.tell = [](void *object, std::uint64_t *position) {
            return to_result([&] { *position = file(object).tell(); });
        };
        table.get_size = [](void *object, std::uint64_t *size) {
            return to_result([&] { *size = file(object).size(); });
        };
        table.close = [](void *object) {
            const std::unique_ptr<file_implementation> ended(&file(object));
            return to_result([&] { ended->close(); });
        };
        return table;
    }

    static scm_ch_verification_functions of_codes() noexcept
    {
        scm_ch_verification_functions table SCM_CH_VERIFICATION_FUNCTIONS_INIT;
        table.verify = [](void *object, const std::uint8_t *code, std::size_t code_length, std::uint32_t flags,
                          std::uint32_t reference, std::uint32_t *left) {
            return to_result_and_retries(
                left, [&] { codes(object).verify(bytes(code, code_length), reference, flags, *left); });
        };
        table.change_code = [](void *object, const std::uint8_t *old_code, std::size_t old_code_length,
                               const std::uint8_t *new_code, std::size_t new_code_length, std::uint32_t flags,
                               std::uint32_t reference, std::uint32_t *left) {
            return to_result_and_retries(left, [&] {
                codes(object).change_code(bytes(old_code, old_code_length), bytes(new_code, new_code_length),
                                          reference, flags, *left);
            });
        };
        table.unblock = [](void *object, const std::uint8_t *unblocking_code, std::size_t unblocking_code_length,
                           const std::uint8_t *new_code, std::size_t new_code_length, std::uint32_t flags,
                           std::uint32_t reference, std::uint32_t *left) {
            return to_result_and_retries(left, [&] {
                codes(object).unblock(bytes(unblocking_code, unblocking_code_length),
                                      bytes(new_code, new_code_length), reference, flags, *left);
            });
        };
        table.reset_security_state = [](void *object) {
            return to_result([&] { codes(object).reset_security_state(); });
        };
        return table;
    }

    static scm_card_auth_functions of_auth() noexcept
    {
        scm_card_auth_functions table SCM_CARD_AUTH_FUNCTIONS_INIT;
        table.get_challenge = [](void *object, std::uint32_t algorithm, const std::uint8_t *parameters,
                                 std::size_t parameters_length, std::uint8_t *room, std::size_t capacity,
                                 std::size_t *length) {
            return to_result([&] {
                return give(auth(object).challenge(algorithm, bytes(parameters, parameters_length), capacity), room,
                            capacity, length);
            });
        };
        table.app_auth = [](void *object, std::uint32_t algorithm, const std::uint8_t *parameters,
                            std::size_t parameters_length, const std::uint8_t *data, std::size_t data_length) {
            return to_result([&] {
                auth(object).app_auth(algorithm, bytes(parameters, parameters_length), bytes(data, data_length));
            });
        };
        table.icc_auth = [](void *object, std::uint32_t algorithm, const std::uint8_t *parameters,
                            std::size_t parameters_length, const std::uint8_t *data, std::size_t data_length,
                            std::uint8_t *room, std::size_t capacity, std::size_t *length) {
            return to_result([&] {
                return give(auth(object).icc_auth(algorithm, bytes(parameters, parameters_length),
                                                  bytes(data, data_length)),
                            room, capacity, length);
            });
        };
        table.user_auth = [](void *object, std::uint32_t algorithm, const std::uint8_t *parameters,
                             std::size_t parameters_length, const std::uint8_t *data, std::size_t data_length) {
            return to_result([&] {
                auth(object).user_auth(algorithm, bytes(parameters, parameters_length), bytes(data, data_length));
            });
        };
        return table;
    }
};

} // namespace detail

/** A registered provider. Its destructor unregisters it; the objects that it has made stay. */
class [[nodiscard]] registration {
public:
    /** Nothing registered. */
    registration() noexcept = default;
    registration(registration &&other) noexcept = default;
    registration &operator=(registration &&other) noexcept
    {
        registration taken(std::move(other)); // first, for an assignment to itself
        registered_.swap(taken.registered_);
        return *this;
    }
    ~registration()
    {
        if (registered_)
            scm_unregister_provider(&registered_->c);
    }

    /**
     * Unregisters the provider. As scm_unregister_provider. Does not block: another thread may still be in
     * `create_object` or in a function of the provider.
     */
    void unregister(report errors = {})
    {
        const std::unique_ptr<copy> old = std::move(registered_);
        errors(old ? scm_unregister_provider(&old->c) : scm_result{SCM_E_NOINTERFACE});
    }

    /** Whether a provider is registered. */
    explicit operator bool() const noexcept { return registered_ != nullptr; }

    /** Registers a factory with a function of C. For the functions of this group. */
    template <class Object, class Register>
    static registration make(const provider &provider, object_factory<Object> factory, report errors,
                             Register call)
    {
        using callbacks = detail::factory_callbacks<Object>;
        registration made;
        errors(to_result([&] {
            if (!factory || provider.name.find('\0') != std::string::npos ||
                (!provider.atr_mask.empty() && provider.atr_mask.size() != provider.atr.size()))
                return scm_result{SCM_E_INVALIDARG};
            auto registered = std::make_unique<copy>(provider);
            auto owned = std::make_unique<object_factory<Object>>(std::move(factory));
            registered->c.user_data = owned.get();
            registered->c.create_object = callbacks::create_object;
            registered->c.release_object = callbacks::release_object;
            registered->c.release_user_data = callbacks::release_user_data;
            const scm_result result = call(&registered->c);
            if (SCM_SUCCEEDED(result)) {
                owned.release(); // the callback `release_user_data` ends it
                made.registered_ = std::move(registered);
            }
            return result;
        }));
        return made;
    }

private:
    /* The structure of C, with all that it refers to. */
    struct copy {
        explicit copy(const provider &original) : cpp(original)
        {
            c.iid = cpp.iid ? &*cpp.iid : nullptr;
            c.name = cpp.name.empty() ? nullptr : cpp.name.c_str();
            c.atr = cpp.atr.empty() ? nullptr : cpp.atr.data();
            c.atr_mask = cpp.atr_mask.empty() ? nullptr : cpp.atr_mask.data();
            c.atr_length = cpp.atr.size();
        }
        provider cpp;
        scm_provider c SCM_PROVIDER_INIT;
    };
    std::unique_ptr<copy> registered_;
};

/**
 * Registers a provider of files. As scm_register_file_access_provider.
 *
 * @param provider  the cards and the interface; copied
 * @param factory  makes the objects; it belongs to the library until the last object has ended
 *
 * Does not block.
 */
inline registration register_file_access_provider(const provider &provider,
                                                                object_factory<file_access_implementation> factory,
                                                                report errors = {})
{
    return registration::make(provider, std::move(factory), errors, [](const scm_provider *c) {
        const scm_file_access_functions functions = detail::tables::of_files();
        return scm_register_file_access_provider(c, &functions);
    });
}

/**
 * Registers a provider of codes. As scm_register_ch_verification_provider.
 *
 * @param provider  the cards and the interface; copied
 * @param factory  makes the objects; it belongs to the library until the last object has ended
 *
 * Does not block.
 */
inline registration
register_ch_verification_provider(const provider &provider, object_factory<ch_verification_implementation> factory,
                                  report errors = {})
{
    return registration::make(provider, std::move(factory), errors, [](const scm_provider *c) {
        const scm_ch_verification_functions functions = detail::tables::of_codes();
        return scm_register_ch_verification_provider(c, &functions);
    });
}

/**
 * Registers a provider of authentication. As scm_register_card_auth_provider.
 *
 * @param provider  the cards and the interface; copied
 * @param factory  makes the objects; it belongs to the library until the last object has ended
 *
 * Does not block.
 */
inline registration register_card_auth_provider(const provider &provider,
                                                              object_factory<card_auth_implementation> factory,
                                                              report errors = {})
{
    return registration::make(provider, std::move(factory), errors, [](const scm_provider *c) {
        const scm_card_auth_functions functions = detail::tables::of_auth();
        return scm_register_card_auth_provider(c, &functions);
    });
}

/**
 * Registers a provider of an interface that the library does not know. As scm_register_interface_provider.
 *
 * @tparam Object  the class of its objects. `provided_interface::get_implementation` gives a pointer to one.
 * @param provider  the cards and the interface; copied
 * @param functions  anything that users and provider agree on; it must live as long as the program
 * @param factory  makes the objects; it belongs to the library until the last object has ended
 *
 * Does not block.
 */
template <class Object>
registration register_interface_provider(const provider &provider, const void *functions,
                                                       object_factory<Object> factory, report errors = {})
{
    return registration::make(provider, std::move(factory), errors, [functions](const scm_provider *c) {
        return scm_register_interface_provider(c, functions);
    });
}

/** @} */

} // namespace scm

#endif
