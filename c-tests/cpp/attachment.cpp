/* Attachments in C++: both forms of failures, ownership, exchanges, locks, reconnect. */
#include "check.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>

using namespace std::chrono_literals;

namespace {

constexpr int CARD = 0, EMPTY = 1;

const std::uint8_t ECHO[] = {0x80, 0xEC, 0x00, 0x00, 0x02, 0xCA, 0xFE};
const std::vector<std::uint8_t> ECHOED = {0xCA, 0xFE, 0x90, 0x00};

/* Another attachment to the card, and whether it can use the card now. */
bool is_free(const scm::attachment &other)
{
    std::error_code error;
    other.attribute(atr_attribute(), error);
    CHECK(!error || error == scm::errc::scard_e_sharing_violation);
    return !error;
}

bool has(const scm::names &names, std::string_view name)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

void readers_are_a_range()
{
    const scm::names readers = scm::list_ifds();
    CHECK(readers.size() >= 2 && !readers.empty());
    CHECK(readers.result() == SCM_S_OK);
    CHECK(has(readers, bed_ifd(CARD)) && has(readers, bed_ifd(EMPTY)) && !has(readers, ""));
    std::size_t count = 0;
    for (std::string_view reader : readers)
        count += !reader.empty() && reader.data()[reader.size()] == '\0';
    CHECK(count == readers.size());
    std::error_code error = scm::errc::e_fail;
    CHECK(scm::list_ifds(error).size() == count && !error);
    scm::list_ifd_groups(error);
    CHECK(!error);
    CHECK(scm::names().empty() && scm::names().size() == 0);
    CHECK(scm::names(std::string("a\0bc\0\0", 6)).size() == 2 && scm::names(std::string(1, '\0')).empty());
    // One that no function of C makes has an end, too.
    CHECK(scm::names("abc").size() == 1 && scm::names(std::string("abc\0d", 5)).size() == 2);
}

void a_failure_is_thrown_or_stored()
{
    std::error_code error;
    CHECK(!scm::attachment::by_ifd("no such reader", error));
    CHECK(error == scm::errc::scard_e_unknown_reader && error == std::errc::no_such_device);
    CHECK(error.category() == scm::category() && error.category().name() == std::string("scm"));
    CHECK(error.message() == scm_result_message(SCM_SCARD_E_UNKNOWN_READER));
    const scm::error thrown =
        CHECK_THROWS(scard_e_unknown_reader, scm::attachment::by_ifd("no such reader"));
    CHECK(thrown.result() == SCM_SCARD_E_UNKNOWN_READER);
    CHECK(std::string(thrown.what()).find("SCM_SCARD_E_UNKNOWN_READER") != std::string::npos);
    CHECK(std::string(thrown.what()).find(error.message()) != std::string::npos);
    CHECK_THROWS(scard_e_no_smartcard, scm::attachment::by_ifd(bed_ifd(EMPTY)));
    CHECK_THROWS(e_invalidarg, scm::attachment::by_ifd(""));
    CHECK_THROWS(e_invalidarg, scm::attachment::by_ifd(std::string(SCM_IFD_NAME_MAX + 1, 'a')));
    CHECK_THROWS(scard_e_unknown_reader, scm::attachment::by_ifd(std::string(SCM_IFD_NAME_MAX, 'a')));
    CHECK_THROWS(e_invalidarg, scm::attachment::by_ifd(std::string_view("a\0b", 3)));
    // A success takes an old failure away.
    error = scm::errc::e_fail;
    CHECK(scm::attachment::by_ifd(bed_ifd(CARD), error) && !error);
}

void an_attachment_moves()
{
    scm::attachment first = scm::attachment::by_ifd(bed_ifd(CARD));
    scm_handle *handle = first.get();
    scm::attachment second = std::move(first);
    CHECK(!first && second.get() == handle);
    CHECK_THROWS(e_handle, first.transmit(ECHO));
    CHECK(second.transmit(ECHO) == ECHOED);
    // An attachment that another one takes the place of is detached.
    scm::attachment third = scm::attachment::by_ifd(bed_ifd(CARD));
    const scm::attachment_ref old = third;
    third = std::move(second);
    CHECK(third.get() == handle && !second);
    CHECK_THROWS(e_handle, old.generation());
    scm::attachment &same = third;
    third = std::move(same);
    CHECK(third.transmit(ECHO) == ECHOED);
    // C takes it and gives it back.
    scm::attachment fourth(third.take());
    CHECK(!third && fourth.transmit(ECHO) == ECHOED);
    const scm::attachment_ref ended = fourth;
    fourth = scm::attachment();
    CHECK_THROWS(e_handle, ended.status());
    CHECK_THROWS(e_handle, fourth.detach());
}

void it_detaches_with_a_disposition()
{
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD)), other = scm::attachment::by_ifd(bed_ifd(CARD));
    CHECK_THROWS(e_invalidarg, card.detach(77));
    CHECK(card && card.transmit(ECHO) == ECHOED);
    card.detach(SCM_DISPOSITION_RESET);
    CHECK(!card);
    CHECK_THROWS(scard_w_reset_card, other.transmit(ECHO));
    std::error_code error;
    CHECK(other.reconnect(error) == scm::reconnected::same_card && !error);
    CHECK(other.generation() == 1);
    other.detach(error);
    CHECK(!error && !other);
}

