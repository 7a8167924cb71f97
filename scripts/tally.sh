# shellcheck shell=bash
# Runs commands that end with a line "N passed, N failed", and adds up these lines. Repeats at the end what failed. To
# be sourced after lib.sh.

passed=0
failed=0
skipped=0
failures=

# tally NAME COMMAND...
# A command without such a line counts as one test.
tally() {
    local name=$1 status=0 line log sink said again output reader
    shift
    say "$name"
    # A file without a name leaves nothing after an interrupt.
    log=$(mktemp)
    exec {sink}>"$log"
    exec {said}<"$log" {again}<"$log"
    rm -f "$log"
    # No pipe: a function must run in this shell, which handles the signals.
    exec {output}> >(tee "/dev/fd/$sink")
    reader=$!
    "$@" >&"$output" 2>&1 || status=1
    exec {output}>&-
    wait "$reader"
    # A command without such a line counts by its status, in `add`.
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' <&"$said" | tail -n 1) || true
    failures+=$(failures_in "$name" "$status" <&"$again")
    exec {sink}>&- {said}<&- {again}<&-
    add "$line" "$status"
}

# failures_in NAME STATUS
# The lines behind the last heading of `tell_failures`, with the name of the command in front of each.
failures_in() {
    awk -v name="$1" -v status="$2" '
        /^== What failed$/ { lines = ""; is_in = 1; next }
        is_in && /^! / { lines = lines "\n! " name ": " substr($0, 3) }
        END { print lines == "" && status != 0 ? "\n! " name ": see its output" : lines }'
}

# tell_failures LINES
# A line for each failure, with "! " in front.
tell_failures() {
    [[ $1 ]] || return 0
    say "What failed"
    sed '/^$/d' <<<"$1"
}

# add LINE STATUS
add() {
    local words few=0
    read -ra words <<<"${1:-0 passed, 0 failed}"
    [[ $1 || $2 -ne 0 ]] || few=1
    passed=$((passed + words[0] + few))
    failed=$((failed + words[2]))
    skipped=$((skipped + ${words[4]:-0}))
    # A command can fail without a failed test.
    [[ $2 -eq 0 || ${words[2]} -gt 0 ]] || failed=$((failed + 1))
}

# Prints the sum, and fails if a test failed.
tell_tally() {
    tell_failures "$failures"
    echo
    tally_line "$passed" "$failed" "$skipped"
    [[ $failed -eq 0 ]]
}

# tally_line PASSED FAILED SKIPPED
tally_line() {
    local line="$1 passed, $2 failed"
    [[ $3 -eq 0 ]] || line+=", $3 skipped"
    echo "$line"
}
