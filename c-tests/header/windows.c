/* The headers compile behind the macros of <windows.h>: no parameter, field or type has one of these names. */
#include <stddef.h>
#include <stdint.h>

#include "windows_macros.h"

#include "scm_provider.h"
#include "scm_virtual.h"

#include "scm_card.h"
