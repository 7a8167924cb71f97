/* Providers in C++: each function of each class is called through the library, and its exceptions become codes. */
#include "check.hpp"

#include <algorithm>
#include <stdexcept>

namespace {

using byte_vector = std::vector<std::uint8_t>;

const byte_vector ATR = {0x3B, 0x80, 0x80, 0x01, 0x01};
const char *const READER = "Provided";

/* Objects that exist. */
int alive = 0;

struct counted {
    counted() { alive++; }
    ~counted() { alive--; }
    counted(const counted &) = delete;
    counted &operator=(const counted &) = delete;
};

byte_vector copy_of(scm::bytes bytes)
{
    return byte_vector(bytes.begin(), bytes.end());
}

class some_file final : public scm::file_implementation, counted {
public:
    explicit some_file(std::string content) : content_(std::move(content)) {}

    std::optional<std::size_t> read(scm::buffer room, std::uint32_t flags) override
    {
        CHECK(flags == 0);
        if (position_ == content_.size())
            return std::nullopt;
        const std::size_t count = content_.copy(reinterpret_cast<char *>(room.data()), room.size(), position_);
        position_ += count;
        return count;
    }
    void write(scm::bytes data, std::uint32_t flags, std::size_t &written) override
    {
        if (flags == SCM_FL_OR)
            throw scm::write_error(scm::errc::scard_e_no_access, 2);
        CHECK(flags == SCM_FL_REPLACE);
        written = std::min<std::size_t>(data.size(), 3);
        if (written < data.size())
            throw scm::error(scm::errc::scard_e_write_too_many);
    }
    void seek(std::int64_t offset, std::uint32_t origin) override
    {
        if (origin != SCM_SEEK_FROM_BEGINNING || offset < 0)
            throw scm::error(scm::errc::scard_e_bad_seek);
        position_ = static_cast<std::size_t>(offset);
    }
    std::uint64_t tell() override { return position_; }
    std::uint64_t size() override { return content_.size(); }
    void close() override { throw scm::error(scm::errc::scard_e_no_access); }

private:
    std::string content_;
    std::size_t position_ = 0;
};

std::string done; // the last function that returns nothing

class some_files final : public scm::file_access_implementation, counted {
public:
    void change_dir(const scm::path &directory) override { directory_ = directory.text(); }
    std::string current_dir() override { return directory_; }
    std::vector<std::string> directory(std::uint32_t) override { return {"one", "two"}; }
    std::unique_ptr<scm::file_implementation> open(const scm::path &path) override
    {
        if (path.text() == "one")
            return std::make_unique<some_file>("content");
        if (path.text() == "broken")
            throw std::runtime_error("broken");
        return nullptr;
    }
    void create(const scm::path &path, scm::bytes properties, std::uint32_t flags, scm::bytes data) override
    {
        CHECK(path.form() == SCM_TYPE_BY_ANY && properties.size() == 2 && flags == 0 && data.size() == 3);
        done = "create " + std::string(path.text());
    }
    void delete_file(const scm::path &path, std::uint32_t flags) override
    {
        CHECK(flags == SCM_FL_RECURSIVE);
        done = "delete " + std::string(path.text());
    }
    byte_vector properties(const scm::path &, scm::bytes tags, std::uint32_t) override { return copy_of(tags); }
    void set_properties(const scm::path &path, scm::bytes properties, std::uint32_t) override
    {
        CHECK(properties.size() == 2);
        done = "set " + std::string(path.text());
    }
    byte_vector file_capabilities(scm::bytes, std::uint32_t) override { return byte_vector(1000, 0x43); }
    void invalidate(const scm::path &path, std::uint32_t) override { done = "invalidate " + std::string(path.text()); }
    void rehabilitate(const scm::path &path, std::uint32_t) override
    {
        done = "rehabilitate " + std::string(path.text());
    }

private:
    std::string directory_ = "root";
};

class some_codes final : public scm::ch_verification_implementation, counted {
public:
    void verify(scm::bytes code, std::uint32_t reference, std::uint32_t flags, std::uint32_t &retries_left) override
    {
        CHECK(reference == 7 && flags == SCM_FL_IHV_LOCAL);
        if (code.size() == 4)
            return;
        retries_left = 2;
        throw scm::error(scm::errc::scard_w_wrong_chv);
    }
    void change_code(scm::bytes old_code, scm::bytes new_code, std::uint32_t, std::uint32_t, std::uint32_t &) override
    {
        if (old_code.empty() && new_code.size() == 2)
            throw scm::verification_error(scm::errc::scard_w_chv_blocked, 0U);
        if (old_code.empty())
            throw scm::verification_error(scm::errc::scard_w_wrong_chv, std::nullopt);
        if (old_code.size() + 1 != new_code.size())
            throw std::bad_alloc();
    }
    void unblock(scm::bytes unblocking_code, scm::bytes new_code, std::uint32_t, std::uint32_t,
                 std::uint32_t &retries_left) override
    {
        CHECK(unblocking_code.size() == 8 && new_code.size() == 4);
        retries_left = 5;
    }
    void reset_security_state() override { done = "reset"; }
};

class some_keys final : public scm::card_auth_implementation, counted {
public:
    byte_vector challenge(std::uint32_t algorithm, scm::bytes parameters, std::size_t wanted) override
    {
        CHECK(algorithm == 1 && parameters.size() == 1);
        return byte_vector(wanted, 7);
    }
    void app_auth(std::uint32_t, scm::bytes, scm::bytes answer) override
    {
        if (answer.size() != 4)
            throw scm::error(scm::errc::scard_w_security_violation);
    }
    byte_vector icc_auth(std::uint32_t, scm::bytes, scm::bytes challenge) override { return copy_of(challenge); }
    void user_auth(std::uint32_t, scm::bytes, scm::bytes data) override { CHECK(data.size() == 1); }
};

/* A reader with a card, and an attachment. */
struct scene {
    scm::virtual_ifd reader = scm::virtual_ifd::create(READER);
    scm::attachment card;