void an_attachment_by_handle_borrows()
{
    scm::attachment owner = scm::attachment::by_ifd(bed_ifd(CARD));
    {
        scm::attachment borrower = scm::attachment::by_handle(owner.icc());
        CHECK(borrower.transmit(ECHO) == ECHOED && borrower.ifd_name() == bed_ifd(CARD));
        CHECK_THROWS(scard_e_unsupported_feature, borrower.context());
        scm::attach_options options;
        options.share_mode = SCM_SHARE_SHARED;
        CHECK(scm::attachment::by_handle(owner.icc(), options).transmit(ECHO) == ECHOED);
    }
    CHECK(owner.context() != 0);
    CHECK(owner.transmit(ECHO) == ECHOED);
    CHECK_THROWS(e_invalidarg, scm::attachment::by_handle(0));
}

void options_have_defaults_and_limits()
{
    scm::attach_options direct;
    direct.share_mode = SCM_SHARE_DIRECT;
    scm::attachment reader = scm::attachment::by_ifd(bed_ifd(EMPTY), direct);
    CHECK(reader.atr().empty() && reader.status().protocol == 0);
    CHECK_THROWS(scard_e_proto_mismatch, reader.transmit(ECHO));

    scm::attach_options exclusive;
    exclusive.share_mode = SCM_SHARE_EXCLUSIVE;
    exclusive.limit_ms = scm::timeout(10s).ms();
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD), exclusive);
    CHECK_THROWS(scard_e_sharing_violation, scm::attachment::by_ifd(bed_ifd(CARD)));
    scm::reconnect_options shared;
    shared.share_mode = SCM_SHARE_SHARED;
    CHECK(card.reconnect(shared) == scm::reconnected::same_card);
    CHECK(scm::attachment::by_ifd(bed_ifd(CARD)).transmit(ECHO) == ECHOED);
}

void a_response_goes_into_a_buffer_or_a_vector()
{
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD));
    std::array<std::uint8_t, 16> room{};
    std::error_code error;
    for (int form = 0; form < 4; form++) {
        const scm::buffer response = form == 0   ? card.transmit(ECHO, room)
                                     : form == 1 ? card.transmit(ECHO, room, error)
                                     : form == 2 ? card.transmit(ECHO, room, 1s)
                                                 : card.transmit(ECHO, room, scm::infinite, error);
        CHECK(!error && response.data() == room.data());
        CHECK(std::equal(response.begin(), response.end(), ECHOED.begin(), ECHOED.end()));
    }
    CHECK(card.transmit(ECHO, 1s, error) == ECHOED && card.transmit(ECHO, scm::infinite) == ECHOED);

    // One that does not fit is not lost, and nothing is sent again.
    bed("card %d clear", CARD);
    CHECK(card.transmit(ECHO, scm::buffer(room).first(3), error).empty());
    CHECK(error == scm::errc::scard_e_insufficient_buffer);
    CHECK(card.last_response() == ECHOED && card.last_response(room, error).size() == 4 && !error);
    CHECK_THROWS(scard_e_insufficient_buffer, card.transmit(ECHO, scm::buffer()));
    CHECK(card.last_response() == ECHOED);
    CHECK(bed_count(CARD) == 2);
    CHECK(card.last_response(scm::buffer(), error).empty() && error == scm::errc::scard_e_insufficient_buffer);

    // 80 CA P1 P2 gives P1P2 bytes, of any number.
    for (std::size_t length : {0U, 255U, 256U, 257U, 258U, 259U, 32000U}) {
        const std::uint8_t get[] = {0x80, 0xCA, static_cast<std::uint8_t>(length >> 8),
                                    static_cast<std::uint8_t>(length & 0xFF)};
        bed("card %d clear", CARD);
        CHECK(card.transmit(get).size() == length + 2);
        CHECK(bed_count(CARD) == 1);
    }
    CHECK_THROWS(e_invalidarg, card.transmit(scm::bytes()));
    CHECK(card.transmit(scm::bytes(ECHO).first(3), error).empty() && error == scm::errc::e_invalidarg);
}

