//! The orders to a card.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// The meaning of one line.
#[derive(Debug, PartialEq)]
pub enum Order {
    /// `delay MS`: delays each response, including a pending one.
    Delay(Duration),
    /// `answer PREFIX RESPONSE`: a command that begins with PREFIX gets RESPONSE; the first match counts. `-` is no
    /// bytes.
    Answer(Vec<u8>, Vec<u8>),
    /// `forget`: ends delay, answers and drop.
    Forget,
    /// `log`: the commands since the start or the last `clear`.
    Log,
    /// `count`: the number of these commands.
    Count,
    /// `clear`: empties the log, and resets the events to 0.
    Clear,
    /// `take`: returns and removes the oldest commands, up to 1,000: none is lost between a `log` and a `clear`.
    Take,
    /// `drop`: the next command gets no response: the card is removed, and stays out until `plug`.
    Drop,
    /// `half N`: the same after N bytes of the response.
    Half(usize),
    /// `plug`: inserts the card again.
    Plug,
    /// `events`: the number of power-ons, power-offs and resets, as `on=N off=N reset=N`.
    Events,
    /// `mute`: does not answer power-on and reset, until `unmute`.
    Mute,
    /// `unmute`: answers the next power-on or reset.
    Unmute,
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["delay", ms] => Ok(Order::Delay(milliseconds(ms)?)),
            ["answer", prefix, response] => Ok(Order::Answer(bytes(prefix)?, bytes(response)?)),
            ["forget"] => Ok(Order::Forget),
            ["log"] => Ok(Order::Log),
            ["count"] => Ok(Order::Count),
            ["clear"] => Ok(Order::Clear),
            ["take"] => Ok(Order::Take),
            ["drop"] => Ok(Order::Drop),
            ["half", length] => Ok(Order::Half(number(length)?)),
            ["plug"] => Ok(Order::Plug),
            ["events"] => Ok(Order::Events),
            ["mute"] => Ok(Order::Mute),
            ["unmute"] => Ok(Order::Unmute),
            _ => Err(format!("unknown order: {line}")),
        }
    }
}

/// Reads hexadecimal digits; `-` stands for no bytes.
pub fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits = if text == "-" { "" } else { text };
    hex::decode(digits).map_err(|error| format!("{text}: {error}"))
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    number(text).map(Duration::from_millis)
}

fn number<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read() {
        assert_eq!("delay 250".parse(), Ok(Order::Delay(Duration::from_millis(250))));
        assert_eq!("answer 00a4 6A82".parse(), Ok(Order::Answer(vec![0x00, 0xA4], vec![0x6A, 0x82])));
        assert_eq!("answer - -".parse(), Ok(Order::Answer(vec![], vec![])));
        assert_eq!("half 1".parse(), Ok(Order::Half(1)));
        assert_eq!(" log ".parse(), Ok(Order::Log));
        assert_eq!("take".parse(), Ok(Order::Take));
    }

    #[test]
    fn anything_else_is_refused() {
        for line in ["", "delay", "delay x", "answer 0 9000", "answer 00", "half", "half -1", "log 1", "LOG"] {
            assert!(line.parse::<Order>().is_err(), "{line}");
        }
    }
}
