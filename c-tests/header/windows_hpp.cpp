/* The header compiles after the macros of <windows.h>: no name in it is one of these. */
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#if __has_include(<span>)
#include <span>
#endif
#include <cxxabi.h>

#include "windows_macros.h"

#include "scm.hpp"