void send_tells_the_status_word_of_a_failure()
{
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD));
    std::uint8_t room[256];
    const scm::command echo(0x80, 0xEC, 0, 0, scm::bytes(ECHO).subspan(5), 256);
    const scm::response answer = card.send(echo);
    CHECK(answer.status_word == 0x9000 && answer.data == std::vector<std::uint8_t>({0xCA, 0xFE}));
    const scm::response_view view = card.send(echo, room);
    CHECK(view.status_word == 0x9000 && view.data.size() == 2 && view.data.data() == room);

    // 80 BA P1 P2: an instruction that the card does not know.
    const scm::command unknown(0x80, 0xBA, 0, 0);
    const scm::command_error thrown =
        CHECK_THROWS_AS(scm::command_error, scard_e_unsupported_feature, card.send(unknown, room));
    CHECK(thrown.status_word() == 0x6D00);
    std::error_code error;
    CHECK(card.send(unknown, error).status_word == 0x6D00 && error == scm::errc::scard_e_unsupported_feature);
    CHECK(card.send(unknown, room, error).status_word == 0x6D00 && error);

    // The rules of the caller.
    static const scm_status_words refused[] = {{0x6D00, 0xFFFF}};
    scm::send_options options;
    options.succeed_with(refused);
    CHECK(card.send(unknown, options).status_word == 0x6D00);
    CHECK(card.send(echo, options, room, error).data.size() == 2 && error == scm::errc::e_fail);

    const scm::card_capabilities found = card.capabilities();
    CHECK(found.command_data_max >= 255);
    scm::card_capabilities small_ones;
    small_ones.command_data_max = 100;
    card.set_capabilities(small_ones);
    CHECK(card.capabilities().command_data_max == 100);
    card.forget_capabilities();
    CHECK(card.capabilities().command_data_max == found.command_data_max);
}

void a_selection_runs_before_its_command()
{
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD));
    int count = 0;
    bool does_fail = false;
    scm::selection selection([&](scm::attachment_ref handle, std::uint64_t generation) {
        CHECK(handle.get() == card.get() && generation == 0);
        CHECK(handle.transmit(ECHO) == ECHOED);
        count++;
        if (does_fail)
            throw scm::error(scm::errc::scard_e_file_not_found);
    });
    scm::send_options options;
    options.select(selection);
    const scm::command echo(0x80, 0xEC, 0, 0, scm::bytes(ECHO).subspan(5), 256);
    {
        std::scoped_lock lock(card);
        card.send(echo, options);
        card.send(echo, options);
        CHECK(count == 1);
    }
    does_fail = true;
    card.transmit(ECHO); // another command, which may have selected something else
    bed("card %d clear", CARD);
    CHECK_THROWS_AS(scm::command_error, scard_e_file_not_found, card.send(echo, options));
    CHECK(bed_count(CARD) == 1 && count == 2);
}

void standard_locks_lock_the_card()
{
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD)), other = scm::attachment::by_ifd(bed_ifd(CARD));
    {
        std::scoped_lock lock(card);
        CHECK(card.transmit(ECHO) == ECHOED && !is_free(other));
        CHECK(!other.try_lock() && !other.try_lock_for(10ms));
        CHECK(!other.try_lock_until(std::chrono::steady_clock::now() + 10ms));
        CHECK(!other.try_lock_until(std::chrono::steady_clock::now() - 1h));
        std::error_code error = scm::errc::e_fail;
        CHECK(!other.try_lock(error) && !error);
        std::unique_lock<scm::attachment> soon(other, 10ms);
        CHECK(!soon.owns_lock());
        CHECK_THROWS(scard_e_timeout, other.transmit(ECHO, 10ms));
    }
    CHECK(is_free(other));
    {
        std::lock_guard<scm::attachment> lock(card);
        CHECK(!is_free(other));
    }
    {
        const scm::attachment_ref reference = card;
        std::unique_lock<const scm::attachment_ref> lock(reference, std::try_to_lock);
        CHECK(lock.owns_lock() && !is_free(other));
    }
    CHECK(is_free(other) && other.try_lock());
    other.unlock(SCM_DISPOSITION_LEAVE);
    CHECK_THROWS(scard_e_not_transacted, other.unlock(SCM_DISPOSITION_LEAVE));
    other.unlock(); // tells nothing
    CHECK_THROWS(e_handle, scm::attachment().try_lock());
    CHECK_THROWS(e_handle, std::scoped_lock<scm::attachment_ref>(*std::make_unique<scm::attachment_ref>()));
}

