//! Command and response APDUs (ISO/IEC 7816-3, 12.1).

use zeroize::Zeroizing;

use crate::status::{Result, Status};

/// The longest data field of a command: an extended Lc of FFFF.
pub const MAX_COMMAND_DATA: usize = 0xFFFF;

/// The longest command: header, extended Lc, data, extended Le.
pub const MAX_COMMAND: usize = 4 + 3 + MAX_COMMAND_DATA + 2;

/// The longest data field of a response of this card. An extended Le of 0000 would allow three bytes more, but with its
/// status word a response must fit into one message of vpcd.
pub const MAX_RESPONSE_DATA: usize = 0xFFFF - 2;

/// The meaning of a short Le field of 00.
pub(crate) const MAX_SHORT: usize = 256;

/// A parsed command APDU. Its data may be a code: they are wiped, and must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    pub cla: u8,
    pub ins: u8,
    pub p1: u8,
    pub p2: u8,
    pub data: Zeroizing<Vec<u8>>,
    pub le: Option<Le>,
    /// True if the length fields were extended.
    pub extended: bool,
}

/// The Le field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Le {
    /// The maximum number of response bytes.
    pub ne: usize,
    /// True if the field was zero: as many bytes as exist, up to `ne`.
    pub all: bool,
}

impl Command {
    /// Parses `apdu`; an APDU that fits none of the cases 1 to 4 has a wrong length.
    pub fn read(apdu: &[u8]) -> Result<Command> {
        let Some((&[cla, ins, p1, p2], body)) = apdu.split_first_chunk() else {
            return Err(Status::WRONG_LENGTH);
        };
        let (data, le, extended) = match *body {
            [] => (&[][..], None, false),
            [le] => (&[][..], Some(short_le(le)), false),
            [0, high, low] => (&[][..], Some(extended_le(high, low)), true),
            [0, high, low, ref rest @ ..] => {
                let (data, le) = split(rest, u16::from_be_bytes([high, low]).into())?;
                let le = match *le {
                    [] => None,
                    [high, low] => Some(extended_le(high, low)),
                    _ => return Err(Status::WRONG_LENGTH),
                };
                (data, le, true)
            }
            [lc, ref rest @ ..] => {
                let (data, le) = split(rest, lc.into())?;
                let le = match *le {
                    [] => None,
                    [le] => Some(short_le(le)),
                    _ => return Err(Status::WRONG_LENGTH),
                };
                (data, le, false)
            }
        };
        Ok(Command { cla, ins, p1, p2, data: Zeroizing::new(data.to_vec()), le, extended })
    }

    /// The maximum number of response bytes.
    pub fn ne(&self) -> usize {
        self.le.map_or(0, |le| le.ne)
    }

    /// P1-P2 as one number.
    pub fn p1_p2(&self) -> u16 {
        u16::from_be_bytes([self.p1, self.p2])
    }

    /// Fails if P1 and P2 have other values.
    pub fn expect_p1_p2(&self, p1: u8, p2: u8) -> Result<()> {
        if (self.p1, self.p2) == (p1, p2) { Ok(()) } else { Err(Status::WRONG_P1_P2) }
    }
}

/// The data field and the rest.
fn split(rest: &[u8], lc: usize) -> Result<(&[u8], &[u8])> {
    if lc == 0 {
        return Err(Status::WRONG_LENGTH);
    }
    rest.split_at_checked(lc).ok_or(Status::WRONG_LENGTH)
}

fn short_le(le: u8) -> Le {
    match le {
        0 => Le { ne: MAX_SHORT, all: true },
        le => Le { ne: le.into(), all: false },
    }
}

fn extended_le(high: u8, low: u8) -> Le {
    match u16::from_be_bytes([high, low]) {
        0 => Le { ne: 0x1_0000, all: true },
        le => Le { ne: le.into(), all: false },
    }
}

/// The response to a command that did not fail.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    pub data: Vec<u8>,
    pub status: Status,
}

/// The response to a command.
pub type Answer = Result<Response>;

impl Response {
    pub fn new(data: Vec<u8>, status: Status) -> Response {
        Response { data, status }
    }

    /// 9000 and nothing else.
    pub fn ok() -> Answer {
        Ok(Response::new(Vec::new(), Status::OK))
    }

    /// `data` and 9000.
    pub fn data(data: Vec<u8>) -> Answer {
        Ok(Response::new(data, Status::OK))
    }

    /// The response APDU.
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.data.extend(self.status.to_bytes());
        self.data
    }
}

impl From<Status> for Response {
    fn from(status: Status) -> Response {
        Response::new(Vec::new(), status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Result<(Vec<u8>, usize, bool)> {
        let command = Command::read(&[&[0, 1, 2, 3], body].concat())?;
        assert_eq!((command.cla, command.ins, command.p1_p2()), (0, 1, 0x0203));
        Ok((command.data.to_vec(), command.ne(), command.extended))
    }

    #[test]
    fn the_seven_cases_are_told_apart() {
        assert_eq!(read(&[]), Ok((vec![], 0, false)));
        assert_eq!(read(&[5]), Ok((vec![], 5, false)));
        assert_eq!(read(&[0]), Ok((vec![], 256, false)));
        assert_eq!(read(&[1, 9]), Ok((vec![9], 0, false)));
        assert_eq!(read(&[1, 9, 0]), Ok((vec![9], 256, false)));
        assert_eq!(read(&[0, 1, 0]), Ok((vec![], 256, true)));
        assert_eq!(read(&[0, 0, 0]), Ok((vec![], 65_536, true)));
        assert_eq!(read(&[0, 0, 1, 9]), Ok((vec![9], 0, true)));
        assert_eq!(read(&[0, 0, 1, 9, 0, 7]), Ok((vec![9], 7, true)));
    }

    #[test]
    fn everything_else_has_a_wrong_length() {
        for body in [
            &[0, 1][..],
            &[2, 9],
            &[1, 9, 0, 0],
            &[0, 0, 0, 9],
            &[0, 0, 2, 9],
            &[0, 0, 1, 9, 0],
            &[0, 0, 1, 9, 0, 0, 0],
        ] {
            assert_eq!(read(body), Err(Status::WRONG_LENGTH), "{body:?}");
        }
        assert_eq!(Command::read(&[0, 0xA4, 4]).err(), Some(Status::WRONG_LENGTH));
    }
}
