//! The card between vpcd and opcard. opcard takes only complete commands, so this file assembles chains and splits long
//! responses.

use iso7816::command::{Command, CommandView, FromSliceError};
use iso7816::{Instruction, Status};
use opcard::{Client, Options};
use vpicc::VSmartCard;

/// The longest command and response; opcard announces it.
const MAX_LENGTH: usize = 7609;

pub struct Card<C: Client> {
    application: opcard::Card<C>,
    /// The parts so far of a chained command.
    chain: Option<Command<MAX_LENGTH>>,
    /// The rest of the last response.
    rest: Vec<u8>,
}

impl<C: Client> Card<C> {
    pub fn new(client: C) -> Self {
        Card { application: opcard::Card::new(client, Options::default()), chain: None, rest: Vec::new() }
    }

    fn restart(&mut self) {
        self.application.reset();
        self.chain = None;
        self.rest.clear();
    }

    fn handle(&mut self, apdu: &[u8]) -> Result<Vec<u8>, Status> {
        let part = CommandView::try_from(apdu).map_err(status)?;
        if part.instruction() == Instruction::GetResponse {
            return Ok(self.next_answer(part.expected()));
        }
        self.rest.clear();
        let Some(command) = self.whole(part)? else {
            return Ok(answer(&[], Status::Success));
        };
        let mut reply = heapless::Vec::<u8, MAX_LENGTH>::new();
        self.application.handle(command.as_view(), &mut reply)?;
        self.rest = reply.to_vec();
        Ok(self.next_answer(command.expected()))
    }

    /// The command that `part` completes, if it does.
    fn whole(&mut self, part: CommandView<'_>) -> Result<Option<Command<MAX_LENGTH>>, Status> {
        let command = match self.chain.take() {
            None => part.to_owned().map_err(status)?,
            Some(mut begun) => {
                begun.extend_from_command_view(part).map_err(|_| Status::WrongLength)?;
                begun
            }
        };
        if part.class().chain().not_the_last() {
            self.chain = Some(command);
            return Ok(None);
        }
        Ok(Some(command))
    }

    /// The requested part of the response; the status word tells the rest.
    fn next_answer(&mut self, expected: usize) -> Vec<u8> {
        let length = expected.min(self.rest.len());
        let data: Vec<u8> = self.rest.drain(..length).collect();
        let status = match self.rest.len() {
            0 => Status::Success,
            rest => Status::MoreAvailable(u8::try_from(rest).unwrap_or(u8::MAX)),
        };
        answer(&data, status)
    }
}

impl<C: Client> VSmartCard for Card<C> {
    /// A killed daemon never says "power off": verifications end here at the latest.
    fn power_on(&mut self) {
        self.restart();
    }

    fn power_off(&mut self) {
        self.restart();
    }

    fn reset(&mut self) {
        self.restart();
    }

    fn execute(&mut self, apdu: &[u8]) -> Vec<u8> {
        self.handle(apdu).unwrap_or_else(|status| answer(&[], status))
    }
}

fn answer(data: &[u8], status: Status) -> Vec<u8> {
    let status: [u8; 2] = status.into();
    [data, &status].concat()
}

fn status(error: FromSliceError) -> Status {
    match error {
        FromSliceError::InvalidClass => Status::ClassNotSupported,
        _ => Status::WrongLength,
    }
}
