//! The transport of a response: at once as with T=1, or by GET RESPONSE as with T=0 (ISO/IEC 7816-3, 12.2).

use serde::Deserialize;

use crate::apdu::{Command, Le, MAX_RESPONSE_DATA, MAX_SHORT, Response};
use crate::command::ins;
use crate::status::{Result, Status};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
pub enum Manners {
    /// The response to a command with data is fetched, and Le is exact.
    T0,
    /// A response comes at once, as far as Le allows.
    #[default]
    T1,
}

/// The rest of a response, for GET RESPONSE on the channel of its command.
#[derive(Clone, Debug)]
pub struct Pending {
    pub channel: usize,
    pub data: Vec<u8>,
    /// The status word that comes with the last byte.
    pub status: Status,
}

/// The part of a response that is sent now, and the rest to be fetched.
pub struct Portion {
    pub response: Response,
    pub rest: Option<(Vec<u8>, Status)>,
}

impl Manners {
    /// The maximum of the response. With T=0 a command with data has no Le: the maximum is one response.
    pub fn le(self, command: &Command) -> Option<Le> {
        match (self, command.le) {
            (Manners::T0, None) if !command.data.is_empty() => Some(Le { ne: MAX_SHORT, all: true }),
            (_, le) => le,
        }
    }

    /// Cuts `response` to the size that `command` can take. The error 6CXX means that nothing has happened.
    pub fn serve(self, command: &Command, response: Response) -> Result<Portion> {
        let fetched = self == Manners::T0 && !command.data.is_empty();
        if response.data.is_empty() {
            return Ok(Portion { response, rest: None });
        }
        match command.le {
            _ if fetched => Ok(response.cut(0)),
            // With T=0 that looks like a command with Le.
            None if self == Manners::T0 => Ok(response.cut(0)),
            None => Ok(Portion { response: response.status.into(), rest: None }),
            Some(le) => {
                let available = response.data.len();
                let in_parts = command.ins == ins::GET_RESPONSE || available > 256 || le.all;
                let more_than_asked = available > le.ne && !in_parts;
                let less_than_asked = self == Manners::T0 && available < le.ne;
                if more_than_asked || less_than_asked {
                    return Err(Status::exact_le(available));
                }
                Ok(response.cut(le.ne.min(MAX_RESPONSE_DATA)))
            }
        }
    }
}

impl Response {
    /// The first `length` bytes, and the rest.
    pub fn cut(mut self, length: usize) -> Portion {
        if self.data.len() <= length {
            return Portion { response: self, rest: None };
        }
        let rest = self.data.split_off(length);
        let status = std::mem::replace(&mut self.status, Status::more(rest.len()));
        Portion { response: self, rest: Some((rest, status)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(manners: Manners, apdu: &[u8], length: usize) -> Result<(usize, u16, usize)> {
        let response = Response::new(vec![7; length], Status::OK);
        let portion = manners.serve(&Command::read(apdu)?, response)?;
        Ok((portion.response.data.len(), portion.response.status.0, portion.rest.map_or(0, |(data, _)| data.len())))
    }

    #[test]
    fn one_go_as_far_as_le_allows() {
        assert_eq!(serve(Manners::T1, &[0, 0xCA, 0, 0, 0], 9), Ok((9, 0x9000, 0)));
        assert_eq!(serve(Manners::T1, &[0, 0xCA, 0, 0, 20], 9), Ok((9, 0x9000, 0)));
        assert_eq!(serve(Manners::T1, &[0, 0xCA, 0, 0, 5], 9), Err(Status(0x6C09)));
        assert_eq!(serve(Manners::T1, &[0, 0xCA, 0, 0], 9), Ok((0, 0x9000, 0)));
        assert_eq!(serve(Manners::T1, &[0, 0xCA, 0, 0, 0], 300), Ok((256, 0x612C, 44)));
        assert_eq!(serve(Manners::T1, &[0, 0xCA, 0, 0, 0, 0, 0], 300), Ok((300, 0x9000, 0)));
        assert_eq!(serve(Manners::T1, &[0, 0xCA, 0, 0, 0, 0, 0], 65_536), Ok((65_533, 0x6103, 3)));
    }

    #[test]
    fn fetched_with_the_exact_le() {
        assert_eq!(serve(Manners::T0, &[0, 0xA4, 0, 0, 1, 9], 9), Ok((0, 0x6109, 9)));
        assert_eq!(serve(Manners::T0, &[0, 0xA4, 0, 0, 1, 9, 0], 9), Ok((0, 0x6109, 9)));
        assert_eq!(serve(Manners::T0, &[0, 0xB0, 0, 0, 0], 9), Err(Status(0x6C09)));
        assert_eq!(serve(Manners::T0, &[0, 0xB0, 0, 0, 9], 9), Ok((9, 0x9000, 0)));
        assert_eq!(serve(Manners::T0, &[0, 0xB0, 0, 0, 5], 9), Err(Status(0x6C09)));
        assert_eq!(serve(Manners::T0, &[0, 0xB0, 0, 0], 9), Ok((0, 0x6109, 9)));
        assert_eq!(serve(Manners::T0, &[0, 0xB0, 0, 0, 0], 300), Ok((256, 0x612C, 44)));
    }
}
