# Links a shared library from the static one that cargo builds. cargo's own shared library cannot have symbol versions:
# rustc passes a version script of its own, and linkers accept only one.

# scm_link_rust_library(TARGET NAME name ARCHIVE file EXPORTS pattern... [LIBRARIES library...])
#
# Adds the shared library TARGET with the file name NAME. It exports the symbols of the patterns, with the version of
# its soname, such as SCM_0.1, and nothing else.
function(scm_link_rust_library TARGET)
    cmake_parse_arguments(PARSE_ARGV 1 rust "" "NAME;ARCHIVE" "EXPORTS;LIBRARIES")
    set(scratch "${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${TARGET}")
    # CMake wants a source file, and ISO C wants a declaration in it.
    file(WRITE "${scratch}.c" "extern int scm_has_no_code_in_c;\n")
    add_library(${TARGET} SHARED "${scratch}.c")
    set_target_properties(${TARGET} PROPERTIES
        OUTPUT_NAME ${rust_NAME} VERSION ${PROJECT_VERSION} SOVERSION ${line}
        DEBUG_POSTFIX "" # the package and the loaders know one name
        LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")

    # It is linked again only if the list has changed.
    if(APPLE)
        list(TRANSFORM rust_EXPORTS REPLACE "(.+)" "_\\1\n")
        string(REPLACE ";" "" symbols "${rust_EXPORTS}")
        set(options "-force_load,${rust_ARCHIVE}" "-exported_symbols_list,${scratch}.symbols" -dead_strip)
    else()
        string(TOUPPER "${rust_NAME}_${line}" version)
        string(REPLACE ";" "; " patterns "${rust_EXPORTS}")
        set(symbols "${version} { global: ${patterns}; local: *; };\n")
        # dlclose must not take the code away from under a thread that is in a call.
        set(options "--whole-archive,${rust_ARCHIVE},--no-whole-archive" "--version-script=${scratch}.symbols"
            --gc-sections -z,nodelete -z,relro -z,now)
        # The runtime of a sanitizer is in the program.
        if(NOT SCM_SANITIZE)
            list(APPEND options -z,defs)
        endif()
    endif()
    file(CONFIGURE OUTPUT "${scratch}.symbols" CONTENT "${symbols}" @ONLY)
    list(TRANSFORM options PREPEND "-Wl,")
    target_link_options(${TARGET} PRIVATE ${options})
    target_link_libraries(${TARGET} PRIVATE ${rust_LIBRARIES})
    set_property(TARGET ${TARGET} PROPERTY LINK_DEPENDS "${rust_ARCHIVE}" "${scratch}.symbols")
endfunction()
