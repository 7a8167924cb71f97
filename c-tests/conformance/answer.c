#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *answer_name(scm_result result)
{
    return scm_result_name(result) + strlen("SCM_");
}

void answer_begin(struct answer *answer, scm_result result)
{
    answer->result = result;
    answer->length = 0;
    answer_add(answer, "%s", answer_name(result));
}

void answer_add(struct answer *answer, const char *format, ...)
{
    size_t room = sizeof answer->text - answer->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(answer->text + answer->length, room, format, arguments);
    va_end(arguments);
    answer->length += (size_t)length < room ? (size_t)length : room - 1;
}

void answer_add_bytes(struct answer *answer, const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;
    answer_add(answer, " [%zu", length);
    for (size_t i = 0; i < length; i++) {
        if (i < 8)
            answer_add(answer, "%s%02X", i == 0 ? ": " : "", bytes[i]);
        sum = sum * 31 + bytes[i];
    }
    answer_add(answer, length > 8 ? ".. %08X]" : "]", (unsigned)sum);
}
