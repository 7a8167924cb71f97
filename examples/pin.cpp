// Presents a PIN to a card that fills its codes with FF to 8 bytes, and withdraws it again.
//
//     pin READER NUMBER        reads the PIN from the standard input; an empty line for the PIN pad of the reader
#include <cstdlib>
#include <iostream>
#include <string>

#include <scm.hpp>

int main(int argc, char **argv)
{
    std::string pin;
    if (argc != 3 || !std::getline(std::cin, pin)) {
        std::cerr << "usage: pin READER NUMBER, and the PIN in the standard input\n";
        return 2;
    }
    try {
        scm::ch_verification_options format;
        format.block_length = 8;
        scm::attachment card = scm::attachment::by_ifd(argv[1]);
        scm::ch_verification codes = card.create_ch_verification(format);
        codes.verify(pin, static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10)));
        std::cout << "The PIN is right.\n";
        codes.reset_security_state();
        return 0;
    } catch (const scm::verification_error &error) {
        std::cerr << "pin: " << error.what();
        if (error.retries_left())
            std::cerr << " Tries left: " << *error.retries_left();
        std::cerr << '\n';
    } catch (const scm::error &error) {
        std::cerr << "pin: " << error.what() << '\n';
    }
    return 1;
}
