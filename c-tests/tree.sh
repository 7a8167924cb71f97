#!/bin/bash
# The tree of the default card, as examples/tree.c prints it.
#
#     scm-stack run --readers 1 -- tree.sh PATH/tree PATH/scm-stack
set -uo pipefail

tree=${1:?the program of examples/tree.c}
stack=${2:?the path of scm-stack}

"$stack" tell insert 0 scm >/dev/null || exit 1
diff - <("$tree") <<'END'
3F00
   2F00  transparent, short identifier 30, 52 bytes  611A4F08F073636D7465737450087363
   2F01  transparent, short identifier 29, 26 bytes  4301F8460373636D4703F741FF7F660A
   5015  "scm test"  F073636D74657374
      4401  transparent, short identifier 1, 64 bytes  48656C6C6F2066726F6D20746865206C
      4402  transparent, short identifier 2, 256 bytes  000102030405060708090A0B0C0D0E0F
      4403  linear fixed, short identifier 3, 3 records  A101020304050607
      4404  linear variable, short identifier 4, 3 records  B1
      4405  cyclic, short identifier 5, 3 records  C3000003
      4406  transparent, 1 bytes  (Access was denied: a security condition is not met.)
   5016  "protected"  A00000039773636D01
      4501  transparent, short identifier 1, 15 bytes  (Access was denied: a security condition is not met.)
      4502  transparent, short identifier 2, 14 bytes  (Access was denied: a security condition is not met.)
      4503  transparent, short identifier 3, 13 bytes  (Access was denied: a security condition is not met.)
END
