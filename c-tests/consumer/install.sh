#!/bin/sh
# install.sh LAYOUT: installs the library in one of these layouts, and checks the files.
#     packaged  as a distribution does: into DESTDIR, in a nested library directory
#     moved     into a prefix that is moved afterwards
#     shared    without the static library, static without the shared one
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
shared | static)
    lib=lib
    [ "$layout" = shared ] && other=STATIC || other=SHARED
    install -DCMAKE_INSTALL_PREFIX="$root" -DCMAKE_INSTALL_LIBDIR=$lib -DSCM_CARD=OFF -DSCM_$other=OFF
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

# The components, as the packages of a distribution take them.
case $layout in
packaged)
    for component in runtime development documentation card tools; do
        into=$WORK/packaged.$component
        rm -rf "$into"
        DESTDIR=$into "$CMAKE" --install "$WORK/packaged.build" --component "$component" --strip
    done
    same_files() # COMPONENT FILE...
    {
        found=$(cd "$WORK/packaged.$1" && find . ! -type d ! -path '*/share/doc/*' | sed 's,^\./usr/,,' | LC_ALL=C sort)
        shift
        expected=$(printf '%s\n' "$@" | LC_ALL=C sort)
        [ "$found" = "$expected" ] || fail "a component is: $found"
    }
    same_files runtime "$lib/$SONAME" "$lib/libscm.so.$VERSION"
    same_files development include/scm.h include/scm.hpp include/scm_provider.h include/scm_virtual.h \
        "$lib/libscm.a" "$lib/libscm.so" "$lib/pkgconfig/scm.pc" "$lib/pkgconfig/scm-static.pc" \
        "$lib/cmake/scm/scmConfig.cmake" "$lib/cmake/scm/scmConfigVersion.cmake"
    same_files documentation ""
    same_files card include/scm_card.h "$lib/libscm_card.so" "$lib/libscm_card.so.$LINE" \
        "$lib/libscm_card.so.$VERSION" "$lib/pkgconfig/scm-card.pc"
    same_files tools bin/scm-card share/bash-completion/completions/scm-card \
        share/fish/vendor_completions.d/scm-card.fish share/man/man1/scm-card.1 share/zsh/site-functions/_scm-card
    for component in runtime development card tools; do
        for text in LICENSE-MIT LICENSE-APACHE NOTICES.txt; do
            [ -s "$WORK/packaged.$component/usr/share/doc/scm/$text" ] || fail "$component has no $text"
        done
    done
    [ -z "$(cd "$WORK/packaged.documentation/usr/share/doc/scm" && find . -perm /111 ! -type d)" ] ||
        fail "a text can be executed"
    # Stripped: of the sections, none is for a debugger, and the archive keeps its names.
    for file in "packaged.runtime/usr/$lib/libscm.so.$VERSION" "packaged.card/usr/$lib/libscm_card.so.$VERSION" \
        "packaged.development/usr/$lib/libscm.a"; do
        [ "$(stat -c %a "$WORK/$file")" = 644 ] || fail "the mode of $file is $(stat -c %a "$WORK/$file")"
        "$READELF" -SW "$WORK/$file" 2>/dev/null | grep -q '\.debug_info' && fail "$file is not stripped"
    done
    "$READELF" -sW "$WORK/packaged.development/usr/$lib/libscm.a" 2>/dev/null | grep -q ' GLOBAL .* scm_version$' ||
        fail "the stripped archive lacks scm_version"
    for component in runtime development documentation card tools; do
        rm -rf "$WORK/packaged.$component"
    done
    ;;
esac

cd "$root"
found=$(find . ! -type d ! -path '*/share/doc/*' | LC_ALL=C sort)
expected=$(LC_ALL=C sort <<END
./bin/scm-card
./$include/scm.h
./$include/scm.hpp
./$include/scm_card.h
./$include/scm_provider.h
./$include/scm_virtual.h
./$lib/cmake/scm/scmConfig.cmake
./$lib/cmake/scm/scmConfigVersion.cmake
./$lib/libscm.a
./$lib/libscm.so
./$lib/$SONAME
./$lib/libscm.so.$VERSION
./$lib/libscm_card.so
./$lib/libscm_card.so.$LINE
./$lib/libscm_card.so.$VERSION
./$lib/pkgconfig/scm.pc
./$lib/pkgconfig/scm-card.pc
./$lib/pkgconfig/scm-static.pc
./share/bash-completion/completions/scm-card
./share/fish/vendor_completions.d/scm-card.fish
./share/man/man1/scm-card.1
./share/zsh/site-functions/_scm-card
END
)
[ "$layout" = apart ] && expected=$(echo "$expected" | sed -E 's,^\./(bin|share)/,./prefix/\1/,' | LC_ALL=C sort)
case $layout in
shared) expected=$(echo "$expected" | grep -v 'card\|libscm\.a\|scm-static\.pc') ;;
static) expected=$(echo "$expected" | grep -v 'card\|libscm\.so') ;;
esac
[ "$found" = "$expected" ] || fail "installed is: $found"
[ "$layout" != static ] || exit 0
[ "$(readlink "$lib/libscm.so")" = "$SONAME" ] || fail "libscm.so is no link to $SONAME"
[ "$(readlink "$lib/$SONAME")" = "libscm.so.$VERSION" ] || fail "$SONAME is no link to libscm.so.$VERSION"
if [ "$layout" = moved ] && grep -r --include=*.pc before .; then
    fail "it names the prefix that it was moved from"
fi
