/* Virtual readers in C++: functions as cards, their exceptions, and threads that end in them. */
#include "check.hpp"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include <pthread.h>

#include "scm_card.h"

namespace {

using byte_vector = std::vector<std::uint8_t>;

const byte_vector ATR = {0x3B, 0x80, 0x80, 0x01, 0x01};
const std::uint8_t COMMAND[] = {0x00, 0xA4, 0x00, 0x00};
const byte_vector SUCCESS = {0x90, 0x00};

scm::virtual_card simple_card()
{
    scm::virtual_card card;
    card.atr = ATR;
    card.transmit = [](scm::bytes) { return SUCCESS; };
    return card;
}

void a_card_is_a_few_functions()
{
    int released = 0;
    std::vector<std::uint32_t> power;
    byte_vector received;
    scm::virtual_ifd reader = scm::virtual_ifd::create("Functions");
    scm::virtual_card card = simple_card();
    card.transmit = [&](scm::bytes command) {
        received.assign(command.begin(), command.end());
        return SUCCESS;
    };
    card.power = [&](std::uint32_t event) { power.push_back(event); };
    card.release = [&] { released++; };
    reader.insert(card);
    CHECK_THROWS(scard_e_not_ready, reader.insert(card));
    CHECK(released == 0 && power == std::vector<std::uint32_t>({SCM_POWER_ON}));

    scm::attachment attachment = scm::attachment::by_ifd("Functions");
    CHECK(attachment.transmit(COMMAND) == SUCCESS);
    CHECK(received == byte_vector(std::begin(COMMAND), std::end(COMMAND)));
    reader.reset();
    CHECK(power.back() == SCM_POWER_RESET);
    CHECK_THROWS(scard_w_reset_card, attachment.transmit(COMMAND));
    CHECK(attachment.reconnect() == scm::reconnected::same_card);
    reader.remove();
    CHECK(released == 1 && power.back() == SCM_POWER_OFF);
    CHECK_THROWS(scard_w_removed_card, attachment.transmit(COMMAND));
    CHECK_THROWS(scard_e_no_smartcard, reader.remove());
    CHECK(reader.log().find("transmit 00A40000 -> 9000\n") != std::string::npos);
    reader.clear_log();
    CHECK(reader.log().empty());
    reader.insert(card);
    reader.destroy();
    CHECK(released == 2 && !reader);
    CHECK_THROWS(scard_e_no_service, scm::attachment::by_ifd("Functions")); // no reader is left
}

void bad_cards_and_readers_change_nothing()
{
    int released = 0;
    scm::virtual_ifd reader = scm::virtual_ifd::create("Bad");
    CHECK_THROWS(scard_e_duplicate_reader, scm::virtual_ifd::create("Bad"));
    scm::virtual_card card = simple_card();
    card.release = [&] { released++; };
    card.atr.clear();
    CHECK_THROWS(e_invalidarg, reader.insert(card));
    card = simple_card();
    card.transmit = nullptr;
    std::error_code error;
    reader.insert(card, error);
    CHECK(error == scm::errc::e_invalidarg && released == 0);
    scm::virtual_ifd_options options;
    options.release = [&] { released++; };
    options.vendor_name = std::string("a\0b", 3);
    CHECK_THROWS(e_invalidarg, scm::virtual_ifd::create("Other", options));
    options.vendor_name.clear();
    options.attributes = {{7, {}, 0}, {7, {}, 0}};
    CHECK(!scm::virtual_ifd::create("Other", options, error) && error == scm::errc::e_invalidarg);
    CHECK(released == 0);
    CHECK_THROWS(e_invalidarg, scm::virtual_ifd::create(""));
}

/* In each callback, each kind of exception. */
void exceptions_of_a_card_are_failures()
{
    std::function<void()> fails;
    bool is_mute = false;
    scm::virtual_ifd reader = scm::virtual_ifd::create("Exceptions");
    scm::virtual_card card = simple_card();
    card.transmit = [&](scm::bytes) {
        fails();
        return SUCCESS;
    };
    card.power = [&](std::uint32_t) {
        if (is_mute)
            throw std::runtime_error("mute");
    };
    card.release = [] { throw std::runtime_error("lost"); };
    reader.insert(card);
    scm::attachment attachment = scm::attachment::by_ifd("Exceptions");
    const std::function<void()> kinds[] = {
        [] { throw scm::error(scm::errc::scard_f_comm_error); },
        [] { throw std::runtime_error("any"); },
        [] { throw std::bad_alloc(); },
        [] { throw 77; },
    };
    for (const std::function<void()> &kind : kinds) {
        fails = kind;
        CHECK_THROWS(scard_e_not_transacted, attachment.transmit(COMMAND));
        fails = [] {};
        CHECK(attachment.transmit(COMMAND) == SUCCESS);
    }
    is_mute = true;
    CHECK_THROWS(scard_w_reset_card, (reader.reset(), attachment.transmit(COMMAND)));
    CHECK_THROWS(scard_w_unresponsive_card, attachment.reconnect());
    is_mute = false;
    CHECK(attachment.reconnect() == scm::reconnected::same_card);
    CHECK(attachment.transmit(COMMAND) == SUCCESS);
}

void long_and_short_answers_are_those_of_c()
{
    byte_vector answer;
    scm::virtual_ifd reader = scm::virtual_ifd::create("Answers");
    scm::virtual_card card = simple_card();
    card.transmit = [&](scm::bytes) { return answer; };
    reader.insert(card);
    scm::attachment attachment = scm::attachment::by_ifd("Answers");
    answer.assign(SCM_RESPONSE_MAX, 0x90);
    CHECK(attachment.transmit(COMMAND) == answer);
    answer.push_back(0);
    CHECK_THROWS(scard_e_not_transacted, attachment.transmit(COMMAND));
    answer.clear();
    CHECK_THROWS(scard_f_comm_error, attachment.transmit(COMMAND));
}

void a_thread_may_end_in_a_callback()
{
    bool does_end = true;
    int destroyed = 0;
    struct counter {
        int *count;
        ~counter() { ++*count; }
    };
    scm::virtual_ifd reader = scm::virtual_ifd::create("Thread");
    scm::virtual_card card = simple_card();
    card.transmit = [&](scm::bytes) {
        const counter counter{&destroyed};
        if (does_end)
            pthread_exit(nullptr);
        return SUCCESS;
    };
    reader.insert(card);
    scm::attachment attachment = scm::attachment::by_ifd("Thread");
    pthread_t thread;
    CHECK(pthread_create(
              &thread, nullptr,
              [](void *used) -> void * {
                  std::error_code error;
                  static_cast<scm::attachment *>(used)->transmit(COMMAND, error);
                  return used; // not reached
              },
              &attachment) == 0);
    void *value = &thread;
    CHECK(pthread_join(thread, &value) == 0 && value == nullptr && destroyed == 1);
    does_end = false;
    CHECK(attachment.transmit(COMMAND) == SUCCESS);
}

void the_reader_and_the_card_answer_control_codes()
{
    int released = 0;
    scm::virtual_ifd_options options;
    options.vendor_name = "Vendor";
    options.attributes = {{0x00010103, {'0', '8'}, 0}, {0x7FFF1234, {1}, SCM_VIRTUAL_ATTRIBUTE_SETTABLE}};
    options.log_capacity = 1000;
    options.control = [](std::uint32_t code, scm::bytes input) -> std::optional<byte_vector> {
        if (code == scm::ctl_code(1))
            return byte_vector(input.begin(), input.end());
        if (code == scm::ctl_code(2))
            throw std::runtime_error("broken");
        return std::nullopt;
    };
    options.release = [&] { released++; };
    {
        scm::virtual_ifd reader = scm::virtual_ifd::create("Control", std::move(options));
        scm::attach_options direct;
        direct.share_mode = SCM_SHARE_DIRECT;
        scm::attachment attachment = scm::attachment::by_ifd("Control", direct);
        const byte_vector data = {1, 2, 3};
        std::uint8_t room[2];
        CHECK(attachment.control(scm::ctl_code(1), data) == data);
        CHECK(attachment.control(scm::ctl_code(1), {}).empty());
        CHECK_THROWS(scard_e_insufficient_buffer, attachment.control(scm::ctl_code(1), data, room));
        CHECK(attachment.last_response() == data);
        CHECK_THROWS(scard_e_not_transacted, attachment.control(scm::ctl_code(2), {}));
        CHECK_THROWS(scard_e_unsupported_feature, attachment.control(scm::ctl_code(3), {}));
        CHECK(attachment.attribute(0x00010103) == byte_vector({'0', '8'}));
        const byte_vector vendor = attachment.attribute(0x00010100);
        CHECK(std::string(vendor.begin(), vendor.end()).c_str() == std::string("Vendor"));
        attachment.set_attribute(0x7FFF1234, data);
        CHECK(attachment.attribute(0x7FFF1234) == data);
        CHECK_THROWS(scard_e_not_transacted, attachment.set_attribute(0x00010103, data));

        scm::virtual_card card = simple_card();
        card.control = [](std::uint32_t code, scm::bytes) -> std::optional<byte_vector> {
            return code == scm::ctl_code(3) ? std::optional<byte_vector>(byte_vector{7}) : std::nullopt;
        };
        reader.insert(card);
        CHECK(attachment.control(scm::ctl_code(3), {}) == byte_vector({7}));
        CHECK_THROWS(scard_e_unsupported_feature, attachment.control(scm::ctl_code(4), {}));
        CHECK(released == 0);
    }
    CHECK(released == 1);
}

void calls_fail_as_planned()
{
    scm::virtual_ifd reader = scm::virtual_ifd::create("Failures");
    reader.insert(simple_card());
    scm::attachment attachment = scm::attachment::by_ifd("Failures");
    reader.fail(SCM_VIRTUAL_TRANSMIT, scm::errc::scard_f_comm_error, 1, 1);
    CHECK(attachment.transmit(COMMAND) == SUCCESS);
    CHECK_THROWS(scard_f_comm_error, attachment.transmit(COMMAND));
    CHECK(attachment.transmit(COMMAND) == SUCCESS);
    scm::virtual_failure failure;
    failure.result = SCM_SCARD_E_COMM_DATA_LOST;
    failure.count = 1;
    failure.delay_ms = 1;
    reader.fail(SCM_VIRTUAL_TRANSMIT, failure);
    CHECK_THROWS(scard_e_comm_data_lost, attachment.transmit(COMMAND));
    CHECK_THROWS(e_invalidarg, reader.fail(77, failure));
}

void the_service_stops_and_starts()
{
    scm::virtual_ifd reader = scm::virtual_ifd::create("Service");
    reader.insert(simple_card());
    scm::attachment attachment = scm::attachment::by_ifd("Service");
    CHECK(scm::virtual_service_stop() && !scm::virtual_service_stop());
    CHECK_THROWS(scard_e_no_service, attachment.transmit(COMMAND));
    std::error_code error = scm::errc::e_fail;
    const scm::names readers = scm::list_ifds(error);
    CHECK(readers.empty() && readers.result() == SCM_SCARD_S_NO_SERVICE && !error);
    CHECK(scm::virtual_service_start() && !scm::virtual_service_start());
    CHECK(attachment.reconnect() == scm::reconnected::same_card && attachment.transmit(COMMAND) == SUCCESS);
}

/* A card of libscm_card, whose callbacks are those of C. */
void a_card_of_c_is_inserted()
{
    scm_card *made = nullptr;
    scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
    CHECK(scm_card_create(nullptr, &made) == SCM_S_OK && scm_card_plug(made, &plug) == SCM_S_OK);
    {
        scm::virtual_ifd reader = scm::virtual_ifd::create("C");
        reader.insert(plug);
        std::uint8_t room[256];
        CHECK(scm::attachment::by_ifd("C").create_file_access().open("2F00").read(room).has_value());
    }
    CHECK(scm_card_destroy(made) == SCM_S_OK);
}

/* A callback ends its own card, and inserts the next one. */
void a_card_may_swap_itself()
{
    scm::virtual_ifd reader = scm::virtual_ifd::create("Swap");
    scm::virtual_card first = simple_card(), second = simple_card();
    second.atr = {0x3B, 0x81, 0x01, 'B', 0x80 ^ 'B'};
    first.transmit = [&](scm::bytes) {
        reader.remove();
        return SUCCESS;
    };
    first.release = [&] { reader.insert(second); };
    reader.insert(first);
    scm::attachment attachment = scm::attachment::by_ifd("Swap");
    CHECK_THROWS(scard_w_removed_card, attachment.transmit(COMMAND));
    CHECK(attachment.reconnect() == scm::reconnected::other_card);
    CHECK(attachment.transmit(COMMAND) == SUCCESS && attachment.atr() == second.atr);
    // A callback that would wait gets a code, not a deadlock.
    scm::virtual_card third = simple_card();
    std::error_code error;
    third.transmit = [&](scm::bytes) {
        attachment.transmit(COMMAND, error);
        return SUCCESS;
    };
    reader.remove();
    reader.insert(third);
    attachment.reconnect();
    attachment.transmit(COMMAND);
    CHECK(error == scm::errc::scard_e_not_ready);
    reader.destroy();
}

} // namespace

int main()
{
    return check::run_without_service({
        TEST(a_card_is_a_few_functions),
        TEST(bad_cards_and_readers_change_nothing),
        TEST(exceptions_of_a_card_are_failures),
        TEST(long_and_short_answers_are_those_of_c),
        TEST(a_thread_may_end_in_a_callback),
        TEST(the_reader_and_the_card_answer_control_codes),
        TEST(calls_fail_as_planned),
        TEST(the_service_stops_and_starts),
        TEST(a_card_of_c_is_inserted),
        TEST(a_card_may_swap_itself),
    });
}
