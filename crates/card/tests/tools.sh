#!/bin/bash
# Reads and changes the default card with tools of other projects: opensc-tool, opensc-explorer and scriptor.
#
#     scm-stack run --readers 1 -- crates/card/tests/tools.sh PATH/scm-card [PATH/scm-stack]
#
# It runs in its own stack (see crates/stack), whose first reader listens on port 23675, and prints failures.
set -uo pipefail

card=${1:?the path of scm-card}
stack=${2:-$(dirname "$card")/scm-stack}
port=23675
here=$(dirname "$0")
work=$(mktemp -d)
failures=0
card_id=

# No settings of the user for the tools.
export OPENSC_CONF=$work/opensc.conf LC_ALL=C
: > "$OPENSC_CONF"

clean_up() {
    [ -z "$card_id" ] || kill "$card_id" 2> "$work/kill"
    rm -rf "$work"
}
trap clean_up EXIT

# plug ARGUMENTS: inserts a card, and waits until the daemon reports it. Descriptor 9 takes its orders, 8 has its
# answers.
plug() {
    rm -f "$work/orders" "$work/answers" && mkfifo "$work/orders" "$work/answers"
    exec 8<> "$work/answers" 9<> "$work/orders"
    "$card" --port "$port" "$@" < "$work/orders" > "$work/answers" 8<&- 9>&- &
    card_id=$!
    tell await 0 present
}

# pull: removes it.
pull() {
    kill "$card_id" && wait "$card_id" 2> "$work/kill"
    card_id=
    tell await 0 empty
}

# order LINE: gives the card an order.
order() {
    running="order: $*"
    echo "$*" >&9
    read -r output <&8
    says "ok"
}

# tell ORDER...: gives the stack an order.
tell() {
    local answer
    answer=$("$stack" tell "$@" 2>&1) || { echo "FAILED: $*: $answer"; exit 1; }
}

# reset: the tools leave the card as it is, with its verifications.
reset() {
    tell reset 0 cold
}

# run COMMAND...: stores the printed text in $output.
run() {
    running=$*
    output=$("$@" 2>&1)
}

# explore LINE...: runs opensc-explorer on these lines.
explore() {
    printf '%s\n' "$@" > "$work/script"
    running="opensc-explorer: $*"
    output=$(opensc-explorer --reader 0 --card-driver default "$work/script" 2>&1)
}

# script LINE...: runs scriptor on these lines, with the protocol in $protocol.
script() {
    running="scriptor: $*"
    output=$(printf '%s\n' "$@" | scriptor -p "$protocol" 2>&1)
}

