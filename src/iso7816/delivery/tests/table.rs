//! The cases of ISO/IEC 7816-3, 12.1.2, as APDUs of both protocols with all limits.

use super::*;

/// A command with the header 00CA0102 and so many bytes 05 as data, with its script; its answer is so many bytes 07.
struct Row<'a> {
    protocols: &'a [Protocol],
    limits: &'a [Limits],
    data: usize,
    ne: usize,
    script: &'a [(&'a str, &'a str)],
    answer: usize,
}

const T0: &[Protocol] = &[Protocol::T0];
const T1: &[Protocol] = &[Protocol::T1];

#[track_caller]
fn check(rows: &[Row]) {
    for row in rows {
        let data = vec![5; row.data];
        for protocol in row.protocols {
            for limits in row.limits {
                let command = GET_DATA.with_data(&data).expecting(row.ne);
                let delivered = play(*protocol, *limits, command, row.script);
                assert_eq!(delivered, (vec![7; row.answer], 0x9000), "{protocol:?} {limits:?} {} {}", row.data, row.ne);
            }
        }
    }
}

#[track_caller]
fn check_not_to_be_carried(protocols: &[Protocol], limits: &[Limits], data: usize) {
    for protocol in protocols {
        for limits in limits {
            for ne in [0, 5, 65_536] {
                let command = GET_DATA.with_data(&[5; 65_535][..data]).expecting(ne);
                let delivered = deliver(*protocol, *limits, command, &[]);
                assert_eq!(delivered, Err(Hresult::SCARD_E_UNSUPPORTED_FEATURE), "{protocol:?} {limits:?} {data}");
            }
        }
    }
}

#[test]
fn case_1() {
    check(&[Row { protocols: &BOTH, limits: &ALL_LIMITS, data: 0, ne: 0, script: &[("00CA0102", "9000")], answer: 0 }]);
}

#[test]
fn case_2_short() {
    let row = |ne, script, answer| Row { protocols: &BOTH, limits: &ALL_LIMITS, data: 0, ne, script, answer };
    check(&[
        row(1, &[("00CA010201", "07 9000")], 1),
        row(255, &[("00CA0102FF", "07*255 9000")], 255),
        row(256, &[("00CA010200", "07*256 9000")], 256),
        row(256, &[("00CA010200", "07*9 9000")], 9),
        row(256, &[("00CA010200", "9000")], 0),
    ]);
}

#[test]
fn case_3_short() {
    let row = |data, script, answer| Row { protocols: &BOTH, limits: &ALL_LIMITS, data, ne: 0, script, answer };
    check(&[
        row(1, &[("00CA0102 01 05", "9000")], 0),
        row(255, &[("00CA0102 FF 05*255", "9000")], 0),
        // Data that nobody expects are returned, too.
        row(1, &[("00CA0102 01 05", "07*4 9000")], 4),
    ]);
}

#[test]
fn case_4_short() {
    let row = |protocols, data, ne, script, answer| Row { protocols, limits: &ALL_LIMITS, data, ne, script, answer };
    check(&[
        row(T1, 1, 9, &[("00CA0102 01 05 09", "07*9 9000")], 9),
        row(T1, 255, 256, &[("00CA0102 FF 05*255 00", "07*256 9000")], 256),
        row(T1, 1, 256, &[("00CA0102 01 05 00", "6109"), ("00C0000009", "07*9 9000")], 9),
        row(T1, 1, 256, &[("00CA0102 01 05 00", "6C09"), ("00CA0102 01 05 09", "07*9 9000")], 9),
        row(T0, 1, 9, &[("00CA0102 01 05", "6109"), ("00C0000009", "07*9 9000")], 9),
        row(T0, 255, 256, &[("00CA0102 FF 05*255", "6100"), ("00C0000000", "07*256 9000")], 256),
        row(T0, 1, 256, &[("00CA0102 01 05", "9000")], 0),
    ]);
}

#[test]
fn case_2_extended() {
    let row = |protocols, limits, ne, script, answer| Row { protocols, limits, data: 0, ne, script, answer };
    let in_parts = [("00CA010200", "07*256 612C"), ("00C000002C", "07*44 9000")];
    check(&[
        row(T1, &[LONG, LONG_ONLY], 257, &[("00CA0102 00 0101", "07*257 9000")], 257),
        row(T1, &[LONG, LONG_ONLY], 65_535, &[("00CA0102 00 FFFF", "07*65535 9000")], 65_535),
        row(T1, &[LONG, LONG_ONLY], 65_536, &[("00CA0102 00 0000", "07*65536 9000")], 65_536),
        row(T1, &[SMALL, SMALL_ONLY], 400, &[("00CA0102 00 0190", "07*400 9000")], 400),
        row(
            T1,
            &[SMALL, SMALL_ONLY],
            65_536,
            &[("00CA0102 00 0190", "07*400 6100"), ("00C0000000", "07*256 6105"), ("00C0000005", "07*5 9000")],
            661,
        ),
        row(T1, &[SHORT, SHORT_ONLY], 300, &in_parts, 300),
        row(T0, &ALL_LIMITS, 300, &in_parts, 300),
        row(T0, &ALL_LIMITS, 65_536, &in_parts, 300),
        row(T0, &ALL_LIMITS, 65_536, &[("00CA010200", "6C05"), ("00CA010205", "07*5 9000")], 5),
    ]);
}

