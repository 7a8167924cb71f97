#include "exchange.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bed.h"

#define MOST 65536

enum fate { NOT_SENT, FAILED, ANSWERED, SEEN };

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static unsigned last;
static unsigned first[READERS]; /* the commands that the card in the reader can know */
static unsigned char fates[MOST], readers[MOST];

static unsigned next(int reader)
{
    pthread_mutex_lock(&counting);
    unsigned number = ++last % MOST;
    fates[number] = FAILED;
    readers[number] = (unsigned char)reader;
    pthread_mutex_unlock(&counting);
    return number;
}

scm_result exchange(scm_handle *handle, int reader, bool *is_echo)
{
    unsigned number = next(reader);
    uint8_t command[] = {0x80, 0xEC, 0x00, 0x00, 0x02, (uint8_t)(number >> 8), (uint8_t)number};
    uint8_t expected[] = {(uint8_t)(number >> 8), (uint8_t)number, 0x90, 0x00}, response[16];
    size_t length = 0;
    scm_result result = scm_transmit(handle, command, sizeof command, response, sizeof response, &length);
    *is_echo = length == sizeof expected && memcmp(response, expected, length) == 0;
    if (result == SCM_S_OK)
        fates[number] = ANSWERED;
    return result;
}

scm_result exchange_as_command(scm_handle *handle, int reader, bool *is_echo)
{
    unsigned number = next(reader);
    uint8_t data[] = {(uint8_t)(number >> 8), (uint8_t)number}, response[16];
    size_t length = 0;
    uint16_t status_word;
    scm_command echo = SCM_COMMAND_INIT;
    echo.cla = 0x80;
    echo.ins = 0xEC;
    echo.data = data;
    echo.data_length = sizeof data;
    echo.expected = sizeof data;
    scm_result result = scm_send(handle, &echo, response, sizeof response, &length, &status_word);
    *is_echo = length == sizeof data && memcmp(response, data, length) == 0;
    if (result == SCM_S_OK)
        fates[number] = ANSWERED;
    return result;
}

void exchange_forget(int reader)
{
    first[reader] = last + 1;
}

static const char *check_log(int reader, const char *log)
{
    static _Thread_local char wrong[64];
    unsigned number;
    for (const char *word = log; *word != '\0'; word += strcspn(word, " "), word += *word == ' ') {
        if (sscanf(word, "80EC000002%4x", &number) != 1)
            continue;
        snprintf(wrong, sizeof wrong, "command %u was sent twice", number);
        if (fates[number] == SEEN || readers[number] != reader)
            return wrong;
        fates[number] |= SEEN;
    }
    for (unsigned i = first[reader]; i <= last; i++) {
        snprintf(wrong, sizeof wrong, "command %u was answered and not sent", i);
        if (readers[i % MOST] == reader && fates[i % MOST] == ANSWERED)
            return wrong;
    }
    return NULL;
}

const char *exchange_check(int reader)
{
    const char *wrong = check_log(reader, bed("card %d log", reader));
    bed("card %d clear", reader);
    exchange_forget(reader);
    return wrong;
}
