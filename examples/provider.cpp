// A provider for a card that does not follow ISO/IEC 7816-4: programs read its files without knowing the card.
//
//     c++ -std=c++17 provider.cpp $(pkg-config --cflags --libs scm) -o provider && ./provider
//
// Part one is the program: it reads a file of any card. Part two is the provider, which knows the card. Part three is
// the card, in a virtual reader, and main.
#include <iostream>
#include <string>

#include <scm.hpp>

namespace {

// ---- One: the program. It does not know the card. ----

std::string read_text(scm::attachment_ref card, std::string_view path)
{
    std::uint8_t room[64];
    scm::file file = card.create_file_access().open(path);
    const auto text = file.read(room);
    return text ? std::string(text->begin(), text->end()) : std::string();
}

// ---- Two: the provider. ----

// A title of the jukebox card: 80 B4 00 TRACK 00 returns it. The card has no files.
class track final : public scm::file_implementation {
public:
    track(scm::attachment_ref card, std::uint8_t number) : card_(card), number_(number) {}

    std::optional<std::size_t> read(scm::buffer room, std::uint32_t) override
    {
        if (is_read_)
            return std::nullopt;
        const scm::response_view title = card_.send(scm::command(0x80, 0xB4, 0, number_, {}, 256), room);
        is_read_ = true;
        return title.data.size();
    }

private:
    scm::attachment_ref card_;
    std::uint8_t number_;
    bool is_read_ = false;
};

class jukebox final : public scm::file_access_implementation {
public:
    explicit jukebox(scm::attachment_ref card) : card_(card) {}

    // A title is a file: /tracks/7
    std::unique_ptr<scm::file_implementation> open(const scm::path &path) override
    {
        const std::string_view folder = "/tracks/";
        const std::string number(path.text().substr(0, folder.size()) == folder ? path.text().substr(folder.size())
                                                                                : "");
        if (number.empty() || number.size() > 2 || number.find_first_not_of("0123456789") != std::string::npos)
            return nullptr; // SCM_SCARD_E_FILE_NOT_FOUND
        return std::make_unique<track>(card_, static_cast<std::uint8_t>(std::stoi(number)));
    }

private:
    scm::attachment_ref card_;
};

scm::registration register_jukebox()
{
    scm::provider cards;
    cards.atr = {0x3B, 0x82, 0x80, 0x01, 'J', 0x00};
    cards.atr_mask = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00}; // the last byte is a serial number
    return scm::register_file_access_provider(
        cards, [](scm::attachment_ref card, void *) { return std::make_unique<jukebox>(card); });
}

// ---- Three: a card of this kind, in a virtual reader. ----

std::vector<std::uint8_t> answer(scm::bytes command)
{
    static const std::string titles[] = {"Blue Monday", "Heroes", "Wuthering Heights"};
    if (command[1] != 0xB4 || command[3] > 2)
        return {0x6A, 0x83};
    std::vector<std::uint8_t> response(titles[command[3]].begin(), titles[command[3]].end());
    response.insert(response.end(), {0x90, 0x00});
    return response;
}

} // namespace

int main()
{
    try {
        scm::virtual_ifd reader = scm::virtual_ifd::create("Jukebox reader");
        scm::virtual_card card;
        card.atr = {0x3B, 0x82, 0x80, 0x01, 'J', 0x17};
        card.protocols = SCM_PROTOCOL_T1;
        card.transmit = answer;
        reader.insert(card);
        const scm::registration registration = register_jukebox();
        scm::attachment attachment = scm::attachment::by_ifd("Jukebox reader");
        std::cout << "/tracks/1: " << read_text(attachment, "/tracks/1") << '\n';
        std::cout << "/tracks/9: " << read_text(attachment, "/tracks/9") << '\n';
    } catch (const scm::error &error) {
        std::cout << error.what() << '\n';
        return error.code() == scm::errc::scard_e_bad_seek ? 0 : 1; // there is no track 9
    }
    return 1;
}
