#!/bin/sh
# find.sh LAYOUT: which requests find_package(scm) grants, with an installation by install.sh. ../CMakeLists.txt has the
# environment.
set -eu
layout=$1
package=$(dirname "$(find "$WORK/$layout" -name scmConfig.cmake)")
build=$WORK/find.$layout
rm -rf "$build"
mkdir -p "$build/source"

# expect RESULT ARGUMENT...: RESULT is the targets that find_package(scm ARGUMENT...) gives, or a part of its message.
# Targets are a success, and a message is a failure.
expect()
{
    expected=$1
    shift
    cat >"$build/source/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.18)
project(find LANGUAGES C)
find_package(scm $*)
if(NOT scm_FOUND)
    message(FATAL_ERROR "not found")
endif()
foreach(name scm scm_static card)
    if(TARGET scm::\${name})
        string(APPEND targets " \${name}")
    endif()
endforeach()
message(STATUS "targets:\${targets}.")
END
    rm -rf "$build/build"
    result=message
    if "$CMAKE" -S "$build/source" -B "$build/build" -Dscm_DIR="$package" >"$build/said" 2>&1; then
        result=targets
    fi
    case $expected in
    targets:*) wanted=targets ;;
    *) wanted=message ;;
    esac
    if [ $result != $wanted ] || ! tr -s '\n ' '  ' <"$build/said" | grep -qF -- "$expected"; then
        cat "$build/said" >&2
        echo "find.sh: find_package(scm $*) gives a $result, and not '$expected'" >&2
        exit 1
    fi
}

expect "requested version \"9\"" 9 REQUIRED
expect "requested version \"0.0.1\"" 0.0.1 REQUIRED
expect "targets: scm" "$VERSION" REQUIRED
expect "not unknown" REQUIRED COMPONENTS unknown
expect "targets: scm" REQUIRED OPTIONAL_COMPONENTS unknown
case $layout in
moved)
    expect "targets: scm." REQUIRED
    expect "targets: scm scm_static." REQUIRED COMPONENTS static
    expect "targets: scm card." REQUIRED COMPONENTS card
    expect "targets: scm scm_static card." REQUIRED COMPONENTS shared static OPTIONAL_COMPONENTS card
    # A distribution may leave the archive out.
    mkdir "$build/without"
    cp -R "$(dirname "$(dirname "$(dirname "$package")")")/." "$build/without"
    package=$build/without/lib/cmake/scm
    rm "$build/without/lib/libscm.a"
    expect "the static library is not installed" REQUIRED COMPONENTS static
    expect "targets: scm." REQUIRED OPTIONAL_COMPONENTS static
    expect "targets: scm card." REQUIRED COMPONENTS card OPTIONAL_COMPONENTS static
    ;;
shared)
    expect "the static library is not installed" REQUIRED COMPONENTS static
    expect "not found" COMPONENTS static
    expect "libscm_card is not installed" REQUIRED COMPONENTS card
    expect "targets: scm." REQUIRED OPTIONAL_COMPONENTS static card
    ;;
static)
    expect "targets: scm scm_static." REQUIRED
    expect "targets: scm scm_static." REQUIRED COMPONENTS static
    expect "the shared library is not installed" REQUIRED COMPONENTS shared
    # Without the development files of PC/SC there is nothing to link.
    PKG_CONFIG_LIBDIR=$build PKG_CONFIG_PATH='' expect "which pkg-config does not find" REQUIRED
    ;;
esac
