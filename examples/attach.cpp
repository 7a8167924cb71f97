// Attaches to the first card, and sends a command. If there is no card, it says why.
#include <cstdio>
#include <string>

#include <scm.hpp>

// Attaches to the first card of all readers.
static scm::attachment attach_to_first_card()
{
    const scm::names readers = scm::list_ifds();
    std::error_code error = scm::errc::scard_e_no_readers_available;
    if (readers.result() == SCM_SCARD_S_NO_SERVICE)
        error = scm::errc::scard_e_no_service;
    for (std::string_view reader : readers) {
        scm::attachment card = scm::attachment::by_ifd(reader, error);
        if (card)
            return card;
        std::fprintf(stderr, "%s: %s\n", std::string(reader).c_str(), error.message().c_str());
    }
    throw scm::error(error);
}

int main()
{
    const std::uint8_t command[] = {0x00, 0xA4, 0x04, 0x00, 0x06, 0xD2, 0x76, 0x00, 0x01, 0x24, 0x01, 0x00};
    try {
        scm::attachment card = attach_to_first_card();
        std::error_code error;
        std::vector<std::uint8_t> answer = card.transmit(command, error);
        // After a reset, or a removal and insertion, the same card has no state: the program may send its first
        // command again. After any other failure only the card knows whether it executed the command.
        if (error == scm::errc::scard_w_reset_card || error == scm::errc::scard_w_removed_card) {
            if (card.reconnect() == scm::reconnected::same_card)
                answer = card.transmit(command);
        } else if (error) {
            throw scm::error(error);
        }
        for (std::uint8_t byte : answer)
            std::printf("%02X ", byte);
        std::puts("");
    } catch (const scm::error &error) {
        std::fprintf(stderr, "attach: %s\n", error.what());
        return 1;
    }
}
