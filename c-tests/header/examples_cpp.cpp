/* Runs the examples of scm.hpp, as they are, on virtual readers. extract_cpp.sh writes them to files. */
#define main first_program
#include "header_examples_cpp/all.hpp"
#undef main

#include "../cpp/check.hpp"
#include "scm_card.h"

namespace {

const char *const READER = "Reader of the examples";

/* The codes and keys of the default card (crates/card/profiles/default.toml). */
const std::uint8_t EXTERNAL_KEY[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
const std::uint8_t INTERNAL_KEY[] = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
const std::uint8_t SELECT[] = {0x00, 0xA4, 0x00, 0x0C, 0x02, 0x2F, 0x00};
const std::uint8_t READ[] = {0x00, 0xB0, 0x00, 0x00, 0x01};

/* The default card, in a reader. */
struct scene {
    scm_card *iso_card = nullptr;
    scm::virtual_ifd reader = scm::virtual_ifd::create(READER);
    scm::attachment card;

    scene()
    {
        scm_virtual_card plug = SCM_VIRTUAL_CARD_INIT;
        CHECK(scm_card_create(nullptr, &iso_card) == SCM_S_OK && scm_card_plug(iso_card, &plug) == SCM_S_OK);
        reader.insert(plug);
        card = scm::attachment::by_ifd(READER);
    }
    ~scene()
    {
        card = scm::attachment();
        reader = scm::virtual_ifd();
        scm_card_destroy(iso_card);
    }
    scene(const scene &) = delete;
    scene &operator=(const scene &) = delete;
};

void the_first_program_runs()
{
    CHECK(first_program() == 1); // no reader
    scene scene;
    CHECK(first_program() == 0);
    scene.reader.remove();
    CHECK(first_program() == 1);
}

void functions_with_a_card_work()
{
    scene scene;
    CHECK(is_usable(scene.card));
    print_readers();
    select_and_read(scene.card, SELECT, READ);
    CHECK(scene.card.last_response().size() == 3);
    CHECK(select_soon(scene.card, SELECT));
    CHECK_THROWS(scard_e_sharing_violation, attach_exclusively(READER));
    CHECK(read_file(scene.card, "3F00/2F00").size() == 52);
    CHECK(verify_pin(scene.card, "1234") && !verify_pin(scene.card, "9999"));
    authenticate(scene.card, EXTERNAL_KEY, INTERNAL_KEY);
    scm::monitor monitor = scm::monitor::create();
    CHECK(wait_for_card(monitor) == READER);
    scene.reader.remove();
    CHECK(!is_usable(scene.card));
}

void an_exclusive_attachment_is_alone()
{
    scene scene;
    scene.card.detach();
    const scm::attachment card = attach_exclusively(READER);
    CHECK_THROWS(scard_e_sharing_violation, scm::attachment::by_ifd(READER));
}

void a_card_and_a_provider_are_made()
{
    const scm::virtual_ifd reader = make_reader_with_card();
    scm::attachment card = scm::attachment::by_ifd("Reader with a card");
    CHECK(card.transmit(SELECT).size() == 2);
    const scm::registration registration = register_codes(card.atr());
    card.create_ch_verification().reset_security_state();
    CHECK_THROWS(e_notimpl, card.create_ch_verification().verify("1234", 1));
}

} // namespace

int main()
{
    return check::run_without_service({
        TEST(the_first_program_runs),
        TEST(functions_with_a_card_work),
        TEST(an_exclusive_attachment_is_alone),
        TEST(a_card_and_a_provider_are_made),
    });
}
