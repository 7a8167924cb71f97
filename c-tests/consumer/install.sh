#!/bin/sh
# install.sh LAYOUT: installs the library in one of these layouts, and checks the files.
#     packaged  as a distribution does: into DESTDIR, in a nested library directory
#     moved     into a prefix that is moved afterwards
#     apart     with library and header in separate directories outside the prefix
# ../CMakeLists.txt has the environment.
set -eu
layout=$1
root=$WORK/$layout
rm -rf "$root" "$root.build"
mkdir -p "$root"
unset DESTDIR

install() # CMAKE_ARGUMENT...
{
    "$CMAKE" -S "$SOURCE" -B "$root.build" -DSCM_BUILD_TESTS=OFF -DSCM_CARGO_TARGET_DIR="$SCM_CARGO_TARGET_DIR" \
        -DSCM_CARGO="$SCM_CARGO" -DSCM_RUSTC="$SCM_RUSTC" "$@"
    "$CMAKE" --build "$root.build"
    "$CMAKE" --install "$root.build"
}

lib=lib64/nested include=include
case $layout in
packaged)
    DESTDIR=$root
    export DESTDIR
    install -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=$lib
    root=$root/usr
    ;;
moved)
    lib=lib
    install -DCMAKE_INSTALL_PREFIX="$root/before" -DCMAKE_INSTALL_LIBDIR=$lib
    mv "$root/before" "$root/after"
    root=$root/after
    ;;
apart)
    lib=libraries include=headers
    install -DCMAKE_INSTALL_PREFIX="$root/prefix" -DCMAKE_INSTALL_LIBDIR="$root/$lib" \
        -DCMAKE_INSTALL_INCLUDEDIR="$root/$include"
    ;;
esac

fail()
{
    echo "install.sh: $*" >&2
    exit 1
}

cd "$root"
found=$(find . ! -type d | LC_ALL=C sort)
expected=$(LC_ALL=C sort <<END
./$include/scm.h
./$include/scm.hpp
./$include/scm_provider.h
./$include/scm_virtual.h
./$lib/cmake/scm/scmConfig.cmake
./$lib/cmake/scm/scmConfigVersion.cmake
./$lib/libscm.a
./$lib/libscm.so
./$lib/$SONAME
./$lib/libscm.so.$VERSION
./$lib/pkgconfig/scm.pc
END
)
[ "$found" = "$expected" ] || fail "installed is: $found"
[ "$(readlink "$lib/libscm.so")" = "$SONAME" ] || fail "libscm.so is no link to $SONAME"
[ "$(readlink "$lib/$SONAME")" = "libscm.so.$VERSION" ] || fail "$SONAME is no link to libscm.so.$VERSION"
if [ "$layout" = moved ] && grep -r --include=*.pc before .; then
    fail "it names the prefix that it was moved from"
fi
