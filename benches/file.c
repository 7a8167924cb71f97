/* The cost of reading a file of 32 KiB with short and with extended lengths: exchanges with the card, and time.
 *
 *   file DIRECTORY CAT [opensc-explorer]
 *
 * It runs in a stack (crates/stack) with one reader. DIRECTORY is for its files, CAT is the program of examples/cat.c.
 * Inside the process it compares scm_file_read with the same commands by SCardTransmit; as programs it compares cat
 * with opensc-explorer, which uses no extended lengths for this card. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <winscard.h>

#include "measure.h"
#include "scm.h"
#include "stack.h"

/* One byte less than 32 KiB: OpenSC 0.23 takes the size 8000 for a negative number and reads nothing. */
enum { SIZE = 32767, ROUNDS = 25 };

#define FILE_ID "4410"

static char reader[MAX_READERNAME];
static const char *cat, *explorer;
static const char *directory;
static char script[512], copy[512];

/* --- In the process */

static scm_handle *handle;
static scm_file_access *files;
static uint8_t data[SIZE + 2];

static void read_with_libscm(size_t chunk)
{
    scm_file *file;
    size_t length;
    (void)chunk;
    expect(scm_lock(handle) == SCM_S_OK, "no lock");
    expect(scm_file_access_open(files, SCM_TYPE_BY_ID, "3F00/" FILE_ID, &file) == SCM_S_OK, "no file");
    expect(scm_file_read(file, data, SIZE, &length, 0) == SCM_S_OK && length == SIZE, "not read");
    scm_file_close(file);
    expect(scm_unlock(handle, SCM_DISPOSITION_LEAVE) == SCM_S_OK, "no unlock");
}

static SCARDCONTEXT context;
static SCARDHANDLE card;

static void exchange(const uint8_t *command, size_t length, uint8_t *response, size_t expected)
{
    DWORD received = SIZE + 2;
    expect(SCardTransmit(card, SCARD_PCI_T1, command, length, NULL, response, &received) == SCARD_S_SUCCESS,
           "no answer");
    expect(received >= 2 && (expected == 0 || received == expected + 2) && response[received - 2] == 0x90,
           "another answer");
}

static void read_directly(size_t chunk)
{
    static uint8_t answer[SIZE + 2];
    expect(SCardBeginTransaction(card) == SCARD_S_SUCCESS, "no transaction");
    exchange((const uint8_t[]){0x00, 0xA4, 0x08, 0x04, 0x02, 0x44, 0x10, 0x00}, 8, answer, 0);
    for (size_t offset = 0; offset < SIZE; offset += chunk) {
        const size_t length = SIZE - offset < chunk ? SIZE - offset : chunk;
        const uint8_t high = (uint8_t)(offset >> 8), low = (uint8_t)offset;
        const uint8_t short_read[] = {0x00, 0xB0, high, low, (uint8_t)length};
        const uint8_t extended_read[] = {0x00, 0xB0, high, low, 0x00, (uint8_t)(length >> 8), (uint8_t)length};
        if (length > 256)
            exchange(extended_read, sizeof extended_read, answer, length);
        else
            exchange(short_read, sizeof short_read, answer, length);
        memcpy(data + offset, answer, length);
    }
    expect(SCardEndTransaction(card, SCARD_LEAVE_CARD) == SCARD_S_SUCCESS, "no end");
}

/* --- As programs */

static void run(char *const *arguments)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_WRONLY);
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        execvp(arguments[0], arguments);
        _exit(127);
    }
    expect(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
           "a program that failed");
}

static void run_cat(size_t chunk)
{
    (void)chunk;
    run((char *[]){(char *)cat, reader, "3F00/" FILE_ID, NULL});
}

static void run_explorer(size_t chunk)
{
    (void)chunk;
    run((char *[]){(char *)explorer, "--reader", "0", "--card-driver", "default", script, NULL});
}

/* --- Both, alternating */

static int exchanges(void (*side)(size_t), size_t chunk)
{
    stack("card 0 clear");
    side(chunk);
    return stack_count(0);
}

