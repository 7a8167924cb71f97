/* Files, codes and keys in C++, on the default card (crates/card/profiles/default.toml). */
#include "check.hpp"

#include <algorithm>

namespace {

constexpr int CARD = 0;
constexpr std::uint32_t PIN = 1, PUK = 2;
const char TEXT[] = "Hello from the libscm test card\n";
const std::uint8_t EXTERNAL_KEY[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
const std::uint8_t INTERNAL_KEY[] = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};
const std::uint8_t EXTERNAL[] = {1}, INTERNAL[] = {2};

scm::attachment attach()
{
    return scm::attachment::by_ifd(bed_ifd(CARD));
}

scm::ch_verification codes_of(const scm::attachment &card)
{
    scm::ch_verification_options format;
    format.block_length = 8;
    return card.create_ch_verification(format);
}

std::string text_of(scm::buffer bytes)
{
    return std::string(bytes.begin(), bytes.end());
}

void a_file_is_read_to_its_end()
{
    scm::attachment card = attach();
    scm::file file = card.create_file_access().open("5015/4401");
    std::uint8_t room[7];
    std::string text;
    while (auto part = file.read(room))
        text += text_of(*part);
    CHECK(text.size() == 64 && text.compare(0, sizeof TEXT - 1, TEXT) == 0);
    CHECK(file.tell() == 64 && file.size() == 64);
    // The end is no failure, in both forms.
    std::error_code error = scm::errc::e_fail;
    CHECK(!file.read(room, error) && !error);
    CHECK(!file.read(room));
    file.seek(-64, SCM_SEEK_FROM_END);
    CHECK(text_of(*file.read(room, error)) == "Hello f" && !error);
    CHECK_THROWS(scard_e_bad_seek, file.seek(65));
    CHECK(file.info().id == 0x4401 && file.info().file_type == SCM_TYPE_TRANSPARENT_EF);
    file.close();
    CHECK(!file);
    CHECK_THROWS(e_handle, file.read(room));
    CHECK(!file.read(room, error) && error == scm::errc::e_handle);
    CHECK_THROWS(e_handle, file.close());
}

void records_are_read_one_by_one()
{
    scm::attachment card = attach();
    scm::file file = card.create_file_access().open({"3F00/5015/4404", SCM_TYPE_BY_ID});
    std::uint8_t room[32];
    std::vector<std::size_t> lengths;
    while (auto record = file.read(room))
        lengths.push_back(record->size());
    CHECK(lengths == std::vector<std::size_t>({1, 4, 8}));
    file.seek(0);
    file.seek(1, SCM_SEEK_RELATIVE);
    CHECK_THROWS(scard_e_insufficient_buffer, file.read(scm::buffer(room).first(2)));
    CHECK(file.read(room)->size() == 4);
}

void files_are_written_after_the_code()
{
    scm::attachment card = attach();
    scm::file_access files = card.create_file_access();
    scm::file file = files.open("5015/4402");
    const std::uint8_t data[] = {1, 2, 3, 4};
    const scm::write_error refused =
        CHECK_THROWS_AS(scm::write_error, scard_w_security_violation, file.write(data));
    CHECK(refused.written() == 0);
    codes_of(card).verify("1234", PIN);
    CHECK(file.write(data) == 4 && file.tell() == 4);
    CHECK(file.erase(2) == 2 && file.tell() == 6);
    file.seek(254);
    std::error_code error;
    CHECK(file.write(data, SCM_FL_REPLACE, error) == 0 && error == scm::errc::scard_e_write_too_many);
    file.seek(0);
    std::uint8_t room[6];
    const std::vector<std::uint8_t> expected = {1, 2, 3, 4};
    CHECK(std::equal(expected.begin(), expected.end(), file.read(room)->begin()));
}

void directories_are_changed_and_listed()
{
    scm::attachment card = attach();
    scm::file_access files = card.create_file_access();
    CHECK(files.current_dir() == "3F00");
    const scm::names list = files.directory();
    CHECK(std::find(list.begin(), list.end(), "5015") != list.end());
    files.change_dir("5015");
    CHECK(files.current_dir() == "3F00/5015");
    CHECK(files.directory(SCM_TYPE_CYCLIC_EF).size() == 1 && *files.directory(SCM_TYPE_CYCLIC_EF).begin() == "4405");
    scm::directory_options some;
    some.first_id = 0x4402;
    some.last_id = 0x4403;
    CHECK(files.directory(SCM_TYPE_ALL_FILES, some).size() == 2);
    const scm::resolved_path resolved = files.resolve({"1", SCM_TYPE_BY_SHORT_ID});
    CHECK(resolved.text == "3F00/5015/1" && resolved.form == SCM_TYPE_BY_SHORT_ID);
    CHECK(files.resolve(std::string("4401")).text == "3F00/5015/4401");
    std::error_code error;
    files.change_dir("4499", error);
    CHECK(error && files.current_dir() == "3F00/5015");
    CHECK(!files.open("4499", error) && error == scm::errc::scard_e_file_not_found &&
          error == std::errc::no_such_file_or_directory);
    CHECK_THROWS(e_invalidarg, files.open(std::string(SCM_PATH_MAX + 1, '4')));
    CHECK_THROWS(e_invalidarg, files.open(std::string_view("44\0" "01", 5)));
    CHECK(files.resolve("4499", error).text.empty() && error);
    files.release();
    CHECK_THROWS(e_handle, files.current_dir());
}

void files_are_created_and_deleted()
{
    scm::attachment card = attach();
    codes_of(card).verify("1234", PIN);
    scm::file_access files = card.create_file_access();
    files.change_dir({"F073636D74657374", SCM_TYPE_BY_NAME});
    const std::uint8_t content[] = {'d', 'a', 't', 'a'}, size[] = {0x80, 0x02, 0x00, 0x10}, tags[] = {0x83};
    files.create("4480", size, SCM_FL_PREALLOCATE);
    files.create("4481", {}, 0, content);
    std::uint8_t room[16];
    CHECK(text_of(*files.open("4481").read(room)) == "data");
    CHECK(files.properties("4481", 0, tags) == std::vector<std::uint8_t>({0x83, 0x02, 0x44, 0x81}));
    CHECK(files.properties("4480").size() > 4);
    CHECK_THROWS(scard_e_no_access, files.create("4480", size));
    std::error_code error;
    files.set_properties("4480", {}, error);
    CHECK(error == scm::errc::e_invalidarg);
    files.invalidate("4481");
    CHECK_THROWS(scard_e_no_access, files.open("4481").read(room));
    files.rehabilitate("4481");
    CHECK(files.open("4481").read(room).has_value());
    files.delete_file("4480");
    files.delete_file({"4481", SCM_TYPE_BY_ID}, 0, error);
    CHECK(!error);
    CHECK_THROWS(scard_e_file_not_found, files.open("4480"));
    CHECK(!files.file_capabilities().empty());
}

void objects_outlive_their_attachment()
{
    scm::attachment card = attach();
    scm::file_access files = card.create_file_access();
    scm::file file = files.open("2F00");
    scm::file moved = std::move(file);
    CHECK(!file && moved.size() > 0);
    card.detach();
    CHECK_THROWS(e_handle, moved.tell());
    CHECK_THROWS(e_handle, files.open("2F00"));
    CHECK_THROWS(scard_e_icc_createorder, card.create_file_access());
}

void codes_tell_the_tries()
{
    scm::attachment card = attach();
    scm::ch_verification codes = codes_of(card);
    const scm::verification_error wrong =
        CHECK_THROWS_AS(scm::verification_error, scard_w_wrong_chv, codes.verify("9999", PIN));
    CHECK(wrong.retries_left() == 2U);
    std::error_code error;
    CHECK(codes.verify(std::string("9999"), PIN, 0, error) == 1U && error == scm::errc::scard_w_wrong_chv);
    CHECK(codes.verify("9999", PIN, 0, error) == 0U && error == scm::errc::scard_w_chv_blocked);
    CHECK(CHECK_THROWS_AS(scm::verification_error, scard_w_chv_blocked, codes.verify("1234", PIN)).retries_left() ==
          0U);
    codes.unblock("12345678", "4321", PIN);
    CHECK(!codes.verify("4321", PIN));
    codes.change_code(std::string_view("4321"), "1234", PIN);
    const std::uint8_t bytes[] = {'1', '2', '3', '4'};
    CHECK(!codes.verify(scm::bytes(bytes), PIN, 0, error) && !error);
    codes.verify({}, PIN, SCM_FL_IHV_CHECKONLY);
    codes.reset_security_state();
    CHECK_THROWS(scard_w_card_not_authenticated, codes.verify({}, PIN, SCM_FL_IHV_CHECKONLY));
    CHECK(!codes.verify("1", 99, 0, error) && error == scm::errc::e_invalidarg);
    CHECK_THROWS(scard_e_unsupported_feature, codes.verify({}, PUK)); // no PIN pad
    codes.release();
    CHECK(!CHECK_THROWS_AS(scm::verification_error, e_handle, codes.verify("1234", PIN)).retries_left());
}

void keys_are_proven()
{
    scm::attachment card = attach();
    scm::card_auth auth = card.create_card_auth();
    auth.app_auth(0, EXTERNAL, scm::cipher::aes(EXTERNAL_KEY));
    auth.icc_auth(0, INTERNAL, scm::cipher::aes(INTERNAL_KEY));
    CHECK_THROWS(scard_w_card_not_authenticated, auth.icc_auth(0, INTERNAL, scm::cipher::aes(EXTERNAL_KEY)));
    CHECK_THROWS(e_invalidarg, auth.app_auth(0, EXTERNAL, scm::cipher::aes(scm::bytes(EXTERNAL_KEY).first(15))));
    CHECK_THROWS(e_invalidarg, auth.app_auth(0, EXTERNAL, scm::cipher::triple_des({})));

    // In single steps.
    std::uint8_t room[256];
    const scm::buffer challenge = auth.challenge(0, {}, scm::buffer(room).first(16));
    CHECK(challenge.size() == 16);
    CHECK_THROWS(scard_w_security_violation, auth.app_auth(0, EXTERNAL, challenge));
    CHECK(auth.icc_auth(0, INTERNAL, EXTERNAL_KEY, room).size() == 16);
    std::error_code error;
    CHECK(auth.icc_auth(0, INTERNAL, EXTERNAL_KEY, scm::buffer(room).first(3), error).empty());
    CHECK(error == scm::errc::scard_e_insufficient_buffer && card.last_response().size() == 18);
    auth.user_auth(0, EXTERNAL, scm::bytes(EXTERNAL_KEY).first(8), error);
    CHECK(error == scm::errc::scard_w_wrong_chv);
    const std::uint8_t pin[] = {'1', '2', '3', '4', 0xFF, 0xFF, 0xFF, 0xFF};
    auth.user_auth(0, EXTERNAL, pin);

    // A cipher of the program: the challenge as it is, which is wrong.
    std::size_t length = 0;
    const scm::cipher own(
        [&](scm::bytes bytes) {
            length = bytes.size();
            return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
        },
        16);
    CHECK_THROWS(scard_w_security_violation, auth.app_auth(0, EXTERNAL, own));
    CHECK(length == 16);
    CHECK_THROWS(scard_w_cancelled_by_user,
                 auth.app_auth(0, EXTERNAL, scm::cipher([](scm::bytes) -> std::vector<std::uint8_t> {
                                   throw scm::error(scm::errc::scard_w_cancelled_by_user);
                               })));
    CHECK_THROWS(e_fail, auth.app_auth(0, EXTERNAL, scm::cipher([](scm::bytes) -> std::vector<std::uint8_t> {
                                           throw 77;
                                       })));
    CHECK_THROWS(e_fail, auth.app_auth(0, EXTERNAL, scm::cipher([](scm::bytes) {
                                           return std::vector<std::uint8_t>(SCM_CIPHER_OUTPUT_MAX + 1);
                                       })));
    auth.app_auth(0, EXTERNAL, scm::cipher::aes(EXTERNAL_KEY)); // the counter of the key begins again
    auth.release();
    CHECK_THROWS(e_handle, auth.app_auth(0, EXTERNAL, own));
}

void interfaces_are_made_by_iid_and_name()
{
    scm::attachment card = attach();
    scm::file_access files = card.create_interface<scm::file_access>(SCM_IID_FILE_ACCESS);
    CHECK(files.current_dir() == "3F00");
    std::error_code error;
    card.create_interface<scm::ch_verification>("ISCardVerify").verify("99", 99, 0, error);
    CHECK(error == scm::errc::e_invalidarg);
    CHECK(!card.create_interface("no such interface", nullptr, error) && error == scm::errc::e_nointerface);
    CHECK_THROWS(e_invalidarg, card.create_interface(std::string(SCM_INTERFACE_NAME_MAX + 1, 'a')));
    // The wrong type: no crash, and the attachment ends the object.
    scm::provided_interface wrong = card.create_interface(SCM_IID_CARD_AUTH);
    CHECK_THROWS(e_handle, wrong.get_implementation());
    CHECK_THROWS(e_handle, wrong.release());
}

} // namespace

int main(int argc, char **argv)
{
    bed_make(argc, argv);
    bed("insert %d scm", CARD);
    return check::run({
        TEST(a_file_is_read_to_its_end),
        TEST(records_are_read_one_by_one),
        TEST(files_are_written_after_the_code),
        TEST(directories_are_changed_and_listed),
        TEST(files_are_created_and_deleted),
        TEST(objects_outlive_their_attachment),
        TEST(codes_tell_the_tries),
        TEST(keys_are_proven),
        TEST(interfaces_are_made_by_iid_and_name),
    });
}
