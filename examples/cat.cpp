// Reads a file of a card, and writes it to the standard output.
//
//     cat READER PATH          3F00/5015/4401, F073636D74657374/4401, 4401, ...; records are concatenated
//
// It ends with 0 only if it read and wrote the whole file.
#include <iostream>
#include <mutex>

#include <scm.hpp>

int main(int argc, char **argv)
{
    if (argc != 3) {
        std::cerr << "usage: cat READER PATH\n";
        return 2;
    }
    try {
        scm::attachment card = scm::attachment::by_ifd(argv[1]);
        // Under a lock of the caller, the selection of the open also holds for the reads.
        const std::scoped_lock lock(card);
        scm::file file = card.create_file_access().open(argv[2]);
        std::vector<std::uint8_t> room(65536);
        while (auto part = file.read(room))
            std::cout.write(reinterpret_cast<const char *>(part->data()), static_cast<std::streamsize>(part->size()));
        if (file.tell() != file.size()) {
            std::cerr << argv[2] << ": " << file.tell() << " of " << file.size() << " were read\n";
            return 1;
        }
        return std::cout.flush() ? 0 : 1;
    } catch (const scm::error &error) {
        std::cerr << argv[2] << ": " << error.what() << '\n';
        return 1;
    }
}