/* Two threads that lock two cards in different orders do not block each other for ever. */
void standard_locks_lock_two_cards()
{
    bed("insert %d steerable", EMPTY);
    auto lock_often = [](int first, int second) {
        scm::attachment one = scm::attachment::by_ifd(bed_ifd(first)), two = scm::attachment::by_ifd(bed_ifd(second));
        for (int i = 0; i < 20; i++) {
            std::scoped_lock locks(one, two);
            one.transmit(ECHO);
        }
    };
    std::thread thread(lock_often, CARD, EMPTY);
    lock_often(EMPTY, CARD);
    thread.join();
    bed("remove %d", EMPTY);
}

void a_transaction_ends_with_a_disposition()
{
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD)), other = scm::attachment::by_ifd(bed_ifd(CARD));
    {
        scm::transaction transaction(card);
        CHECK(transaction && !is_free(other));
        CHECK_THROWS(scard_e_timeout, scm::transaction(other, 10ms));
    }
    CHECK(is_free(other));
    try {
        scm::transaction transaction(card, 1s, SCM_DISPOSITION_RESET);
        throw 77;
    } catch (int) {
    }
    CHECK_THROWS(scard_w_reset_card, other.transmit(ECHO));
    CHECK(other.reconnect() == scm::reconnected::same_card && card.generation() == 1);
    scm::transaction transaction(card);
    scm::transaction moved(std::move(transaction));
    CHECK(!transaction && moved);
    moved.end();
    CHECK(!moved && is_free(other));
    std::error_code error;
    moved.end(error);
    CHECK(error == scm::errc::e_handle);
    scm::transaction undefined(card, 77);
    CHECK_THROWS(e_invalidarg, undefined.end());
    CHECK(undefined);
    card.unlock();
}

void a_cancel_ends_a_wait()
{
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD)), other = scm::attachment::by_ifd(bed_ifd(CARD));
    std::scoped_lock lock(card);
    other.cancel();
    CHECK_THROWS(scard_e_cancelled, other.lock());
    std::error_code error;
    other.cancel(error);
    other.lock(error);
    CHECK(error == scm::errc::scard_e_cancelled && error == std::errc::operation_canceled);
}

void a_removal_is_told_and_overcome()
{
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD));
    const std::vector<std::uint8_t> atr = card.atr();
    CHECK(!atr.empty() && card.status().state >= SCM_STATE_NEGOTIABLEMODE && card.status().protocol != 0);
    std::error_code error;
    {
        std::unique_lock<scm::attachment> lock(card);
        bed("remove %d", CARD);
        CHECK_THROWS(scard_w_removed_card, card.transmit(ECHO));
        // The destructor unlocks a lock that is lost, and throws nothing.
    }
    CHECK(card.reconnect(error) == scm::reconnected::other_card && error == scm::errc::scard_e_no_smartcard);
    CHECK(card.status().state == SCM_STATE_ABSENT);
    bed("insert %d steerable", CARD);
    CHECK(card.reconnect() == scm::reconnected::same_card);
    CHECK(card.transmit(ECHO) == ECHOED && card.generation() > 0 && card.atr() == atr);
    bed("remove %d", CARD);
    bed("insert %d scm", CARD);
    CHECK(card.reconnect() == scm::reconnected::other_card && card.atr() != atr);
    bed("remove %d", CARD);
    bed("insert %d steerable", CARD);
}

void the_reader_has_attributes_and_control_codes()
{
    scm::attachment card = scm::attachment::by_ifd(bed_ifd(CARD));
    CHECK(card.attribute(atr_attribute()) == card.atr());
    std::error_code error;
    CHECK(card.attribute(0xDEAD, error).empty() && error == scm::errc::scard_e_unsupported_feature);
    card.set_attribute(0xDEAD, ECHO, error);
    CHECK(error);
    std::uint8_t room[64];
    CHECK(card.control(scm::ctl_code(3400), {}, error).empty() == static_cast<bool>(error));
    CHECK(card.control(scm::ctl_code(3400), {}, room, error).empty() || !error);
    CHECK(scm::ctl_code(3400) == scm_ctl_code(3400));
}

} // namespace

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    bed("insert %d steerable", CARD);
    return check::run({
        TEST(readers_are_a_range),
        TEST(a_failure_is_thrown_or_stored),
        TEST(an_attachment_moves),
        TEST(it_detaches_with_a_disposition),
        TEST(an_attachment_by_handle_borrows),
        TEST(options_have_defaults_and_limits),
        TEST(a_response_goes_into_a_buffer_or_a_vector),
        TEST(send_tells_the_status_word_of_a_failure),
        TEST(a_selection_runs_before_its_command),
        TEST(standard_locks_lock_the_card),
        TEST(standard_locks_lock_two_cards),
        TEST(a_transaction_ends_with_a_disposition),
        TEST(a_cancel_ends_a_wait),
        TEST(a_removal_is_told_and_overcome),
        TEST(the_reader_has_attributes_and_control_codes),
    });
}
