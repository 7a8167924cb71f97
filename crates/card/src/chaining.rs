//! Commands in parts: command chaining (ISO/IEC 7816-4, 5.3.3), and ENVELOPE.

use zeroize::Zeroizing;

use crate::apdu::{Command, MAX_COMMAND, MAX_COMMAND_DATA};
use crate::status::{Result, Status};

/// The received parts of a chain.
#[derive(Clone)]
pub struct Chain {
    /// CLA without the chaining bit, INS, P1, P2: equal in every part.
    header: [u8; 4],
    data: Zeroizing<Vec<u8>>,
}

/// The parts of a command APDU from ENVELOPE.
#[derive(Clone, Default)]
pub struct Envelope(Zeroizing<Vec<u8>>);

/// The chaining bit of CLA.
const CHAINED: u8 = 0x10;

impl Chain {
    /// Appends `command` to its `chain`.
    pub fn add(chain: Option<Chain>, command: &Command) -> Result<Chain> {
        let header = header(command);
        let chain = chain.unwrap_or_else(|| Chain { header, data: Zeroizing::default() });
        if chain.header != header {
            return Err(Status::LAST_OF_CHAIN_EXPECTED);
        }
        let data = join(&chain.data, &command.data, MAX_COMMAND_DATA)?;
        Ok(Chain { header, data })
    }

    /// The complete command, of which `last` was the last part.
    pub fn close(self, last: Command) -> Command {
        Command { data: self.data, ..last }
    }
}

impl Envelope {
    /// Appends `part`; an empty part ends the command, and returns it.
    pub fn add(&mut self, part: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let parts = std::mem::take(&mut self.0);
        if part.is_empty() {
            return Ok(Some(parts));
        }
        self.0 = join(&parts, part, MAX_COMMAND)?;
        Ok(None)
    }
}

/// Both in new memory: growth in place leaves copies that nobody wipes.
fn join(first: &[u8], second: &[u8], limit: usize) -> Result<Zeroizing<Vec<u8>>> {
    let joined = Zeroizing::new([first, second].concat());
    if joined.len() <= limit { Ok(joined) } else { Err(Status::WRONG_LENGTH) }
}

fn header(command: &Command) -> [u8; 4] {
    [command.cla & !CHAINED, command.ins, command.p1, command.p2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_one_command() {
        let first = Command::read(&[0x10, 0xD6, 0, 0, 2, 1, 2]).unwrap();
        let last = Command::read(&[0x00, 0xD6, 0, 0, 1, 3]).unwrap();
        let chain = Chain::add(None, &first).and_then(|chain| Chain::add(Some(chain), &last)).unwrap();
        let whole = chain.close(last);
        assert_eq!((whole.cla, &whole.data[..]), (0, &[1, 2, 3][..]));
    }

    #[test]
    fn a_part_of_something_else_does_not_fit() {
        let first = Command::read(&[0x10, 0xD6, 0, 0, 1, 1]).unwrap();
        let chain = Chain::add(None, &first).ok();
        let other = Command::read(&[0x00, 0xD6, 0, 1, 1, 3]).unwrap();
        assert_eq!(Chain::add(chain, &other).err(), Some(Status::LAST_OF_CHAIN_EXPECTED));
    }

    #[test]
    fn a_chain_has_an_end() {
        let part =
            Command { data: Zeroizing::new(vec![0; MAX_COMMAND_DATA]), ..Command::read(&[0x10, 0xD6, 0, 0]).unwrap() };
        let chain = Chain::add(None, &part).ok();
        let more = Command { data: Zeroizing::new(vec![0]), ..part };
        assert_eq!(Chain::add(chain, &more).err(), Some(Status::WRONG_LENGTH));
    }

    #[test]
    fn an_empty_envelope_ends_the_command() {
        let mut envelope = Envelope::default();
        assert_eq!(envelope.add(&[0, 0xB0]), Ok(None));
        assert_eq!(envelope.add(&[0, 0, 0]), Ok(None));
        assert_eq!(envelope.add(&[]), Ok(Some(Zeroizing::new(vec![0, 0xB0, 0, 0, 0]))));
        assert_eq!(envelope.add(&[]), Ok(Some(Zeroizing::default())));
    }
}
