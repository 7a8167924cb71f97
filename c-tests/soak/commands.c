#include "commands.h"

#include <stdlib.h>
#include <string.h>

#include "bed.h"
#include "stack.h"

/* "80EC000008", then process, thread, two zero bytes, and the number. */
enum { HEADER = 10, DIGITS = HEADER + 16 };

/* A table of numbers with open addressing; 0 is an empty place. */
static uint64_t *places;
static size_t capacity, count;
static unsigned long long noted[SOAK_READERS];

static bool put(uint64_t number)
{
    /* The upper half of the product depends on all bits of the number. */
    size_t place = (size_t)((number * 0x9E3779B97F4A7C15u) >> 32) & (capacity - 1);
    while (places[place] != 0 && places[place] != number)
        place = (place + 1) & (capacity - 1);
    if (places[place] == number)
        return false;
    places[place] = number;
    count++;
    return true;
}

static void grow(void)
{
    uint64_t *old = places;
    size_t before = capacity;
    capacity = before ? 2 * before : 1 << 16;
    places = calloc(capacity, sizeof *places);
    if (places == NULL)
        abort();
    count = 0;
    for (size_t i = 0; i < before; i++)
        if (old[i] != 0)
            put(old[i]);
    free(old);
}

static void note(struct soak *soak, int reader, const char *command)
{
    char digits[17] = "";
    if (strncmp(command, "80EC000008", HEADER) != 0 || strlen(command) < DIGITS)
        return;
    memcpy(digits, command + HEADER, 16);
    if (2 * count >= capacity)
        grow();
    if (!put(strtoull(digits, NULL, 16) + 1))
        soak_fail(soak, "the card in reader %d has received %s twice", reader, digits);
    noted[reader]++;
}

/* Stores some commands. True if there may be more. */
static bool take(struct soak *soak, int reader)
{
    const char *log = bed_is_virtual() ? bed("card %d take", reader) : stack_try("card %d take", reader);
    if (log == NULL || *log == '\0')
        return false; /* no card is inserted, or it got no command */
    char *copy = strdup(log), *rest = NULL;
    if (copy == NULL)
        abort();
    for (char *command = strtok_r(copy, " ", &rest); command != NULL; command = strtok_r(NULL, " ", &rest))
        note(soak, reader, command);
    free(copy);
    return true;
}

void commands_collect(struct soak *soak, int reader)
{
    while (take(soak, reader))
        ;
}

unsigned long long commands_of(int reader)
{
    return noted[reader];
}

void commands_forget(void)
{
    free(places);
    places = NULL;
    capacity = count = 0;
}
