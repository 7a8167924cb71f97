/* The values of scm.hpp: codes, bytes, times, names; and the properties of its types. */
#include "check.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <mutex>
#include <ratio>

using namespace std::chrono_literals;

namespace {

template <class Type>
constexpr bool only_moves = std::is_nothrow_move_constructible_v<Type> &&std::is_nothrow_move_assignable_v<Type> &&
                            !std::is_copy_constructible_v<Type> && !std::is_copy_assignable_v<Type>;

static_assert(only_moves<scm::attachment> && only_moves<scm::monitor> && only_moves<scm::file>);
static_assert(only_moves<scm::file_access> && only_moves<scm::ch_verification> && only_moves<scm::card_auth>);
static_assert(only_moves<scm::provided_interface> && only_moves<scm::virtual_ifd> && only_moves<scm::registration>);
static_assert(!std::is_copy_constructible_v<scm::transaction> && !std::is_copy_constructible_v<scm::selection>);
static_assert(std::is_trivially_copyable_v<scm::attachment_ref>);
/* No more than the handle of C. */
static_assert(sizeof(scm::attachment) == sizeof(void *) && sizeof(scm::file) == sizeof(void *));
static_assert(sizeof(scm::monitor) == sizeof(void *) && sizeof(scm::virtual_ifd) == sizeof(void *));
static_assert(noexcept(std::declval<scm::attachment &>().unlock()));
static_assert(std::is_error_code_enum_v<scm::errc>);
static_assert(std::is_base_of_v<std::system_error, scm::error>);

/* The number 0 of a list is a null pointer, too: such a list must not become a span with a length. */
template <class Card, class = void>
constexpr bool takes_two_numbers = false;
template <class Card>
constexpr bool takes_two_numbers<Card, std::void_t<decltype(std::declval<Card &>().transmit({0x00, 0x10}))>> = true;
static_assert(!takes_two_numbers<scm::attachment>);
/* A code of the card holder is text or bytes, and never NULL. */
static_assert(std::is_convertible_v<const char *, scm::code> && std::is_convertible_v<std::string, scm::code>);
static_assert(std::is_convertible_v<std::vector<std::uint8_t>, scm::code> &&
              std::is_convertible_v<std::array<std::uint8_t, 4>, scm::code> &&
              std::is_convertible_v<std::uint8_t (&)[4], scm::code> && std::is_convertible_v<scm::bytes, scm::code> &&
              std::is_convertible_v<scm::buffer, scm::code>);
static_assert(!std::is_convertible_v<std::nullptr_t, scm::code> && !std::is_convertible_v<int, scm::code>);
#if defined(__cpp_lib_span)
static_assert(std::is_same_v<scm::bytes, std::span<const std::uint8_t>>);
#else
static_assert(std::is_convertible_v<scm::buffer, scm::bytes> && !std::is_convertible_v<scm::bytes, scm::buffer>);
#endif
#if defined(__cpp_lib_ranges)
static_assert(std::ranges::forward_range<scm::names> && std::ranges::input_range<scm::monitor>);
static_assert(std::ranges::input_range<decltype(std::declval<scm::monitor &>().events())>);
#endif

void codes_are_those_of_c()
{
    CHECK(static_cast<scm_result>(scm::errc::e_handle) == SCM_E_HANDLE);
    CHECK(static_cast<scm_result>(scm::errc::scard_w_cache_item_too_big) == SCM_SCARD_W_CACHE_ITEM_TOO_BIG);
    CHECK(scm::name(scm::errc::scard_w_eof) == std::string("SCM_SCARD_W_EOF"));
    CHECK(scm::message(scm::errc::scard_w_eof) == std::string(scm_result_message(SCM_SCARD_W_EOF)));
    const std::error_code code = scm::errc::scard_e_timeout;
    CHECK(scm::error(code).code() == code && scm::error(code).what() == scm::error(scm::errc::scard_e_timeout).what() +
                                                                            std::string());
    CHECK(code == std::errc::timed_out && code != std::errc::invalid_argument && code.value() == SCM_SCARD_E_TIMEOUT);
    CHECK(std::error_code(scm::errc::e_outofmemory) == std::errc::not_enough_memory);
    CHECK(std::error_code(scm::errc::scard_e_sharing_violation) == std::errc::device_or_resource_busy);
    CHECK(std::error_code(scm::errc::scard_w_eof).default_error_condition().category() == scm::category());
}

void the_last_error_tells_what_and_why()
{
    std::error_code code;
    CHECK(!scm::attachment::by_ifd("", code));
    const scm::failure failure = scm::last_error();
    CHECK(failure && failure.result() == code.value() && failure.result() == SCM_E_INVALIDARG);
    CHECK(failure.function() == std::string("scm_attach_by_ifd") && failure.argument() == std::string("ifd_name"));
    CHECK(failure.pcsc_function() == std::string() && failure.pcsc_code() == 0);
    CHECK(failure.status_word() == 0);
    CHECK(std::string(failure.what()).find("SCM_E_INVALIDARG") != std::string::npos);
    CHECK(std::string(failure.why()).find("ifd_name") == 0 && failure.advice() != std::string());
    scm::set_log(nullptr, nullptr, SCM_LOG_OFF);
    CHECK(!scm::failure() && failure.get().result == failure.result());
}

void exceptions_become_codes()
{
    CHECK(scm::to_result([] {}) == SCM_S_OK);
    CHECK(scm::to_result([] { throw scm::error(scm::errc::scard_w_eof); }) == SCM_SCARD_W_EOF);
    CHECK(scm::to_result([] { throw scm::command_error(scm::errc::scard_e_no_file, 0x6986); }) == SCM_SCARD_E_NO_FILE);
    CHECK(scm::to_result([] { throw std::bad_alloc(); }) == SCM_E_OUTOFMEMORY);
    CHECK(scm::to_result([] { throw std::system_error(std::make_error_code(std::errc::not_enough_memory)); }) ==
          SCM_E_OUTOFMEMORY);
    CHECK(scm::to_result([] { throw std::system_error(std::make_error_code(std::errc::io_error)); }) == SCM_E_FAIL);
    CHECK(scm::to_result([] { throw std::runtime_error("any"); }) == SCM_E_FAIL);
    CHECK(scm::to_result([] { throw 77; }) == SCM_E_FAIL);
    // A code of this library in another exception is that code.
    CHECK(scm::to_result([] { throw std::system_error(scm::errc::e_abort); }) == SCM_E_ABORT);
}

/* A constant of C has the type of an enumeration, not scm_result. */
void a_returned_code_is_the_result()
{
    CHECK(scm::to_result([] { return SCM_E_INVALIDARG; }) == SCM_E_INVALIDARG);
    CHECK(scm::to_result([] { return SCM_S_FALSE; }) == SCM_S_FALSE);
    CHECK(scm::to_result([] { return scm::errc::scard_w_eof; }) == SCM_SCARD_W_EOF);
    const scm_result code = SCM_E_ABORT;
    CHECK(scm::to_result([&] { return code; }) == SCM_E_ABORT);
    CHECK(scm::to_result([&]() -> const scm_result & { return code; }) == SCM_E_ABORT);
}

/* The numbers of the system are positive, as successes of C are. */
void an_exception_is_never_a_success()
{
    const scm::error of_system(std::make_error_code(std::errc::timed_out));
    CHECK(of_system.result() == SCM_E_FAIL && of_system.code() == std::errc::timed_out);
    CHECK(std::string(of_system.what()).find("SCM_E_FAIL: ") == 0);
    CHECK(scm::error(std::error_code()).result() == SCM_E_FAIL);
    CHECK(scm::error(std::make_error_code(std::errc::not_enough_memory)).result() == SCM_E_OUTOFMEMORY);
    CHECK(scm::to_result([&] { throw of_system; }) == SCM_E_FAIL);
    CHECK(scm::to_result([] { throw scm::error(std::error_code()); }) == SCM_E_FAIL);
}

void times_are_rounded_up()
{
    auto ms = [](scm::timeout time) { return time.ms(); };
    CHECK(ms(0s) == 0 && ms(-1s) == 0 && ms(std::chrono::nanoseconds::min()) == 0);
    CHECK(ms(1ns) == 1 && ms(1ms) == 1 && ms(1000001ns) == 2 && ms(999us) == 1);
    CHECK(ms(5s) == 5000 && ms(2min) == 120000);
    CHECK(ms(std::chrono::duration<double>(0.0001)) == 1 && ms(std::chrono::duration<double>(1.5)) == 1500);
    CHECK(ms(std::chrono::duration<double>(std::numeric_limits<double>::quiet_NaN())) == 0);
    CHECK(ms(std::chrono::duration<double>(std::numeric_limits<double>::infinity())) == SCM_INFINITE);
    CHECK(ms(std::chrono::milliseconds(4294967294)) == 4294967294U);
    CHECK(ms(std::chrono::milliseconds(4294967295)) == SCM_INFINITE && ms(4294967294001us) == SCM_INFINITE);
    CHECK(ms(std::chrono::hours::max()) == SCM_INFINITE && ms(std::chrono::milliseconds::max()) == SCM_INFINITE);
    CHECK(ms(std::chrono::duration<std::int64_t, std::ratio<31556952>>::max()) == SCM_INFINITE);
    CHECK(scm::infinite.ms() == SCM_INFINITE && scm::timeout::from_ms(7).ms() == 7);
    static_assert(scm::timeout(1500us).ms() == 2);
}

std::size_t length_of(scm::bytes bytes)
{
    return bytes.size();
}

void bytes_come_from_everything_with_bytes()
{
    std::uint8_t c[] = {1, 2, 3};
    std::vector<std::uint8_t> vector = {1, 2};
    const std::array<std::uint8_t, 4> array = {1, 2, 3, 4};
    CHECK(length_of(c) == 3 && length_of(vector) == 2 && length_of(array) == 4 && length_of({}) == 0);
    CHECK(length_of(std::vector<std::uint8_t>(9)) == 9 && length_of(scm::buffer(c)) == 3);
    CHECK(length_of(scm::bytes(c, 2)) == 2);
    scm::buffer buffer = vector;
    buffer[1] = 7;
    CHECK(vector[1] == 7 && buffer.front() == 1 && buffer.back() == 7 && buffer.last(1).data() == &vector[1]);
    CHECK(buffer.subspan(1).size() == 1 && buffer.subspan(0, 1).size() == 1 && !buffer.empty());
    CHECK(std::vector<std::uint8_t>(buffer.begin(), buffer.end()) == vector);
    CHECK(scm::bytes().empty() && scm::bytes().data() == nullptr);
}

void a_version_is_checked()
{
    CHECK(scm::version() == std::string(SCM_VERSION) && scm::abi_version() == SCM_ABI_VERSION);
    scm::check_version();
    CHECK_THROWS(scard_e_unsupported_feature, scm::check_version("99.0.0"));
    std::error_code error;
    scm::check_version("", error);
    CHECK(error == scm::errc::e_invalidarg);
    scm::check_version(std::string(1000, '1'), error);
    CHECK(error == scm::errc::e_invalidarg);
}

void empty_objects_give_e_handle()
{
    std::error_code error;
    scm::attachment card;
    std::uint8_t room[4];
    auto is_e_handle = [&] { return std::exchange(error, std::error_code()) == scm::errc::e_handle; };
    CHECK(card.transmit(room, room, error).empty() && is_e_handle());
    CHECK(card.transmit(room, error).empty() && is_e_handle());
    CHECK(card.send(scm::command(0, 0xB0, 0, 0), error).data.empty() && is_e_handle());
    CHECK(card.ifd_name(error).empty() && is_e_handle());
    CHECK(card.atr(error).empty() && is_e_handle());
    card.lock(error);
    CHECK(is_e_handle());
    CHECK(scm::file().size(error) == 0 && is_e_handle());
    CHECK(scm::virtual_ifd().log(error).empty() && is_e_handle());
    CHECK(scm::monitor().fd(error) == 0 && is_e_handle());
    CHECK_THROWS(e_handle, scm::file_access().directory());
    CHECK_THROWS(e_handle, scm::transaction{card});
}

} // namespace

int main()
{
    return check::run({
        TEST(codes_are_those_of_c),
        TEST(the_last_error_tells_what_and_why),
        TEST(exceptions_become_codes),
        TEST(a_returned_code_is_the_result),
        TEST(an_exception_is_never_a_success),
        TEST(times_are_rounded_up),
        TEST(bytes_come_from_everything_with_bytes),
        TEST(a_version_is_checked),
        TEST(empty_objects_give_e_handle),
    });
}