#[test]
fn case_3_extended() {
    let row = |protocols, limits, data, script| Row { protocols, limits, data, ne: 0, script, answer: 0 };
    let chain = [("10CA0102 FF 05*255", "9000"), ("00CA0102 2D 05*45", "9000")];
    check(&[
        row(T1, &[LONG, LONG_ONLY, SMALL, SMALL_ONLY], 256, &[("00CA0102 000100 05*256", "9000")]),
        row(T1, &[LONG, LONG_ONLY], 65_535, &[("00CA0102 00FFFF 05*65535", "9000")]),
        row(T1, &[SMALL, SMALL_ONLY], 300, &[("00CA0102 00012C 05*300", "9000")]),
        row(T1, &[SMALL], 301, &[("10CA0102 00012C 05*300", "9000"), ("00CA0102 01 05", "9000")]),
        row(T1, &[SMALL], 600, &[("10CA0102 00012C 05*300", "9000"), ("00CA0102 00012C 05*300", "9000")]),
        row(T1, &[SHORT], 300, &chain),
        row(T0, &[SHORT, LONG, SMALL], 300, &chain),
        row(&BOTH, &[SHORT], 510, &[("10CA0102 FF 05*255", "9000"), ("00CA0102 FF 05*255", "9000")]),
        row(
            T0,
            &[LONG_ONLY, SMALL_ONLY],
            300,
            &[("00C20000 FF 00CA0102 00012C 05*248", "9000"), ("00C20000 34 05*52", "9000"), ("00C20000", "9000")],
        ),
    ]);
    check_not_to_be_carried(&BOTH, &[SHORT_ONLY], 256);
    check_not_to_be_carried(&BOTH, &[SMALL_ONLY], 301);
    check_not_to_be_carried(&BOTH, &[SMALL_ONLY], 65_535);
}

#[test]
fn case_4_extended() {
    let row = |protocols, limits, data, ne, script, answer| Row { protocols, limits, data, ne, script, answer };
    let first = ("10CA0102 FF 05*255", "9000");
    let rest = ("00C000002C", "07*44 9000");
    check(&[
        row(T1, &[LONG, LONG_ONLY], 300, 300, &[("00CA0102 00012C 05*300 012C", "07*300 9000")], 300),
        row(T1, &[LONG, LONG_ONLY], 5, 300, &[("00CA0102 000005 05*5 012C", "07*300 9000")], 300),
        row(T1, &[LONG, LONG_ONLY], 300, 5, &[("00CA0102 00012C 05*300 0005", "07*5 9000")], 5),
        row(T1, &[LONG, LONG_ONLY], 256, 65_536, &[("00CA0102 000100 05*256 0000", "9000")], 0),
        row(T1, &[SMALL, SMALL_ONLY], 300, 65_536, &[("00CA0102 00012C 05*300 0190", "07*400 9000")], 400),
        row(T1, &[SMALL], 301, 5, &[("10CA0102 00012C 05*300", "9000"), ("00CA0102 01 05 05", "07*5 9000")], 5),
        row(
            T1,
            &[SMALL],
            301,
            300,
            &[("10CA0102 00012C 05*300", "9000"), ("00CA0102 000001 05 012C", "07*300 9000")],
            300,
        ),
        row(T1, &[SHORT, SHORT_ONLY], 5, 300, &[("00CA0102 05 05*5 00", "07*256 612C"), rest], 300),
        row(T1, &[SHORT], 300, 300, &[first, ("00CA0102 2D 05*45 00", "07*256 612C"), rest], 300),
        row(T0, &ALL_LIMITS, 5, 300, &[("00CA0102 05 05*5", "612C"), rest], 44),
        row(
            T0,
            &[SHORT, LONG, SMALL],
            300,
            300,
            &[first, ("00CA0102 2D 05*45", "6100"), ("00C0000000", "07*256 612C"), rest],
            300,
        ),
        row(
            T0,
            &[LONG_ONLY, SMALL_ONLY],
            300,
            300,
            &[
                ("00C20000 FF 00CA0102 00012C 05*248", "9000"),
                ("00C20000 36 05*52 012C", "9000"),
                ("00C20000", "6100"),
                ("00C0000000", "07*256 612C"),
                rest,
            ],
            300,
        ),
    ]);
    check_not_to_be_carried(T1, &[SHORT_ONLY, SMALL_ONLY], 301);
}
