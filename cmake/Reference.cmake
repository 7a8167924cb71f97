# The reference: manual pages and HTML, from the comments of the headers and the guides. The target `docs` makes it.

option(SCM_DOCS "Build the reference with everything else, and install it" OFF)
find_package(Python3 3.9 COMPONENTS Interpreter)
find_program(SCM_DOXYGEN doxygen)
find_program(SCM_DOT dot)
set(reference "${PROJECT_BINARY_DIR}/reference")
set(has_reference OFF)
if(Python3_FOUND AND SCM_DOXYGEN AND SCM_DOT)
    set(has_reference ON)
elseif(SCM_DOCS)
    message(FATAL_ERROR "SCM_DOCS needs doxygen, dot of Graphviz, and Python 3.9 or newer")
endif()

if(has_reference AND (top_level OR SCM_DOCS))
    file(GLOB reference_sources CONFIGURE_DEPENDS include/*.h include/*.hpp crates/card/include/*.h docs/*.md
        docs/pictures/* docs/reference/* examples/*.*)
    add_custom_command(OUTPUT "${reference}/html/index.html" "${reference}/man/man7/scm.7"
        COMMAND "${PROJECT_SOURCE_DIR}/docs/reference/build.sh" "${reference}"
        DEPENDS ${reference_sources} crates/card/README.md CHANGELOG.md Cargo.toml
        WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" COMMENT "The reference: ${reference}" VERBATIM)
    set(all)
    if(SCM_DOCS)
        set(all ALL)
    endif()
    add_custom_target(docs ${all} DEPENDS "${reference}/html/index.html" "${reference}/man/man7/scm.7")
endif()
if(SCM_DOCS AND SCM_INSTALL)
    install(DIRECTORY "${reference}/man/" DESTINATION "${CMAKE_INSTALL_MANDIR}" COMPONENT documentation)
    install(DIRECTORY "${reference}/html" DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT documentation)
endif()
