// A unit test of card code, without a card, a reader or a daemon.
//
//     c++ -std=c++17 card_test.cpp $(pkg-config --cflags --libs scm) -o card_test && ./card_test
//
// Part one is the code under test: read_text reads a file in several commands. Part two is a card made of functions, in
// a virtual reader. Part three lets something happen to the card at each of its commands.
#include <algorithm>
#include <functional>
#include <iostream>
#include <string>

#include <scm.hpp>

namespace {

// ---- One: the code under test. In a real program it is in another file. ----

// Selects the file EF01 and reads it, 8 bytes at a time, until a response is shorter.
std::string read_once(scm::attachment_ref card)
{
    const std::uint8_t id[] = {0xEF, 0x01};
    std::string text;
    card.send(scm::command(0x00, 0xA4, 0x00, 0x0C, id));
    for (;;) {
        const auto at = static_cast<std::uint8_t>(text.size());
        std::error_code error;
        const scm::response part = card.send(scm::command(0x00, 0xB0, 0x00, at, {}, 8), error);
        if (error && error != scm::errc::scard_w_eof)
            throw scm::error(error);
        text.append(part.data.begin(), part.data.end());
        if (part.data.size() < 8)
            return text;
    }
}

// Reads the text of the card. The text is complete and from one card. If the card is lost on the way (reset, removed
// and inserted), it starts again, three times at most. Another card is SCM_SCARD_E_UNKNOWN_CARD.
std::string read_text(scm::attachment_ref card)
{
    for (int tries = 1;; tries++) {
        try {
            return read_once(card);
        } catch (const scm::error &) {
            if (tries == 3)
                throw;
        }
        if (card.reconnect() == scm::reconnected::other_card)
            throw scm::error(scm::errc::scard_e_unknown_card);
    }
}

// ---- Two: a card, and an event during one of its commands. ----

const std::string TEXT = "Hello, card!";

class test_card {
public:
    scm::virtual_ifd reader = scm::virtual_ifd::create("Test reader");
    std::function<void()> event; // happens during the command with the number `event_at`
    unsigned event_at = 0;
    std::function<void()> after; // happens when the card is out

    void insert(std::uint8_t name)
    {
        scm::virtual_card card;
        card.atr = {0x3B, 0x81, 0x01, name, static_cast<std::uint8_t>(0x80 ^ name)};
        card.transmit = [this](scm::bytes command) { return answer(command); };
        card.power = [this](std::uint32_t) { is_selected_ = false; };
        card.release = [this] {
            if (after)
                std::exchange(after, nullptr)();
        };
        reader.insert(std::move(card));
    }

private:
    std::vector<std::uint8_t> answer(scm::bytes command)
    {
        if (++commands_ == event_at)
            event();
        std::vector<std::uint8_t> data;
        if (command[1] == 0xA4) {
            is_selected_ = true;
        } else if (!is_selected_) {
            return {0x69, 0x86};
        } else {
            const std::string part = TEXT.substr(std::min<std::size_t>(command[3], TEXT.size()), 8);
            data.assign(part.begin(), part.end());
        }
        data.insert(data.end(), {0x90, 0x00});
        return data;
    }

    bool is_selected_ = false;
    unsigned commands_ = 0;
};

// ---- Three: the tests. ----

int failures = 0;

// The text, or the name of the failure, must be the expected one.
void check(const char *test, unsigned moment, test_card &card, const std::string &expected)
{
    std::string got;
    scm::attachment attachment = scm::attachment::by_ifd("Test reader");
    try {
        got = read_text(attachment);
    } catch (const scm::error &error) {
        got = scm::name(static_cast<scm::errc>(error.result()));
    }
    if (got != expected) {
        failures++;
        std::cerr << test << ", during command " << moment << ": " << got << " is not " << expected << '\n'
                  << card.reader.log();
    }
}

void at_every_command(const char *test, const std::string &expected, const std::function<void(test_card &)> &event,
                      const std::function<void(test_card &)> &after = {})
{
    for (unsigned moment = 1; moment <= 3; moment++) {
        test_card card;
        card.event = [&] { event(card); };
        card.event_at = moment;
        if (after)
            card.after = [&] { after(card); };
        card.insert('A');
        check(test, moment, card, expected);
    }
}

} // namespace

int main()
{
    const auto nothing = [](test_card &) {};
    const auto pull = [](test_card &card) { card.reader.remove(); };
    at_every_command("nothing", TEXT, nothing);
    at_every_command("a reset", TEXT, [](test_card &card) { card.reader.reset(); });
    at_every_command("a removal", "SCM_SCARD_E_NO_SMARTCARD", pull);
    at_every_command("out and in again", TEXT, pull, [](test_card &card) { card.insert('A'); });
    at_every_command("another card", "SCM_SCARD_E_UNKNOWN_CARD", pull, [](test_card &card) { card.insert('B'); });
    at_every_command("no contact, twice", TEXT, [](test_card &card) {
        card.reader.fail(SCM_VIRTUAL_TRANSMIT, scm::errc::scard_f_comm_error, 0, 2);
    });
    std::cout << failures << " failed\n";
    return failures > 0;
}