# says TEXT...: checks that the output has each of these in this order. White space counts as one blank, also across
# lines.
says() {
    local rest text
    rest=$(printf '%s' "$output" | tr -s '[:space:]' ' ')
    for text in "$@"; do
        if [[ $rest != *"$text"* ]]; then
            echo "FAILED: $running"
            echo "  it does not say: $text"
            printf '%s\n' "$output" | sed 's/^/  | /'
            failures=$((failures + 1))
            return
        fi
        rest=${rest#*"$text"}
    done
}

# same FILE FILE
same() {
    cmp -s "$1" "$2" && return
    echo "FAILED: $running"
    echo "  $1 and $2 differ"
    failures=$((failures + 1))
}

# Checks for T=0 and T=1.
read_card() {
    run opensc-tool --reader 0 --send-apdu 00A4000C025015 --send-apdu 00B0810020
    says "(SW1=0x90, SW2=0x00)" "(SW1=0x90, SW2=0x00)" "Hello from the l" "ibscm test card"

    # The card's response to SELECT makes this a DF; OpenSC has no standard way to list its content.
    run opensc-tool --reader 0 --card-driver default --list-files
    says "3f00 type: DF"

    explore "find 2F00 2F01" "info 2F00" "asn1 2F00"
    says "(2F00) 2F00 wEF 52" "(2F01) 2F01 wEF 26" \
        "Working Elementary File ID 2F00" "File path: 3F00/2F00" "File size: 52 bytes" "EF structure: Transparent" \
        "Life cycle: Operational, activated" \
        "F0 73 63 6D 74 65 73 74" "A0 00 00 03 97 73 63 6D 01"

    explore "cd 5015" "find 4400 440F" "info" "cat 4401" "info 4403" "cat 4403" "cat 4404 2" "info 4405" "cat 4405"
    says "4401 wEF 64" "4402 wEF 256" "4403 wEF 80" "4404 wEF 320" "4405 wEF 12" "4406 wEF 1" \
        "Dedicated File ID 5015" "DF name: \xF0scmtest" \
        "Hello from the l" "ibscm test card." \
        "EF structure: Linear fixed" "Number of records: 3" "Max. record size: 8 bytes" \
        "Record 1:" "A1 01 02 03 04 05 06 07" "Record 2:" "A2 11 12" "Record 3:" "A1 21 22" \
        "B2 01 02 03" \
        "EF structure: Cyclic" "C3 00 00 03" "C2 00 00 02" "C1 00 00 01"

    explore "cd aid:A00000039773636D01" "info" "get 4501 $work/refused"
    says "Dedicated File ID 5016" "Read failed"
    run opensc-tool --reader 0 --send-apdu 00A4080C0450164501 --send-apdu 00B0000001
    says "(SW1=0x90, SW2=0x00)" "(SW1=0x69, SW2=0x82)"
}

# Commands that change the card, and checks of the change.
change_card() {
    head -c 100 /dev/urandom > "$work/put"
    explore "cd 5015" "put 4402 $work/put" "verify CHV1 31:32:33:35:ff:ff:ff:ff" "verify CHV1 31:32:33:34:ff:ff:ff:ff" \
        "put 4402 $work/put" "update_record 4404 2 0 B2:01:22:22" "cat 4404 2" "get 4402 $work/got"
    says "Update failed" "Incorrect code, 2 tries left" "Code correct" "Total of 100 bytes written" "B2 01 22 22"
    truncate --size 100 "$work/got"
    same "$work/put" "$work/got"

    explore "verify CHV1 31:32:33:34:ff:ff:ff:ff" "create 6001 16" "update_binary 6001 0 01:02:03:04" "cat 6001" \
        "mkdir 6002 0" "cd 6002" "info" "cd .." "rm 6002" "delete 6001" "cd 6002" "cat 6001"
    says "01 02 03 04 00 00 00 00 00 00 00 00 00 00 00 00" "Dedicated File ID 6002" "File not found" "File not found"

    reset
    # OpenSC has no standard form for these.
    explore "apdu 00:CA:01:01:00" "apdu 00:DA:01:01:02:22:33" "verify CHV1 31:32:33:34:ff:ff:ff:ff" \
        "apdu 00:DA:01:01:02:22:33" "apdu 00:CA:01:01:00" "random 24" "apdu 00:84:00:00:08"
    says "a data object" "(SW1=0x69, SW2=0x82)" "Code correct" "(SW1=0x90, SW2=0x00)" "22 33" "(SW1=0x90, SW2=0x00)"
}

# The retry counter survives the tools, each of which resets the card.
block_and_unblock() {
    local wrong="verify CHV1 39:39:39:39:ff:ff:ff:ff"
    explore "$wrong" "$wrong"
    says "2 tries left" "1 tries left"
    explore "$wrong" "verify CHV1 31:32:33:34:ff:ff:ff:ff" \
        "unblock CHV1 31:32:33:34:35:36:37:38 35:36:37:38:ff:ff:ff:ff" \
        "verify CHV1 35:36:37:38:ff:ff:ff:ff" \
        "change CHV1 35:36:37:38:ff:ff:ff:ff 31:32:33:34:ff:ff:ff:ff" "verify CHV1 31:32:33:34:ff:ff:ff:ff"
    says "0 tries left" "blocked" "PIN unblocked" "Code correct" "PIN changed" "Code correct"
}

script_card() {
    script "reset" "00 A4 04 0C 04 F0 73 63 6D" "00 B2 01 1C 08" "00 B2 09 04 08" "00 20 00 01" "00 70 00 00 01" \
        "01 A4 00 0C 02 2F 00" "01 B0 00 00 02" "10 D6 81 00 01 11" "00 D6 81 00 01 22" "00 B0 81 00 02"
    says "> RESET" "< OK: 3B" "< 90 00" "< A1 01 02 03 04 05 06 07 90 00" "< 6A 83" "< 63 C3" "< 01 90 00" "< 90 00" \
        "< 61 1A 90 00" "< 90 00" "< 90 00" "< 11 22 90 00"
}

protocol=T=1
plug
run opensc-tool --reader 0 --atr
says "3b:8b:01:80:31:f8:73:f7:41:ff:53:73:63:6d:d7"
read_card
change_card
block_and_unblock
script_card
script "00 A4 00 00 02 50 15 00" "00 B0 81 00 00 01 00" \
    "00 88 00 02 10 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF 00"
says "< 6F 26 82 01 78 83 02 50 15 84 08 F0 73 63 6D 74 65 73 74" "90 00" "62 82" \
    "< E1 8A 55 67 01 FE 93 4A 34 BA 4C 02 6B 35 F6 C1 90 00"
pull

# The same card with T=0. OpenSC then fetches the responses.
sed -e 's/^atr = .*/atr = "3B0B8031F873F7419F5373636D"/' -e 's/^manners = .*/manners = "T0"/' \
    "$here/../profiles/default.toml" > "$work/t0.toml"
protocol=T=0
plug --profile "$work/t0.toml"
run opensc-tool --reader 0 --atr
says "3b:0b:80:31:f8:73:f7:41:9f:53:73:63:6d"
read_card
change_card
block_and_unblock
script_card
script "00 A4 00 00 02 50 15" "00 C0 00 00 28" "00 B2 01 1C 00" "00 B2 01 1C 08"
says "< 61 28" "< 6F 26 82 01 78" "90 00" "< 6C 08" "< A1 01 02 03 04 05 06 07 90 00"
pull

# Mute, it is in its reader and does not respond.
plug --profile steerable
# pcscd turns an unused card off after a few seconds. This one must have power when it becomes mute.
tell hold 0 shared
order mute
tell release 0 unpower
run opensc-tool --reader 0 --send-apdu 00A4000C
says "Unresponsive card"
order unmute
run opensc-tool --reader 0 --send-apdu 00A4000C
says "(SW1=0x90, SW2=0x00)"
pull

[ "$failures" -eq 0 ] && echo "The tools read the card." && exit 0
echo "$failures of the checks failed."
exit 1
