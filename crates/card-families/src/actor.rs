//! The played card. The literal answers of the description come first; the model of a card answers the other commands.
//! The actor keeps a log of all exchanges.

use crate::family::{Answer, Answering, Family, Protocol};
use crate::transport::Transport;

/// A command and its response.
pub type Exchange = (Vec<u8>, Vec<u8>);

pub struct Actor {
    /// The literal answers, and how often each was used.
    lines: Vec<(Answering, usize)>,
    transport: Transport,
    log: Vec<Exchange>,
}

impl Actor {
    pub fn new(family: &Family, protocol: Protocol) -> Actor {
        Actor {
            lines: family.answering.iter().map(|line| (line.clone(), 0)).collect(),
            transport: Transport::new(protocol, &family.card),
            log: Vec::new(),
        }
    }

    /// A reset, or a loss of power.
    pub fn forget(&mut self) {
        self.transport.reset();
    }

    /// Responds with the first literal answer that fits, or with that of the model.
    pub fn exchange(&mut self, command: &[u8]) -> Vec<u8> {
        let literally = self.lines.iter_mut().find(|(line, _)| line.command.fits(command)).and_then(|(line, times)| {
            let answer = line.answers.get(*times).or(line.answers.last());
            *times += 1;
            match answer {
                Some(Answer::Literally(bytes)) => Some(bytes.0.clone()),
                _ => None,
            }
        });
        let answer = literally.unwrap_or_else(|| self.transport.exchange(command));
        self.log.push((command.to_vec(), answer.clone()));
        answer
    }

    /// The exchanges since the last call of this function.
    pub fn take_log(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.log)
    }
}
