#!/usr/bin/env bash
# The cost of libscm alone: instructions and heap allocations per call, on a PC/SC library that does nothing.
#
# It needs the results of build.sh. It fails if a transmit costs more than allowed.
set -euo pipefail
shopt -s inherit_errexit

cd "$(dirname "$0")/.."
# shellcheck source=benches/count.sh
source benches/count.sh

measure() {
    local operation=$1 direct libscm
    direct=$(per_call instructions bench nothing direct "$operation")
    libscm=$(per_call instructions bench nothing libscm "$operation")
    added=$((libscm - direct))
    heap=$(per_call allocations bench nothing libscm "$operation")
    printf '%-14s %8d %8d %8d %8d\n' "$operation" "$direct" "$libscm" "$added" "$heap"
}

printf '%-14s %8s %8s %8s %8s\n' instructions direct libscm added heap
for operation in attach+detach reconnect lock+unlock status transmit; do
    measure "$operation"
done
echo "libscm adds $added instructions and $heap heap allocations per transmit (aim: under 300, and none)"
((added < 300 && heap == 0))
