//! The card that is played: the lines of the description, and behind them the card that answers as usual. It writes down what it was
//! asked.

use crate::family::{Answer, Answering, Family, Protocol};
use crate::transport::Transport;

/// A command, and what was answered.
pub type Exchange = (Vec<u8>, Vec<u8>);

pub struct Actor {
    /// The lines, and how often each was used.
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

    pub fn reset(&mut self) {
        self.transport.reset();
    }

    /// The first line that fits answers.
    pub fn answer(&mut self, command: &[u8]) -> Vec<u8> {
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

    /// The exchanges since this was called the last time.
    pub fn take_log(&mut self) -> Vec<Exchange> {
        std::mem::take(&mut self.log)
    }
}
