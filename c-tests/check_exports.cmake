# The exports of the library, the list in exports.txt and the declarations of the header must be the same names.
# cmake -DNM=... -DLIBRARY=... -DHEADER=... -DLIST=... -P check_exports.cmake

cmake_minimum_required(VERSION 3.18)

execute_process(COMMAND "${NM}" -D --defined-only "${LIBRARY}" OUTPUT_VARIABLE symbols RESULT_VARIABLE failure)
if(failure)
    message(FATAL_ERROR "${NM} ${LIBRARY}: ${failure}")
endif()
string(REGEX MATCHALL "[^ \n]+\n" exported "${symbols}")
string(REPLACE "\n" "" exported "${exported}")

file(STRINGS "${LIST}" listed)

# A prototype is a name and a parenthesis, outside of comments and macros.
file(READ "${HEADER}" header)
string(REGEX REPLACE "/\\*[^*]*\\*+([^/*][^*]*\\*+)*/" "" header "${header}")
string(REGEX REPLACE "(//|#)([^\n]*\\\\\n)*[^\n]*" "" header "${header}")
string(REGEX MATCHALL "[A-Za-z0-9_]+\\(" declared "${header}")
string(REPLACE "(" "" declared "${declared}")

set(differences)
foreach(pair "exported listed" "listed exported" "declared listed" "listed declared")
    string(REPLACE " " ";" pair ${pair})
    list(GET pair 0 here)
    list(GET pair 1 there)
    foreach(name IN LISTS ${here})
        if(NOT name IN_LIST ${there})
            string(APPEND differences "\n  ${name} is ${here}, but not ${there}")
        endif()
    endforeach()
endforeach()
if(NOT listed OR differences)
    message(FATAL_ERROR "${LIST}, the library and the header differ:${differences}")
endif()
