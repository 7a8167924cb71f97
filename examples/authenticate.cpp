// Proves to a card that the program has an AES key, and checks that the card has another one.
//
//     authenticate READER OWN-NUMBER OWN-KEY CARD-NUMBER CARD-KEY          keys in hexadecimal digits
#include <cstdlib>
#include <iostream>
#include <string>

#include <scm.hpp>

// The bytes of hexadecimal digits. Digits that are wrong give a key of a wrong length, which the library refuses.
static std::vector<std::uint8_t> bytes_of(const std::string &digits)
{
    std::vector<std::uint8_t> bytes;
    if (digits.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos && digits.size() % 2 == 0)
        for (std::size_t i = 0; i < digits.size(); i += 2)
            bytes.push_back(static_cast<std::uint8_t>(std::strtoul(digits.substr(i, 2).c_str(), nullptr, 16)));
    return bytes;
}

static std::vector<std::uint8_t> number_of(const char *digits)
{
    return {static_cast<std::uint8_t>(std::strtoul(digits, nullptr, 10))};
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        std::cerr << "usage: authenticate READER OWN-NUMBER OWN-KEY CARD-NUMBER CARD-KEY\n";
        return 2;
    }
    try {
        const std::vector<std::uint8_t> own_key = bytes_of(argv[3]), card_key = bytes_of(argv[5]);
        scm::attachment card = scm::attachment::by_ifd(argv[1]);
        scm::card_auth auth = card.create_card_auth();
        auth.app_auth(0, number_of(argv[2]), scm::cipher::aes(own_key));
        std::cout << "The card accepts the program.\n";
        auth.icc_auth(0, number_of(argv[4]), scm::cipher::aes(card_key));
        std::cout << "The card has its key.\n";
        return 0;
    } catch (const scm::error &error) {
        std::cerr << "authenticate: " << error.what() << '\n';
        return 1;
    }
}
