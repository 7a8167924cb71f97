#!/bin/sh
# consume.sh WAY [LAYOUT]: builds the consumer in C and C++ with the library found in one way, runs both, and checks
# their links. LAYOUT is an installation by install.sh. ../CMakeLists.txt has the environment.
set -eu
way=$1 layout=${2-}
build=$WORK/$way${layout:+.$layout}
rm -rf "$build"
mkdir -p "$build"

fail()
{
    echo "consume.sh: $*" >&2
    exit 1
}

same() # ACTUAL EXPECTED
{
    [ "$1" = "$2" ] || fail "'$1' is not '$2'"
}

if [ -n "$layout" ]; then
    pc=$(find "$WORK/$layout" -name scm.pc)
    libdir=$(dirname "$(dirname "$pc")")
    PKG_CONFIG_PATH=$libdir/pkgconfig
    LD_LIBRARY_PATH=$libdir
    export PKG_CONFIG_PATH LD_LIBRARY_PATH
fi

compile() # FLAG...
{
    $CC -std=c99 -Wall -Wextra -Wpedantic -Werror main.c "$@" -o "$build/consumer_c"
    $CXX -std=c++17 -Wall -Wextra -Wpedantic -Werror main.cpp "$@" -o "$build/consumer_cpp"
}

with_pkg_config() # PKG_CONFIG_ARGUMENT...
{
    flags=$("$FIND_LIBRARY" --cflags scm)
    libs=$("$FIND_LIBRARY" "$@" --libs scm)
    # The linker prefers the shared library; the user must ask for the archive.
    [ "$way" != pkg_config_static ] || libs=$(echo "$libs" | sed 's/-lscm/-l:libscm.a/')
    compile $flags $libs
}

with_cmake() # LIBRARY CMAKE_ARGUMENT...
{
    library=$1
    shift
    "$CMAKE" -S . -B "$build" -DLIBRARY="$library" "$@"
    "$CMAKE" --build "$build"
}

from_install() # LIBRARY
{
    # CMake finds the package by itself below a prefix that it knows.
    case $layout in
    moved) place=-DCMAKE_PREFIX_PATH=$(dirname "$libdir") ;;
    *) place=-Dscm_DIR=$libdir/cmake/scm ;;
    esac
    with_cmake "$1" -DWANTED="$VERSION" "$place"
}

from_source() # LIBRARY CMAKE_ARGUMENT...
{
    with_cmake "$@" -DSOURCE="$SOURCE" -DSCM_CARGO_TARGET_DIR="$SCM_CARGO_TARGET_DIR" \
        -DSCM_CARGO="$SCM_CARGO" -DSCM_RUSTC="$SCM_RUSTC"
}

case $way in
pkg_config)
    same "$("$FIND_LIBRARY" --modversion scm)" "$VERSION"
    # A search path and the library, nothing else.
    set -- $("$FIND_LIBRARY" --libs scm)
    same "$#" 2
    same "$(readlink -f "${1#-L}")" "$(readlink -f "$libdir")"
    same "$2" -lscm
    # It needs no other package: here pkg-config finds none.
    same "$(PKG_CONFIG_LIBDIR=$libdir/pkgconfig "$FIND_LIBRARY" --cflags scm | wc -w)" 1
    with_pkg_config
    ;;
pkg_config_static)
    case " $("$FIND_LIBRARY" --static --libs scm) " in
    *" -lscm "*"-lgcc_s "*"-lpcsclite "*) ;;
    *) fail "pkg-config --static: $("$FIND_LIBRARY" --static --libs scm)" ;;
    esac
    with_pkg_config --static
    ;;
pkg_config_archive) compile $("$FIND_LIBRARY" --cflags --libs scm-static) ;;
meson | meson_static)
    [ "$way" = meson ] && static=false || static=true
    "$MESON" setup "$build" -Dlink_static=$static
    "$MESON" compile -C "$build"
    ;;
autoconf | autoconf_archive)
    [ "$way" = autoconf ] && package=scm || package=scm-static
    cp configure.ac Makefile.in main.c main.cpp "$build"
    cd "$build"
    "$AUTORECONF" --install
    # configure names its own variable for pkg-config.
    ./configure --with-package=$package PKG_CONFIG="$FIND_LIBRARY" CFLAGS='-std=c99 -Wall -Werror' \
        CXXFLAGS='-std=c++17 -Wall -Werror'
    make
    ;;
card)
    $CC -std=c99 -Wall -Wextra -Wpedantic -Werror card.c $("$FIND_LIBRARY" --cflags --libs scm-card) -o "$build/card"
    "$build/card"
    exit
    ;;
load)
    $CC -Wall -Wextra -Werror $("$FIND_LIBRARY" --cflags scm) load.c -ldl -o "$build/load"
    "$build/load" "$libdir/$SONAME"
    exit
    ;;
find_package) from_install scm::scm ;;
find_package_static) from_install scm::scm_static ;;
subdirectory) from_source scm::scm ;;
subdirectory_static) from_source scm::scm_static ;;
fetch_content) from_source scm::scm -DFETCH=ON ;;
esac

case $way in
subdirectory* | fetch_content)
    # A part of another project installs nothing of its own.
    DESTDIR=$build/installed "$CMAKE" --install "$build"
    same "$(cd "$build/installed" && find . -type f | sed 's,.*/,,')" consumer_c
    ;;
esac

for program in "$build/consumer_c" "$build/consumer_cpp"; do
    "$program"
    needed=$("$READELF" -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
    case $way in
    *_static | *_archive)
        same "$(echo "$needed" | grep scm)" ""
        same "$(echo "$needed" | grep pcsclite)" libpcsclite.so.1
        ;;
    *)
        same "$(echo "$needed" | grep scm)" "$SONAME"
        same "$(echo "$needed" | grep pcsclite)" ""
        ;;
    esac
done
