# The installation. A component is a package of a distribution: runtime, development, documentation, card, tools.

set(readable OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/scm")

# --- The files that name places. The prefix may be moved, so that they name them relative to their own place. A
# directory outside of the prefix stays absolute.

set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
foreach(dir libdir includedir)
    string(TOUPPER ${dir} DIR)
    set(pc_${dir} "${CMAKE_INSTALL_FULL_${DIR}}")
    string(FIND "${pc_${dir}}/" "${CMAKE_INSTALL_PREFIX}/" at)
    if(at EQUAL 0)
        file(RELATIVE_PATH below "${CMAKE_INSTALL_PREFIX}" "${pc_${dir}}")
        set(pc_${dir} "\${prefix}/${below}")
        if(dir STREQUAL libdir)
            file(RELATIVE_PATH up "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
            string(REGEX REPLACE "/$" "" up "${up}")
            set(pc_prefix "\${pcfiledir}/${up}")
        endif()
    endif()
endforeach()

# A shared link needs nothing else. pkg-config --static only adds the libraries below the archive, and leaves the choice
# of the archive to the linker, which prefers the shared library. So the archive has a package that names it.
set(pc_libs -lscm)
set(pc_needs "${native} ${pcsc_flags}")
set(pc_libs_private "${pc_needs}")
if(NOT SCM_SHARED)
    set(pc_libs "-lscm ${pc_needs}")
    set(pc_libs_private "")
endif()
set(pc_archive "-Wl,--push-state,-Bstatic -lscm -Wl,--pop-state")
if(APPLE)
    set(pc_archive "\${libdir}/libscm.a")
endif()
configure_file(cmake/scm.pc.in scm.pc @ONLY)
configure_file(cmake/scm-static.pc.in scm-static.pc @ONLY)
configure_package_config_file(cmake/scmConfig.cmake.in scmConfig.cmake
    INSTALL_DESTINATION "${package_dir}" PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(scmConfigVersion.cmake COMPATIBILITY ${compatibility})

# --- The library

if(SCM_SHARED)
    install(TARGETS scm_shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" PERMISSIONS ${readable}
        COMPONENT runtime NAMELINK_COMPONENT development)
endif()
if(SCM_STATIC)
    install(FILES "${artefacts}/libscm.a" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
    install(FILES "${PROJECT_BINARY_DIR}/scm-static.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
        COMPONENT development)
    # CMake strips only what it has linked. --strip-all would take away the names that a program links.
    install(CODE "
        if(CMAKE_INSTALL_DO_STRIP)
            get_filename_component(libdir \"${CMAKE_INSTALL_LIBDIR}\" ABSOLUTE BASE_DIR \"\${CMAKE_INSTALL_PREFIX}\")
            execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-debug \"\$ENV{DESTDIR}\${libdir}/libscm.a\"
                RESULT_VARIABLE failure)
            if(failure)
                message(FATAL_ERROR \"${CMAKE_STRIP} --strip-debug: \${failure}\")
            endif()
        endif()" COMPONENT development)
endif()
install(FILES include/scm.h include/scm.hpp include/scm_virtual.h include/scm_provider.h
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
install(FILES "${PROJECT_BINARY_DIR}/scm.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
install(FILES "${PROJECT_BINARY_DIR}/scmConfig.cmake" "${PROJECT_BINARY_DIR}/scmConfigVersion.cmake"
    DESTINATION "${package_dir}" COMPONENT development)

# --- The test card. Its package needs that of the library, whose headers it includes.

set(licensed runtime development)
if(SCM_CARD)
    list(APPEND licensed card tools)
    configure_file(cmake/scm-card.pc.in scm-card.pc @ONLY)
    install(TARGETS scm_card_shared LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" PERMISSIONS ${readable}
        COMPONENT card)
    install(FILES crates/card/include/scm_card.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT card)
    install(FILES "${PROJECT_BINARY_DIR}/scm-card.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT card)
    install(PROGRAMS "${artefacts}/scm-card" DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tools)
    # A test of the program compares these with its arguments.
    set(share crates/card/share)
    set(data "${CMAKE_INSTALL_DATADIR}")
    install(FILES ${share}/scm-card.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT tools)
    install(FILES ${share}/scm-card.bash DESTINATION "${data}/bash-completion/completions" RENAME scm-card
        COMPONENT tools)
    install(FILES ${share}/_scm-card DESTINATION "${data}/zsh/site-functions" COMPONENT tools)
    install(FILES ${share}/scm-card.fish DESTINATION "${data}/fish/vendor_completions.d" COMPONENT tools)
endif()

# --- Texts. Each package has the licences, and those of the crates that are linked in (scripts/notices.py).

foreach(component IN LISTS licensed)
    install(FILES LICENSE-MIT LICENSE-APACHE packaging/NOTICES.txt DESTINATION "${CMAKE_INSTALL_DOCDIR}"
        COMPONENT ${component})
endforeach()
file(GLOB guides CONFIGURE_DEPENDS docs/*.md)
list(FILTER guides EXCLUDE REGEX "/(decisions|naming)\\.md$") # of the project itself
install(FILES README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT documentation)
install(FILES ${guides} DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs" COMPONENT documentation)
install(DIRECTORY docs/pictures DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs" COMPONENT documentation)
install(DIRECTORY examples DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT documentation
    PATTERN __pycache__ EXCLUDE)
