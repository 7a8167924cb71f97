//! The card: its commands, and how it obeys the steering while it answers them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use iso7816::command::CommandView;
use vpcd::{Plug, Wire};
use vpicc::VSmartCard;

use crate::steering::{Event, Steering};

const OK: [u8; 2] = [0x90, 0x00];
const WRONG_LENGTH: [u8; 2] = [0x67, 0x00];
const DATA_NOT_FOUND: [u8; 2] = [0x6A, 0x88];
const INS_NOT_SUPPORTED: [u8; 2] = [0x6D, 0x00];

/// The most data that leaves room for the status word in one message of vpcd.
const MAX_DATA: usize = u16::MAX as usize - OK.len();

/// How often the card looks up from a delay, to see whether it was changed.
const LOOK_UP: Duration = Duration::from_millis(5);

pub struct Card {
    atr: Vec<u8>,
    memory: Option<Vec<u8>>,
    steering: Arc<Steering>,
    wire: Option<Wire>,
}

impl Card {
    pub fn new(atr: Vec<u8>, steering: Arc<Steering>) -> Self {
        Card { atr, memory: None, steering, wire: None }
    }

    /// Stays in the reader at `port`, except while it was told to be out.
    pub fn serve(mut self, port: u16) -> ! {
        loop {
            self.steering.wait_to_plug();
            let Ok(plug) = Plug::insert(port) else { continue };
            self.wire = plug.wire().ok();
            plug.run(&mut self);
            // Out of its reader a card has no power.
            self.memory = None;
            self.wire = None;
        }
    }

    fn answer(&mut self, apdu: &[u8]) -> Vec<u8> {
        let laid_down = self.steering.answer(apdu);
        laid_down.unwrap_or_else(|| self.run(apdu))
    }

    fn run(&mut self, apdu: &[u8]) -> Vec<u8> {
        let Ok(command) = CommandView::try_from(apdu) else {
            return WRONG_LENGTH.into();
        };
        match apdu[..4] {
            [0x80, 0xEC, 0, 0] => success(command.data()),
            [0x80, 0xCA, p1, p2] => success(&pattern(u16::from_be_bytes([p1, p2]).into())),
            [0x80, 0x5E, 0, 0] => self.remember(command.data()),
            [0x80, 0x5F, 0, 0] => self.recall(),
            _ => INS_NOT_SUPPORTED.into(),
        }
    }

    fn remember(&mut self, data: &[u8]) -> Vec<u8> {
        self.memory = Some(data.to_vec());
        OK.into()
    }

    fn recall(&self) -> Vec<u8> {
        self.memory.as_deref().map_or(DATA_NOT_FOUND.into(), success)
    }

    /// Waits as long as a command that came at `start` must; not any longer when its reader went away.
    fn wait(&self, start: Instant) {
        loop {
            let rest = self.steering.rest_of_delay(start).min(LOOK_UP);
            if rest.is_zero() || self.sleep(rest) {
                return;
            }
        }
    }

    fn sleep(&self, duration: Duration) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.wait_for_end(duration))
    }

    fn tear_out(&self) {
        if let Some(wire) = &self.wire {
            // It fails when the reader was faster, and then the card is out as well.
            let _ = wire.cut();
        }
    }

    fn lose_memory(&mut self, event: Event) {
        self.memory = None;
        self.steering.happened(event);
    }
}

impl VSmartCard for Card {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// A daemon that was killed never said "power off": memory is lost at the latest here.
    fn power_on(&mut self) {
        self.lose_memory(Event::PowerOn);
    }

    fn power_off(&mut self) {
        self.lose_memory(Event::PowerOff);
    }

    fn reset(&mut self) {
        self.lose_memory(Event::Reset);
    }

    fn execute(&mut self, apdu: &[u8]) -> Vec<u8> {
        let start = Instant::now();
        self.steering.received(apdu);
        let answer = self.answer(apdu);
        self.wait(start);
        // A reader that waits for an empty answer waits for ever: recv(2) for no bytes does not return.
        if self.steering.drops_out() || answer.is_empty() {
            self.tear_out();
        }
        answer
    }
}

fn success(data: &[u8]) -> Vec<u8> {
    let end = data.len().min(MAX_DATA);
    [&data[..end], &OK].concat()
}

fn pattern(length: usize) -> Vec<u8> {
    (0..=u8::MAX).cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        Card::new(vec![0x3B, 0x00], Arc::default())
    }

    #[test]
    fn echo_takes_short_and_extended_data() {
        let mut card = card();
        assert_eq!(card.execute(&[0x80, 0xEC, 0, 0]), OK);
        assert_eq!(card.execute(&[0x80, 0xEC, 0, 0, 0]), OK);
        assert_eq!(card.execute(&[0x80, 0xEC, 0, 0, 2, 7, 8]), [7, 8, 0x90, 0]);
        assert_eq!(card.execute(&[0x80, 0xEC, 0, 0, 2, 7, 8, 0]), [7, 8, 0x90, 0]);
        let data = pattern(MAX_DATA - 7);
        let length = (data.len() as u16).to_be_bytes();
        let apdu = [&[0x80, 0xEC, 0, 0, 0], &length[..], &data, &[0, 0]].concat();
        assert_eq!(card.execute(&apdu), success(&data));
    }

    #[test]
    fn a_pattern_fills_one_message_at_most() {
        let mut card = card();
        assert_eq!(card.execute(&[0x80, 0xCA, 0, 3, 0]), [0, 1, 2, 0x90, 0]);
        let answer = card.execute(&[0x80, 0xCA, 0xFF, 0xFF, 0, 0, 0]);
        assert_eq!(answer.len(), usize::from(u16::MAX));
        assert_eq!(answer[256..258], [0, 1]);
        assert!(answer.ends_with(&OK));
    }

    #[test]
    fn memory_ends_with_reset_and_power() {
        for event in [Card::reset, Card::power_off, Card::power_on] {
            let mut card = card();
            assert_eq!(card.execute(&[0x80, 0x5F, 0, 0, 0]), DATA_NOT_FOUND);
            assert_eq!(card.execute(&[0x80, 0x5E, 0, 0, 1, 9]), OK);
            assert_eq!(card.execute(&[0x80, 0x5F, 0, 0, 0]), [9, 0x90, 0]);
            event(&mut card);
            assert_eq!(card.execute(&[0x80, 0x5F, 0, 0, 0]), DATA_NOT_FOUND);
        }
    }

    #[test]
    fn what_it_does_not_know_it_refuses() {
        let mut card = card();
        assert_eq!(card.execute(&[0x00, 0xA4, 4, 0]), INS_NOT_SUPPORTED);
        assert_eq!(card.execute(&[0x80, 0xEC, 0, 1]), INS_NOT_SUPPORTED);
        assert_eq!(card.execute(&[0x80, 0xEC]), WRONG_LENGTH);
        assert_eq!(card.execute(&[0x80, 0xEC, 0, 0, 5, 1]), WRONG_LENGTH);
    }
}