    scene()
    {
        scm::virtual_card plug;
        plug.atr = ATR;
        plug.transmit = [](scm::bytes) { return byte_vector{0x90, 0x00}; };
        reader.insert(std::move(plug));
        card = scm::attachment::by_ifd(READER);
    }
};

scm::provider cards_of(const byte_vector &atr)
{
    scm::provider provider;
    provider.atr = atr;
    return provider;
}

void files_are_those_of_the_class()
{
    scene scene;
    const scm::registration registration = scm::register_file_access_provider(
        cards_of(ATR), [](scm::attachment_ref, void *) { return std::make_unique<some_files>(); });
    {
        scm::file_access files = scene.card.create_file_access();
        const byte_vector two = {1, 2}, three = {1, 2, 3};
        CHECK(alive == 1 && files.current_dir() == "root");
        files.change_dir("below");
        CHECK(files.current_dir() == "below");
        const scm::names names = files.directory();
        CHECK(names.size() == 2 && *names.begin() == "one");
        files.create("new", two, 0, three);
        CHECK(done == "create new");
        files.delete_file("old", SCM_FL_RECURSIVE);
        CHECK(done == "delete old");
        files.set_properties("one", two);
        CHECK(done == "set one" && files.properties("one", 0, three) == three);
        CHECK(files.file_capabilities().size() == 1000);
        files.invalidate("one");
        CHECK(done == "invalidate one");
        files.rehabilitate("one");
        CHECK(done == "rehabilitate one");
        CHECK_THROWS(scard_e_file_not_found, files.open("none"));
        CHECK_THROWS(e_fail, files.open("broken"));

        scm::file file = files.open("one");
        std::uint8_t room[4];
        CHECK(alive == 2 && file.read(room)->size() == 4 && file.read(room)->size() == 3 && !file.read(room));
        CHECK(file.tell() == 7 && file.size() == 7);
        file.seek(1);
        CHECK(file.tell() == 1);
        CHECK_THROWS(scard_e_bad_seek, file.seek(-1));
        CHECK(file.write(three) == 3);
        std::error_code error;
        const byte_vector four(4);
        CHECK(file.write(four, SCM_FL_REPLACE, error) == 3 && error == scm::errc::scard_e_write_too_many);
        CHECK(CHECK_THROWS_AS(scm::write_error, scard_e_write_too_many, file.write(four)).written() == 3);
        CHECK(CHECK_THROWS_AS(scm::write_error, scard_e_no_access, file.write(four, SCM_FL_OR)).written() == 2);
        CHECK_THROWS(e_notimpl, file.info());
        CHECK_THROWS(scard_e_no_access, file.close());
        CHECK(alive == 1 && !file);
    }
    CHECK(alive == 0);
}

void codes_and_keys_are_those_of_the_class()
{
    scene scene;
    const scm::registration codes_registration = scm::register_ch_verification_provider(
        cards_of(ATR), [](scm::attachment_ref, void *) { return std::make_unique<some_codes>(); });
    const scm::registration keys_registration = scm::register_card_auth_provider(
        cards_of(ATR), [](scm::attachment_ref, void *) { return std::make_unique<some_keys>(); });
    {
        scm::ch_verification codes = scene.card.create_ch_verification();
        CHECK(!codes.verify("1234", 7, SCM_FL_IHV_LOCAL));
        CHECK(CHECK_THROWS_AS(scm::verification_error, scard_w_wrong_chv, codes.verify("1", 7, SCM_FL_IHV_LOCAL))
                  .retries_left() == 2U);
        codes.change_code("1", "12", 7);
        // A provider that only hands the exceptions of another object on tells as much as that.
        CHECK(CHECK_THROWS_AS(scm::verification_error, scard_w_chv_blocked, codes.change_code("", "12", 7))
                  .retries_left() == 0U);
        CHECK(!CHECK_THROWS_AS(scm::verification_error, scard_w_wrong_chv, codes.change_code("", "1", 7))
                   .retries_left());
        CHECK_THROWS(e_outofmemory, codes.change_code("1", "123", 7));
        CHECK(codes.unblock("12345678", "1234", 7) == 5U);
        codes.reset_security_state();
        CHECK(done == "reset");

        scm::card_auth keys = scene.card.create_card_auth();
        const byte_vector number = {1}, four(4);
        std::uint8_t room[4];
        CHECK(alive == 2 && keys.challenge(1, number, room).size() == 4 && room[3] == 7);
        keys.app_auth(1, number, four);
        CHECK_THROWS(scard_w_security_violation, keys.app_auth(1, number, number));
        CHECK(keys.icc_auth(1, number, four, room).size() == 4);
        CHECK_THROWS(scard_e_insufficient_buffer, keys.icc_auth(1, number, four, scm::buffer(room).first(3)));
        keys.user_auth(1, number, number);
        CHECK_THROWS(e_notimpl, keys.app_auth(1, number, scm::cipher::aes(byte_vector(16))));
    }
    CHECK(alive == 0);
}

void functions_that_a_class_lacks_are_not_implemented()
{
    scene scene;
    const scm::registration registration = scm::register_file_access_provider(
        {}, [](scm::attachment_ref, void *) { return std::make_unique<scm::file_access_implementation>(); });
    const scm::registration codes = scm::register_ch_verification_provider(
        {}, [](scm::attachment_ref, void *) { return std::make_unique<scm::ch_verification_implementation>(); });
    scm::file_access files = scene.card.create_file_access();
    CHECK_THROWS(e_notimpl, files.current_dir());
    CHECK_THROWS(e_notimpl, files.directory());
    CHECK_THROWS(e_notimpl, files.open("one"));
    CHECK_THROWS(e_notimpl, files.invalidate("one"));
    CHECK_THROWS(e_notimpl, scene.card.create_ch_verification().verify("1234", 1));
}

void a_registration_ends_with_its_object()
{
    scene scene;
    auto destroyed = std::make_shared<int>(0);
    auto is_provided = [&] {
        std::error_code error;
        return static_cast<bool>(scene.card.create_interface("Own", nullptr, error));
    };
    scm::provider provider;
    provider.name = "Own";
    {
        scm::registration first = scm::register_interface_provider<counted>(
            provider, "functions", [destroyed](scm::attachment_ref, void *) { return std::make_unique<counted>(); });
        CHECK(destroyed.use_count() == 2 && is_provided());
        scm::registration second = std::move(first);
        CHECK(!first && second && is_provided());
        scm::registration &itself = second;
        second = std::move(itself);
        CHECK(second && is_provided());
        // An object outlives its registration, and keeps the provider.
        scm::provided_interface own = scene.card.create_interface("Own");
        second = scm::registration();
        CHECK(!is_provided() && alive == 1 && destroyed.use_count() == 2);
        CHECK(own.get_implementation<char>().functions == std::string("functions"));
        CHECK(own.get_implementation().object != nullptr);
        own.release();
        CHECK(alive == 0 && destroyed.use_count() == 1);
        CHECK_THROWS(e_nointerface, second.unregister());
    }
    scm::registration third = scm::register_interface_provider<counted>(
        provider, nullptr, [destroyed](scm::attachment_ref card, void *user_data) -> std::unique_ptr<counted> {
            CHECK(card.ifd_name() == READER);
            if (user_data != nullptr)
                throw scm::error(scm::errc::scard_e_no_access);
            return nullptr;
        });
    int any = 0;
    CHECK_THROWS(e_nointerface, scene.card.create_interface("Own"));
    CHECK_THROWS(scard_e_no_access, scene.card.create_interface("Own", &any));
    third.unregister();
    CHECK(!third && destroyed.use_count() == 1);
}

void bad_registrations_are_refused()
{
    const auto factory = [](scm::attachment_ref, void *) { return std::make_unique<some_files>(); };
    scm::provider provider = cards_of(ATR);
    provider.atr_mask = {0xFF};
    CHECK_THROWS(e_invalidarg, scm::register_file_access_provider(provider, factory).unregister());
    std::error_code error;
    provider.atr.assign(SCM_ATR_MAX + 1, 0);
    provider.atr_mask.clear();
    CHECK(!scm::register_file_access_provider(provider, factory, error) && error == scm::errc::e_invalidarg);
    CHECK(!scm::register_file_access_provider({}, nullptr, error) && error == scm::errc::e_invalidarg);
    provider = {};
    provider.name = std::string("a\0b", 3);
    CHECK(!scm::register_file_access_provider(provider, factory, error) && error == scm::errc::e_invalidarg);
    provider = {};
    provider.iid = scm_guid SCM_IID_CARD_AUTH_INIT;
    CHECK(!scm::register_file_access_provider(provider, factory, error) && error == scm::errc::e_invalidarg);
    CHECK(!scm::register_interface_provider<counted>({}, nullptr, [](scm::attachment_ref, void *) {
        return std::make_unique<counted>();
    }, error) && error == scm::errc::e_invalidarg);
}

/* The mask lets the last byte of the ATR differ. */
void a_mask_leaves_bytes_out()
{
    scene scene;
    scm::provider provider = cards_of(ATR);
    provider.atr.back() = 0x77;
    provider.atr_mask = {0xFF, 0xFF, 0xFF, 0xFF, 0x00};
    provider.iid = scm_guid SCM_IID_FILE_ACCESS_INIT;
    const scm::registration registration = scm::register_file_access_provider(
        provider, [](scm::attachment_ref, void *) { return std::make_unique<some_files>(); });
    CHECK(scene.card.create_file_access().current_dir() == "root");
    CHECK(scene.card.create_interface<scm::file_access>(SCM_IID_FILE_ACCESS).current_dir() == "root");
}

} // namespace

int main()
{
    return check::run_without_service({
        TEST(files_are_those_of_the_class),
        TEST(codes_and_keys_are_those_of_the_class),
        TEST(functions_that_a_class_lacks_are_not_implemented),
        TEST(a_registration_ends_with_its_object),
        TEST(bad_registrations_are_refused),
        TEST(a_mask_leaves_bytes_out),
    });
}
