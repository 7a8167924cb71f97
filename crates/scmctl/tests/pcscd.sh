#!/bin/bash
# scmctl on a real pcscd: readers, cards, other programs, faults and their advice.
#
#     scm-stack run --readers 2 -- crates/scmctl/tests/pcscd.sh PATH/scmctl PATH/scm-stack
#
# It runs in its own stack (see crates/stack). It prints failures.
set -uo pipefail

scmctl=${1:?the path of scmctl}
stack=${2:?the path of scm-stack}
work=$(mktemp -d)
failures=0
trap 'rm -rf "$work"' EXIT

tell() {
    "$stack" tell "$@" >"$work/told" || {
        echo "tell $*: $(<"$work/told")"
        exit 1
    }
}

# expect EXIT PATTERN ARGUMENT...: runs scmctl, and compares the exit code and the output with both descriptors.
expect() {
    local wanted=$1 pattern=$2 output exit
    shift 2
    output=$(timeout 60 "$scmctl" "$@" 2>&1 </dev/null)
    exit=$?
    if [[ $exit -ne $wanted || ! $output =~ $pattern ]]; then
        echo "scmctl $*: exit $exit instead of $wanted, or no \"$pattern\" in:"
        echo "$output"
        failures=$((failures + 1))
    fi
}

# Without a card.
expect 0 'no card' list
expect 69 'Put one in.*NO_SMARTCARD' send 00A4000C023F00
expect 69 'SCardConnect returned 0x8010000C. Put a card into the reader.*NO_SMARTCARD' -r 'A 00 00' send 00A4000C023F00
expect 69 '"pcsc_code":"8010000C","pcsc_function":"SCardConnect"' --json -r 'A 00 00' send 00A4000C023F00
expect 69 'state +absent' -r 'A 00 00' status
expect 0 'note .*no card is in the reader' doctor

# One card: no reader has to be named.
tell insert 0 scm
first=$("$stack" tell ifd 0)
first=${first#ok }
expect 0 "$first.*3B 8B 01 80.*other users +none" list
expect 0 'protocol +T=1' status
expect 0 '90 00  success' send 00A4000C023F00
expect 0 '3F00  "libscm card".*4403  linear fixed' tree
expect 0 'Hello from the l' cat 3F00/5015/4401 --hex
expect 0 '4 bytes written' write 3F00/5015/4401 --hex 4A656C6C
expect 0 'Jello from the l' cat 3F00/5015/4401 --hex
expect 0 'cold reset' reset --cold
expect 1 'not verified, tries left: 3' verify --check
expect 0 'service runs.*reader found.*card inserted' watch --once

# Two cards: the reader has to be named, also by a part of its name.
tell insert 1 scm
second=$("$stack" tell ifd 1)
second=${second#ok }
expect 64 "choose with --reader: .*$first.*$second" send 00A4000C023F00
expect 0 '90 00' -r "$second" send 00A4000C023F00
expect 64 'several readers have a card' -r virtual status
expect 0 'state ' -r 'virtual a' status
for command in status list; do
    expect 69 "No reader has this in its name. There are: .*$first" -r nosuch $command
done
expect 1 "FAULT .*There are: .*$first" -r nosuch doctor
tell remove 1

# Other programs.
tell hold 0 shared
expect 0 'a program uses it' list
expect 0 'the card answers' doctor
tell release 0 leave
tell hold 0 exclusive
expect 0 'uses it exclusively' list
expect 75 'end that program.*scmctl doctor names it.*SHARING_VIOLATION' send 00A4000C023F00
expect 1 'FAULT .*another program has it exclusively' doctor
tell release 0 leave
tell hold 0 transaction
expect 0 'a program uses it' list
expect 75 'Try again later.*limit sets the limit.*TIMEOUT' --limit 300 send 00A4000C023F00
expect 1 'FAULT .*another program holds the card' doctor
: >"$work/waiting"
"$scmctl" send 00A4000C023F00 >"$work/waiting" 2>&1 &
waiting=$!
until grep -q 'another program holds the card. Waiting' "$work/waiting"; do
    sleep 0.05
done
tell release 0 leave
wait $waiting && grep -q '90 00  success' "$work/waiting" || {
    echo "a wait for another program: $(<"$work/waiting")"
    failures=$((failures + 1))
}
tell hold 0 transaction
tell release 0 leave

# A mute card.
tell card 0 mute
# pcscd 2 tells the program that resets it that the card has no protocol; an older one does not.
"$stack" tell reset 0 cold >"$work/told" || grep -q 'ProtoMismatch' "$work/told" || {
    echo "tell reset 0 cold: $(<"$work/told")"
    exit 1
}
expect 69 ' returned 0x80100066.*turn it over' send 00A4000C023F00
expect 1 'FAULT .*the card is mute' doctor
expect 0 'the card is mute' list
tell card 0 unmute
tell remove 0
tell insert 0 scm

# A card that is pulled while a script runs, and a card that comes.
yes '> 00A4000C023F00' | head -n 20000 >"$work/script"
: >"$work/replay"
"$scmctl" replay --all "$work/script" >"$work/replay" 2>&1 &
replay=$!
until grep -q success "$work/replay"; do
    sleep 0.05
done
tell pull 0
wait $replay
exit=$?
[[ $exit -eq 75 ]] && grep -q 'Put the card in again. Begin again.*REMOVED_CARD' "$work/replay" || {
    echo "a card that is pulled: exit $exit: $(<"$work/replay")"
    failures=$((failures + 1))
}
: >"$work/watch"
"$scmctl" -r "$second" watch --json >"$work/watch" &
watch=$!
until grep -q reader-arrived "$work/watch"; do
    sleep 0.05
done
tell insert 1 scm
until grep -q card-inserted "$work/watch"; do
    sleep 0.05
done
tell remove 1
until grep -q card-removed "$work/watch"; do
    sleep 0.05
done
kill $watch
wait $watch 2>"$work/killed"

# A shell outlives a removal. It sends nothing to a card that has come since the line was typed.
tell insert 0 scm
mkfifo "$work/lines"
: >"$work/shell"
"$scmctl" -r "$first" shell <"$work/lines" >"$work/shell" 2>&1 &
shell=$!
exec 7>"$work/lines"
shell_says() {
    local end=$((SECONDS + 30))
    until grep -q "$1" "$work/shell"; do
        [[ $SECONDS -lt $end ]] || {
            echo "the shell does not say \"$1\": $(<"$work/shell")"
            failures=$((failures + 1))
            return
        }
        sleep 0.05
    done
}
echo 00A4000C023F00 >&7
shell_says success
tell remove 0
echo 00A4000C022F00 >&7
shell_says REMOVED_CARD
tell insert 0 scm
echo 00A4000C022F01 >&7
shell_says 'not carried out'
echo 00A4000C025015 >&7
shell_says '50 15'
exec 7>&-
wait $shell || {
    echo "the shell ended with $?"
    failures=$((failures + 1))
}
! grep -q '2F 01' "$work/shell" || {
    echo "a line went to another card: $(<"$work/shell")"
    failures=$((failures + 1))
}
tell remove 0

# No daemon.
tell daemon kill
expect 69 'systemctl start pcscd.socket' list
expect 1 'FAULT .*pcscd does not run' doctor
tell daemon start
expect 0 'it runs; pcsc-lite version' doctor

[[ $failures -eq 0 ]] && echo "scmctl works on pcscd"
exit $((failures > 0))
