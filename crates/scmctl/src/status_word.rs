//! The meaning of status words (ISO/IEC 7816-4:2013, 5.6, and a few of 3GPP TS 51.011 and GlobalPlatform).

/// One sentence.
pub fn explain(word: u16) -> String {
    let low = word & 0xFF;
    let known = match word {
        0x9000 => "success",
        0x6200 => "warning, nothing was changed",
        0x6281 => "part of the data may be corrupted",
        0x6282 => "the file or record ended before Le bytes",
        0x6283 => "the selected file is deactivated",
        0x6284 => "the file control information has another format",
        0x6285 => "the selected file is in the termination state",
        0x6286 => "a sensor gave no data",
        0x6287 => "a referenced record is deactivated",
        0x6300 => "warning, something was changed; after a code or a key: it was wrong",
        0x6381 => "the last write has filled the file",
        0x6400 => "execution error, nothing was changed",
        0x6401 => "the card needs an answer to a request of its own at once",
        0x6500 => "error, something was changed",
        0x6581 => "the memory has failed",
        0x6600 => "a problem of security",
        0x6700 => "wrong length",
        0x6800 => "a function of the class is not supported",
        0x6881 => "the logical channel is not supported",
        0x6882 => "secure messaging is not supported",
        0x6883 => "the last command of the chain was expected",
        0x6884 => "command chaining is not supported",
        0x6900 => "the command is not allowed",
        0x6981 => "the command does not fit the structure of the file",
        0x6982 => "the security status is not satisfied: present a code or a key first",
        0x6983 => "the code or key is blocked",
        0x6984 => "the reference data cannot be used",
        0x6985 => "the conditions of use are not satisfied",
        0x6986 => "the command is not allowed: no file is selected",
        0x6987 => "data objects of secure messaging are missing",
        0x6988 => "data objects of secure messaging are wrong",
        0x6A00 => "wrong P1 or P2",
        0x6A80 => "the data of the command are wrong",
        0x6A81 => "the function is not supported",
        0x6A82 => "the file or application was not found",
        0x6A83 => "the record was not found",
        0x6A84 => "the file has not enough memory",
        0x6A85 => "Lc does not fit the structure of the data",
        0x6A86 => "wrong P1 or P2",
        0x6A87 => "Lc does not fit P1 and P2",
        0x6A88 => "the referenced data were not found",
        0x6A89 => "the file exists already",
        0x6A8A => "the DF name exists already",
        0x6B00 => "wrong P1 or P2: an offset outside the file",
        0x6D00 => "the instruction is not supported",
        0x6E00 => "the class is not supported",
        0x6F00 => "error without a diagnosis",
        0x9300 => "SIM: busy",
        0x9400 => "SIM: no EF is selected",
        0x9402 => "SIM: the address is out of range",
        0x9404 => "SIM: the file or pattern was not found",
        0x9408 => "SIM: the file does not fit the command",
        0x9802 => "SIM: no code was initialised",
        0x9804 => "SIM: access is not allowed, or the code was wrong",
        0x9808 => "SIM: in contradiction with the state of the code",
        0x9810 => "SIM: in contradiction with the state of invalidation",
        0x9840 => "SIM: the code is blocked",
        _ => "",
    };
    if !known.is_empty() {
        return known.into();
    }
    match word >> 8 {
        0x61 if low == 0 => "256 or more bytes of data are still available".into(),
        0x61 => format!("{low} bytes of data are still available"),
        0x62 if (0x02..=0x80).contains(&low) => format!("warning, the card has a query of {low} bytes"),
        0x62 => "warning, nothing was changed".into(),
        0x63 if low & 0xF0 == 0xC0 => {
            format!("counter {}; after a code or a key: it was wrong, tries left", low & 0x0F)
        }
        0x63 => "warning, something was changed".into(),
        0x64 if (0x02..=0x80).contains(&low) => format!("the card has a query of {low} bytes"),
        0x64 => "execution error, nothing was changed".into(),
        0x65 => "execution error, something was changed".into(),
        0x66 => "a problem of security".into(),
        0x67 => "wrong length".into(),
        0x68 => "a function of the class is not supported".into(),
        0x69 => "the command is not allowed".into(),
        0x6A => "wrong P1 or P2".into(),
        0x6C if low == 0 => "wrong Le: 256 bytes are available".into(),
        0x6C => format!("wrong Le: {low} bytes are available"),
        0x6D => "the instruction is not supported".into(),
        0x6E => "the class is not supported".into(),
        0x6F => "error without a diagnosis".into(),
        0x91 => "SIM: success, with a message for the phone; DESFire: its own status".into(),
        0x92 if low < 0x10 => format!("SIM: success after {low} tries of the memory"),
        0x9F => format!("SIM: success, {low} bytes of data are available"),
        0x90..=0x9F => "a meaning of this card's own".into(),
        _ => "no status word of ISO/IEC 7816-4".into(),
    }
}

/// Whether it is a plain success.
pub fn is_success(word: u16) -> bool {
    word == 0x9000 || word >> 8 == 0x61
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_number_tell_it() {
        assert!(explain(0x63C2).contains("counter 2"));
        assert_eq!(explain(0x6110), "16 bytes of data are still available");
        assert_eq!(explain(0x6C00), "wrong Le: 256 bytes are available");
        assert!(explain(0x6202).contains("query of 2 bytes"));
    }

    #[test]
    fn every_word_has_a_meaning() {
        assert!((0..=0xFFFF).all(|word| !explain(word).is_empty()));
        assert_eq!(explain(0x1234), "no status word of ISO/IEC 7816-4");
    }
}
