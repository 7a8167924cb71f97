/* The form without exceptions, compiled without them: what can be done, and what fails. */
#include <cstdio>
#include <cstdlib>

#include <scm.hpp>

namespace {

int failures = 0;

void check(bool holds, int line)
{
    if (holds)
        return;
    std::fprintf(stderr, "%s:%d: not so\n", __FILE__, line);
    failures++;
}

} // namespace

#define CHECK(condition) check((condition), __LINE__)

int main()
{
    setenv("PCSCLITE_CSOCK_NAME", "/nowhere", 1);
    const std::uint8_t command[] = {0x00, 0xA4, 0x00, 0x00};
    std::uint8_t room[16];
    std::error_code error;
    scm::virtual_ifd reader = scm::virtual_ifd::create("No exceptions", error);
    CHECK(!error);
    scm::virtual_card card;
    card.atr = {0x3B, 0x80, 0x80, 0x01, 0x01};
    card.transmit = [](scm::bytes) { return std::vector<std::uint8_t>{0x90, 0x00}; };
    reader.insert(card, error);
    CHECK(!error);
    scm::attachment attachment = scm::attachment::by_ifd("No exceptions", error);
    CHECK(!error && attachment);
    CHECK(attachment.transmit(command, room, error).size() == 2 && !error);
    CHECK(attachment.transmit(command, error).size() == 2 && !error);
    reader.remove(error);
    CHECK(!error && attachment.transmit(command, room, error).empty());
    CHECK(error == scm::errc::scard_w_removed_card);
    CHECK(!scm::attachment::by_ifd("None", error) && error == scm::errc::scard_e_unknown_reader);
    return failures;
}
