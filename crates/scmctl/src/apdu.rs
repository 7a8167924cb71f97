//! A command APDU (ISO/IEC 7816-3:2006, 12.1).

use zeroize::Zeroizing;

use crate::hex;

/// The most data of a response (Ne) that Le 00 and Le 0000 ask for.
const SHORT: u32 = 256;
const EXTENDED: u32 = 65536;

#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub cla: u8,
    pub ins: u8,
    pub p1: u8,
    pub p2: u8,
    pub data: Zeroizing<Vec<u8>>,
    /// How many bytes of data are expected at most; 0 for none.
    pub expected: u32,
}

impl Command {
    pub fn parse(bytes: &[u8]) -> Result<Command, String> {
        let [cla, ins, p1, p2, body @ ..] = bytes else {
            return Err(format!("a command has at least 4 bytes, CLA INS P1 P2; these are {}", bytes.len()));
        };
        let (data, expected) = body_of(body)?;
        Ok(Command { cla: *cla, ins: *ins, p1: *p1, p2: *p2, data: Zeroizing::new(data.to_vec()), expected })
    }
}

/// The data and Ne of what follows the header.
fn body_of(body: &[u8]) -> Result<(&[u8], u32), String> {
    match *body {
        [] => Ok((&[], 0)),
        [le] => Ok((&[], short(le))),
        [0, high, low] => Ok((&[], extended(high, low))),
        [0, high, low, ref rest @ ..] => {
            let length = usize::from(high) << 8 | usize::from(low);
            match rest.split_at_checked(length).filter(|_| length > 0) {
                Some((data, [])) => Ok((data, 0)),
                Some((data, &[high, low])) => Ok((data, extended(high, low))),
                _ => Err(wrong_length(length, rest.len())),
            }
        }
        [lc, ref rest @ ..] => {
            let length = usize::from(lc);
            match rest.split_at_checked(length).filter(|_| length > 0) {
                Some((data, [])) => Ok((data, 0)),
                Some((data, &[le])) => Ok((data, short(le))),
                _ => Err(wrong_length(length, rest.len())),
            }
        }
    }
}

fn wrong_length(length: usize, rest: usize) -> String {
    format!("Lc says {length} bytes of data, and {rest} bytes follow; --raw sends it anyway")
}

fn short(le: u8) -> u32 {
    if le == 0 { SHORT } else { le.into() }
}

fn extended(high: u8, low: u8) -> u32 {
    match u32::from(high) << 8 | u32::from(low) {
        0 => EXTENDED,
        expected => expected,
    }
}

/// Whether the data of a command may be a code or a key, as in the logs of libscm.
pub fn carries_secret(command: &[u8]) -> bool {
    // VERIFY, ENABLE and DISABLE VERIFICATION REQUIREMENT, CHANGE REFERENCE DATA, RESET RETRY COUNTER, PERFORM
    // BIOMETRIC OPERATION, PERFORM SECURITY OPERATION, EXTERNAL, INTERNAL and GENERAL AUTHENTICATE, PUT KEY, and PUT
    // DATA and ENVELOPE, which may contain one; in proprietary classes STORE DATA.
    const SECRET: [u8; 21] = [
        0x20, 0x21, 0x24, 0x25, 0x26, 0x28, 0x2A, 0x2C, 0x2D, 0x2E, 0x2F, 0x82, 0x86, 0x87, 0x88, 0x89, 0xC2, 0xC3,
        0xD8, 0xDA, 0xDB,
    ];
    let [cla, ins, ..] = *command else { return false };
    let has_secure_messaging = if cla & 0x40 == 0 { cla & 0x0C != 0 } else { cla & 0x20 != 0 };
    let stores_data = cla & 0x80 != 0 && ins == 0xE2;
    command.len() > 5 && (has_secure_messaging || stores_data || SECRET.contains(&ins))
}

/// The command in hexadecimal digits, without data that may be secret.
pub fn shown(command: &[u8]) -> String {
    match command.split_at_checked(5) {
        Some((header, _)) if carries_secret(command) => format!("{} ..", hex::spaced(header)),
        _ => hex::spaced(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (usize, u32) {
        let command = Command::parse(&hex::parse(text).unwrap()).unwrap();
        (command.data.len(), command.expected)
    }

    #[test]
    fn all_cases_of_the_standard_are_understood() {
        assert_eq!(parsed("00A40000"), (0, 0));
        assert_eq!(parsed("00B0000000"), (0, 256));
        assert_eq!(parsed("00B0000010"), (0, 16));
        assert_eq!(parsed("00A40000023F00"), (2, 0));
        assert_eq!(parsed("00A40000023F0000"), (2, 256));
        assert_eq!(parsed("00B00000000000"), (0, 65536));
        assert_eq!(parsed("00B00000000100"), (0, 256));
        assert_eq!(parsed("00D60000000002AABB"), (2, 0));
        assert_eq!(parsed("00D60000000002AABB0000"), (2, 65536));
    }

    #[test]
    fn a_wrong_length_is_an_error() {
        for wrong in ["", "00A4", "00A400", "00A4000003AABB", "00A4000001AABBCC", "00D60000000003AABB", "00B000000000"]
        {
            assert!(Command::parse(&hex::parse(wrong).unwrap()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn codes_and_keys_are_not_shown() {
        let shown = |text: &str| shown(&hex::parse(text).unwrap());
        assert_eq!(shown("0020000104 31323334"), "00 20 00 01 04 ..");
        assert_eq!(shown("0C A4 00 00 02 3F 00"), "0C A4 00 00 02 ..");
        assert_eq!(shown("00200001"), "00 20 00 01");
        assert_eq!(shown("00A40000023F00"), "00 A4 00 00 02 3F 00");
        for ins in ["24", "2C", "82", "87", "D8", "DA", "DB"] {
            assert!(!shown(&format!("80{ins}0001043132333435")).contains("31"), "{ins}");
        }
    }
}
