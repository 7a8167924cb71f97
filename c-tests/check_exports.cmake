# The exports of a library, a list of names and the declarations of its headers must be the same names, and each export
# must have the version.
# cmake -DNM=... -DLIBRARY=... -DVERSION=SCM_... -DHEADERS=... -DLIST=... -P check_exports.cmake

cmake_minimum_required(VERSION 3.18)

execute_process(COMMAND "${NM}" -D --defined-only "${LIBRARY}" OUTPUT_VARIABLE symbols RESULT_VARIABLE failure)
if(failure)
    message(FATAL_ERROR "${NM} ${LIBRARY}: ${failure}")
endif()
string(REGEX MATCHALL "[^ \n]+\n" exported "${symbols}")
string(REPLACE "\n" "" exported "${exported}")
if(VERSION)
    # The version itself is a symbol too.
    list(REMOVE_ITEM exported "${VERSION}")
    set(unversioned "${exported}")
    list(FILTER unversioned EXCLUDE REGEX "@@${VERSION}$")
    if(unversioned)
        message(FATAL_ERROR "${LIBRARY} exports names without the version ${VERSION}: ${unversioned}")
    endif()
    list(TRANSFORM exported REPLACE "@.*" "")
endif()

file(STRINGS "${LIST}" listed)

# A prototype is a name and a parenthesis, data are a name and a semicolon, outside of comments and macros.
set(declared)
foreach(header IN LISTS HEADERS)
    file(READ "${header}" header)
    string(REGEX REPLACE "/\\*[^*]*\\*+([^/*][^*]*\\*+)*/" "" header "${header}")
    string(REGEX REPLACE "(//|#)([^\n]*\\\\\n)*[^\n]*" "" header "${header}")
    string(REGEX MATCHALL "[A-Za-z0-9_]+\\(" functions "${header}")
    string(REGEX MATCHALL "SCM_API extern const scm_guid [A-Z_]+" data "${header}")
    string(REPLACE "(" "" functions "${functions}")
    string(REPLACE "SCM_API extern const scm_guid " "" data "${data}")
    list(APPEND declared ${functions} ${data})
endforeach()

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
    message(FATAL_ERROR "${LIST}, the library and the headers differ:${differences}")
endif()
