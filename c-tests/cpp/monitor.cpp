/* Monitors in C++: waits, and ranges of events. */
#include "check.hpp"

#include <chrono>
#include <poll.h>
#include <thread>

using namespace std::chrono_literals;

namespace {

constexpr int CARD = 0;
constexpr std::chrono::seconds LONG = 20s; // longer than anything takes here

/* The events up to the one that says that all present things are told. */
int tell_present_state(scm::monitor &monitor, bool *has_card)
{
    int readers = 0;
    for (const scm::event &event : monitor) {
        if (event.kind() == SCM_EVENT_CURRENT)
            break;
        readers += event.kind() == SCM_EVENT_IFD_ARRIVED;
        *has_card = *has_card || (event.kind() == SCM_EVENT_CARD_INSERTED && event.ifd_name() == bed_ifd(CARD));
    }
    return readers;
}

void events_are_a_range()
{
    scm::monitor monitor = scm::monitor::create();
    bool has_card = false;
    CHECK(tell_present_state(monitor, &has_card) >= 1 && !has_card);
    bed("insert %d steerable", CARD);
    std::uint64_t last = 0;
    for (const scm::event &event : monitor.events(LONG)) {
        CHECK(last == 0 || event.number() == last + 1);
        last = event.number();
        if (event.kind() != SCM_EVENT_CARD_INSERTED)
            continue;
        CHECK(event.ifd_name() == bed_ifd(CARD) && event.service() != 0);
        CHECK(event.usage() == SCM_USAGE_FREE);
        CHECK(event.atr().size() > 1 && event.atr()[0] == 0x3B && event.get().struct_size == sizeof(scm_event));
        break;
    }
    bed("remove %d", CARD);
    const std::optional<scm::event> removed = monitor.wait(LONG);
    CHECK(removed && removed->kind() == SCM_EVENT_CARD_REMOVED);
    CHECK(removed->number() == last + 1 && removed->usage() == SCM_USAGE_UNKNOWN);
    // No event is no failure.
    std::error_code error = scm::errc::e_fail;
    CHECK(!monitor.wait(0ms) && !monitor.wait(1ms, error) && !error);
    for (const scm::event &event : monitor.events(0s)) {
        (void)event;
        CHECK(false);
    }
}

void a_cancel_ends_a_loop()
{
    scm::monitor monitor = scm::monitor::create();
    bool has_card = false;
    tell_present_state(monitor, &has_card);
    monitor.cancel();
    for (const scm::event &event : monitor) {
        (void)event;
        CHECK(false);
    }
    std::thread thread([&] {
        std::error_code error;
        monitor.cancel(error);
    });
    std::error_code error = scm::errc::e_fail;
    for (const scm::event &event : monitor.events(scm::infinite, error)) {
        (void)event;
        CHECK(false);
    }
    CHECK(!error);
    thread.join();
    monitor.cancel();
    CHECK_THROWS(scard_e_cancelled, monitor.wait());
    monitor.cancel();
    CHECK(!monitor.wait(scm::infinite, error) && error == scm::errc::scard_e_cancelled);
}

void the_descriptor_is_readable_while_an_event_waits()
{
    scm::monitor monitor = scm::monitor::create();
    bool has_card = false;
    tell_present_state(monitor, &has_card);
    pollfd poll_set = {monitor.fd(), POLLIN, 0};
    CHECK(poll(&poll_set, 1, 0) == 0);
    bed("insert %d steerable", CARD);
    CHECK(poll(&poll_set, 1, 20000) == 1);
    int count = 0;
    for (const scm::event &event : monitor.events(0s))
        count += event.kind() == SCM_EVENT_CARD_INSERTED;
    CHECK(count == 1 && poll(&poll_set, 1, 0) == 0);
    bed("remove %d", CARD);
}

void a_monitor_moves_and_ends()
{
    scm::monitor first = scm::monitor::create(), second = std::move(first);
    CHECK(!first && second);
    CHECK_THROWS(e_handle, first.wait());
    CHECK_THROWS(e_handle, first.begin());
    CHECK(second.wait(LONG));
    std::error_code error;
    second.destroy(error);
    CHECK(!error && !second);
    CHECK(!second.wait(LONG, error) && error == scm::errc::e_handle);
    for (const scm::event &event : second.events(LONG, error)) {
        (void)event;
        CHECK(false);
    }
    CHECK(error == scm::errc::e_handle);
}

} // namespace

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    return check::run({
        TEST(events_are_a_range),
        TEST(a_cancel_ends_a_loop),
        TEST(the_descriptor_is_readable_while_an_event_waits),
        TEST(a_monitor_moves_and_ends),
    });
}
