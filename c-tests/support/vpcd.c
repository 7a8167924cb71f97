/* The reader's side of vpcd's protocol: a message is its length in two bytes, big-endian, and its bytes. A message of one
 * byte to the card is about its power, or asks for the ATR; every other one is a command APDU. */
#include "vpcd.h"
#include "scm_virtual.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONGEST 65535
#define GIVE_ATR 4

struct plug {
    FILE *program; /* its standard input, with which it ends */
    int connection;
    uint8_t atr[SCM_ATR_MAX];
};

static bool put(int connection, const uint8_t *message, size_t length)
{
    /* In one piece: TCP would keep the second one back until the first is acknowledged. */
    uint8_t bytes[2 + LONGEST] = {(uint8_t)(length >> 8), (uint8_t)length};
    if (length > LONGEST)
        return false;
    memcpy(bytes + 2, message, length);
    return send(connection, bytes, 2 + length, MSG_NOSIGNAL) == (ssize_t)(2 + length);
}

static bool get(int connection, uint8_t *message, size_t capacity, size_t *length)
{
    uint8_t header[2];
    if (recv(connection, header, 2, MSG_WAITALL) != 2)
        return false;
    *length = (size_t)header[0] << 8 | header[1];
    return *length <= capacity && recv(connection, message, *length, MSG_WAITALL) == (ssize_t)*length;
}

static scm_result transmit(void *user, const uint8_t *command, size_t command_length, uint8_t *response, size_t capacity,
                           size_t *response_length)
{
    struct plug *plug = user;
    bool answered = put(plug->connection, command, command_length) &&
                    get(plug->connection, response, capacity, response_length);
    return answered ? SCM_S_OK : SCM_SCARD_F_COMM_ERROR;
}

/* To vpcd off is 0, on 1 and reset 2, which is what SCM_POWER_* are. Nothing is answered. */
static scm_result power(void *user, uint32_t event)
{
    struct plug *plug = user;
    uint8_t control = (uint8_t)event;
    return put(plug->connection, &control, 1) ? SCM_S_OK : SCM_SCARD_F_COMM_ERROR;
}

static void release(void *user)
{
    struct plug *plug = user;
    close(plug->connection);
    pclose(plug->program);
    free(plug);
}

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        close(listener);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return listener;
}

static int accept_program(int listener)
{
    int connection = accept(listener, NULL, NULL), on = 1;
    if (connection >= 0)
        setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return connection;
}

const char *vpcd_start(const char *program, scm_virtual_card *card)
{
    char command[4096];
    uint16_t port;
    int listener = listen_somewhere(&port);
    struct plug *plug = calloc(1, sizeof *plug);
    if (listener < 0 || plug == NULL)
        return "there is no port for the card";
    snprintf(command, sizeof command, "exec '%s' --port %u", program, (unsigned)port);
    plug->program = popen(command, "w");
    plug->connection = plug->program == NULL ? -1 : accept_program(listener);
    close(listener);

    *card = (scm_virtual_card)SCM_VIRTUAL_CARD_INIT;
    card->atr = plug->atr;
    card->user_data = plug;
    card->transmit = transmit;
    card->power = power;
    card->release = release;
    if (!put(plug->connection, &(uint8_t){GIVE_ATR}, 1) ||
        !get(plug->connection, plug->atr, sizeof plug->atr, &card->atr_length))
        return "the card program does not answer";
    return NULL;
}