/* The exchanges beyond the minimum must be `more`. */
static void compare(const char *what, size_t chunk, const char *other_name, void (*other)(size_t), const char *our_name,
                    void (*ours)(size_t), int more)
{
    double times[2][ROUNDS];
    int theirs = exchanges(other, chunk), own = exchanges(ours, chunk), least = 1 + (int)((SIZE + chunk - 1) / chunk);
    for (int round = 0; round < ROUNDS; round++) {
        for (int turn = 0; turn < 2; turn++) {
            int side = (round + turn) % 2;
            double start = now_ms();
            (side == 0 ? other : ours)(chunk);
            times[side][round] = now_ms() - start;
        }
    }
    double their_time = median(times[0], ROUNDS), our_time = median(times[1], ROUNDS);
    printf("%-10s%6d%18s%6d%10.2f ms%14s%6d%10.2f ms%8.3f\n", what, least, other_name, theirs, their_time, our_name,
           own, our_time, our_time / their_time);
    expect(own == least + more, "more exchanges than it takes");
}

static void write_the_file(void)
{
    static uint8_t content[SIZE];
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 7 + i / 256);
    expect(scm_file_access_create(files, SCM_TYPE_BY_ID, "3F00/" FILE_ID, NULL, 0, 0, content, SIZE) == SCM_S_OK,
           "no new file");
    read_with_libscm(0);
    expect(memcmp(data, content, SIZE) == 0, "another content");
}

/* A card with or without extended lengths. */
static void with_card(const char *what, const char *description, size_t chunk)
{
    DWORD protocol;
    stack("insert 0 %s", description);
    expect(scm_attach_by_ifd(reader, &handle) == SCM_S_OK, "no attachment");
    expect(scm_create_file_access(handle, &files) == SCM_S_OK, "no access to files");
    expect(SCardConnect(context, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &card, &protocol) == SCARD_S_SUCCESS,
           "no connection");
    write_the_file();
    compare(what, chunk, "SCardTransmit", read_directly, "scm_file_read", read_with_libscm, 0);
    if (explorer != NULL)
        /* A read to the end checks for further bytes, and scm_file_get_size checks the stated size. */
        compare(what, chunk, "opensc-explorer", run_explorer, "cat", run_cat, 2);
    SCardDisconnect(card, SCARD_LEAVE_CARD);
    scm_detach(handle);
    stack("remove 0");
}

static void place(char path[512], const char *name)
{
    int length = snprintf(path, 512, "%s/%s", directory, name);
    expect(length > 0 && length < 512, "no place for files");
}

static void write_text(const char *path, const char *format, const char *argument)
{
    FILE *file = fopen(path, "w");
    expect(file != NULL && fprintf(file, format, argument) > 0 && fclose(file) == 0, "a file that cannot be written");
}

int main(int argc, char **argv)
{
    char with_short[512], with_extended[512];
    expect(argc >= 3, "usage: file DIRECTORY CAT [opensc-explorer]");
    directory = argv[1];
    cat = argv[2];
    explorer = argc > 3 ? argv[3] : NULL;
    snprintf(reader, sizeof reader, "%s", stack_ifd(0));
    expect(SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) == SCARD_S_SUCCESS, "no context");
    place(script, "script");
    place(copy, "copy");
    write_text(script, "get " FILE_ID " %s\n", copy);
    /* 73: card capabilities. The third byte announces chaining, and extended lengths or not. TCK is last. */
    place(with_short, "short.toml");
    write_text(with_short, "atr = \"3B85018073F741%s\"\n", "8041");
    place(with_extended, "extended.toml");
    write_text(with_extended, "atr = \"3B85018073F741%s\"\n", "C001");
    printf("%-10s%6s%18s%6s%13s%14s%6s%13s%8s\n", "32 KiB", "least", "", "APDUs", "time", "", "APDUs", "time", "ratio");
    with_card("short", with_short, 256);
    with_card("extended", with_extended, SIZE);
    return 0;
}
