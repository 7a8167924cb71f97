#!/usr/bin/env bash
# The cost of scm.hpp alone: instructions and heap allocations of one transmit through C, and through the two forms of
# C++, on a PC/SC library that does nothing.
#
# It needs the results of build.sh. It fails if C++ costs more than allowed.
set -euo pipefail
shopt -s inherit_errexit

cd "$(dirname "$0")/.."
# shellcheck source=benches/count.sh
source benches/count.sh

# The two forms of C++ return a span, which C does not; and a stored code is set also after a success.
allowed=10
worst=0
heap=0
printf '%-14s %12s %8s\n' transmit instructions heap
for side in c throws stores; do
    instructions=$(per_call instructions cpp "$side")
    allocations=$(per_call allocations cpp "$side")
    printf '%-14s %12d %8d\n' "$side" "$instructions" "$allocations"
    [[ $side == c ]] && of_c=$instructions
    ((instructions - of_c > worst)) && worst=$((instructions - of_c))
    heap=$((heap + allocations))
done
echo "scm.hpp adds $worst instructions and $heap heap allocations per transmit (aim: up to $allowed, and none)"
((worst <= allowed && heap == 0))
