//! The card with its orders, for the C interface and the program `scm-card`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::card::Card;
use crate::profile::{Profile, ProfileError};
use crate::steering::{Event, Steering};

/// A card that any number of threads may use and control. Commands run in sequence; an order never waits for one.
pub struct TestCard {
    atr: Vec<u8>,
    card: Mutex<Card>,
    steering: Steering,
}

/// The reason why a card does not respond.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Silence {
    /// It was told to drop out, and is not in its reader.
    Out,
    /// It was told to be mute, and has no ATR.
    Mute,
}

impl TestCard {
    /// Creates the card of `profile`.
    pub fn new(profile: &Profile) -> Result<TestCard, ProfileError> {
        let card = Card::new(profile)?;
        Ok(TestCard { atr: card.atr().to_vec(), card: Mutex::new(card), steering: Steering::default() })
    }

    /// The ATR, even if the card is mute.
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    pub fn steering(&self) -> &Steering {
        &self.steering
    }

    /// Responds to `apdu` after the ordered delay; any bytes get a status word, unless something else was ordered.
    pub fn transmit(&self, apdu: &[u8]) -> Result<Vec<u8>, Silence> {
        if self.steering.is_out() {
            return Err(Silence::Out);
        }
        let start = Instant::now();
        let answer = self.answer(apdu);
        self.steering.wait_out(start);
        if self.steering.drops_out().is_some() {
            self.lose_power();
            return Err(Silence::Out);
        }
        Ok(answer)
    }

    /// The response to `apdu` at once, for callers with their own delay.
    pub fn answer(&self, apdu: &[u8]) -> Vec<u8> {
        self.steering.received(apdu);
        let laid_down = self.steering.answer(apdu);
        laid_down.unwrap_or_else(|| self.card().transmit(apdu))
    }

    /// Ends the session, as a removal does without a word from the reader.
    pub fn lose_power(&self) {
        self.card().reset();
    }

    /// A power event of the reader: each ends the session. A card that is off cannot be mute.
    pub fn power(&self, event: Event) -> Result<(), Silence> {
        self.card().reset();
        self.steering.happened(event);
        if event == Event::PowerOff {
            Ok(())
        } else if self.steering.is_out() {
            Err(Silence::Out)
        } else if self.steering.is_mute() {
            Err(Silence::Mute)
        } else {
            Ok(())
        }
    }

    /// Executes an order, and returns the answer: `ok`, `ok VALUE` or `error TEXT`.
    pub fn tell(&self, line: &str) -> String {
        match line.parse().map(|order| self.steering.execute(order)) {
            Ok(value) if value.is_empty() => "ok".into(),
            Ok(value) => format!("ok {value}"),
            Err(text) => format!("error {text}"),
        }
    }

    /// A command that panicked is a bug; the card keeps its files and needs a reset.
    fn card(&self) -> MutexGuard<'_, Card> {
        self.card.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    fn steerable() -> TestCard {
        let profile = Profile::from_toml(Profile::built_in("steerable").unwrap()).unwrap();
        TestCard::new(&profile).unwrap()
    }

    #[test]
    fn it_does_what_it_is_told() {
        let card = steerable();
        assert_eq!(card.tell("answer 00A4 6A82"), "ok");
        assert_eq!(card.transmit(&[0, 0xA4, 0, 0]), Ok(vec![0x6A, 0x82]));
        assert_eq!(card.transmit(&[0, 0x20, 0, 1, 1, 9]), Ok(vec![0x6A, 0x88]));
        assert_eq!(card.tell("log"), "ok 00A40000 00200001..");
        assert_eq!(card.tell("jump"), "error unknown order: jump");
    }

    #[test]
    fn out_it_answers_nothing_and_has_forgotten() {
        let card = steerable();
        card.transmit(&[0x80, 0x5E, 0, 0, 1, 9]).unwrap();
        card.tell("drop");
        assert_eq!(card.transmit(&[0, 0xA4, 0, 0]), Err(Silence::Out));
        assert_eq!(card.transmit(&[0, 0xA4, 0, 0]), Err(Silence::Out));
        assert_eq!(card.power(Event::PowerOn), Err(Silence::Out));
        card.tell("plug");
        assert_eq!(card.power(Event::PowerOn), Ok(()));
        assert_eq!(card.transmit(&[0x80, 0x5F, 0, 0, 0]), Ok(vec![0x6A, 0x88]));
    }

    #[test]
    fn mute_it_answers_no_reset() {
        let card = steerable();
        card.tell("mute");
        assert_eq!(card.power(Event::Reset), Err(Silence::Mute));
        assert_eq!(card.power(Event::PowerOff), Ok(()));
        card.tell("unmute");
        assert_eq!(card.power(Event::PowerOn), Ok(()));
        assert_eq!(card.tell("events"), "ok on=1 off=1 reset=1");
    }

    #[test]
    fn a_command_that_waits_is_let_go() {
        let card = Arc::new(steerable());
        card.tell("delay 3600000");
        let waiting = Arc::clone(&card);
        let thread = thread::spawn(move || waiting.transmit(&[0x80, 0xEC, 0, 0, 1, 7]));
        while card.tell("count") != "ok 1" {
            thread::yield_now();
        }
        card.tell("delay 0");
        assert_eq!(thread.join().unwrap(), Ok(vec![7, 0x90, 0x00]));
    }
}
