//! The orders of the control socket.

use std::str::FromStr;

use nix::sys::signal::Signal;
use pcsc::Disposition;

use crate::card::Kind;
use crate::hold::{HoldKind, Release};
use crate::reader_state::Condition;

/// The meaning of one line.
#[derive(Debug, PartialEq)]
pub enum Order {
    /// An action on the reader with this number.
    Ifd(usize, ReaderAction),
    /// `daemon ...`
    Daemon(DaemonAction),
}

/// An action on a reader.
#[derive(Debug, PartialEq)]
pub enum ReaderAction {
    /// `ifd N`: its name.
    Name,
    /// `port N`: the port where vpcd waits for a card program that the stack does not start.
    Port,
    /// `insert N KIND [ATR]`: inserts a card; answers when the daemon reports it.
    Insert(Kind),
    /// `insert-now N KIND [ATR]`: inserts a card; answers at once.
    InsertNow(Kind),
    /// `remove N`: removes the card; answers when the daemon reports it.
    Remove,
    /// `pull N`: removes the card; answers at once.
    Pull,
    /// `await N present|empty`: answers when the daemon reports that.
    Await(Condition),
    /// `card N LINE`: passes LINE to the card, and its answer back.
    Tell(String),
    /// `reset N warm|cold`: resets the card, as another program would.
    Reset(Disposition),
    /// `hold N shared|exclusive|transaction`: another program holds the card.
    Hold(HoldKind),
    /// `release N leave|reset|unpower|die`: that program releases it, or dies.
    Release(Release),
    /// `unplug N`: removes the reader. A running daemon is restarted without it.
    Unplug,
    /// `plug N [NAME]`: adds it again, perhaps under another name; as above.
    Plug(Option<String>),
}

/// An action on the daemon.
#[derive(Debug, PartialEq)]
pub enum DaemonAction {
    /// `daemon start`: answers when the daemon lists its readers and reports every inserted card.
    Start,
    /// `daemon kill|stop`: with SIGKILL or SIGTERM; answers when it is gone.
    End(Signal),
    /// `daemon freeze|thaw`: with SIGSTOP and SIGCONT; a frozen daemon answers nothing.
    Signal(Signal),
    /// `daemon restart [kill|stop]`: end and start; `kill` by default.
    Restart(Signal),
}

impl FromStr for Order {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        read(line).ok_or_else(|| format!("unknown order: {line}"))
    }
}

fn read(line: &str) -> Option<Order> {
    let (verb, rest) = split(line);
    if verb == "daemon" {
        return daemon_action(rest).map(Order::Daemon);
    }
    let (index, rest) = split(rest);
    Some(Order::Ifd(index.parse().ok()?, reader_action(verb, rest)?))
}

fn reader_action(verb: &str, rest: &str) -> Option<ReaderAction> {
    if verb == "card" {
        return Some(ReaderAction::Tell(rest.into()));
    }
    if verb == "plug" {
        return Some(ReaderAction::Plug(Some(rest.trim_end()).filter(|name| !name.is_empty()).map(Into::into)));
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    match (verb, &words[..]) {
        ("ifd", []) => Some(ReaderAction::Name),
        ("port", []) => Some(ReaderAction::Port),
        ("insert", words) => kind(words).map(ReaderAction::Insert),
        ("insert-now", words) => kind(words).map(ReaderAction::InsertNow),
        ("remove", []) => Some(ReaderAction::Remove),
        ("pull", []) => Some(ReaderAction::Pull),
        ("await", ["present"]) => Some(ReaderAction::Await(Condition::Present)),
        ("await", ["empty"]) => Some(ReaderAction::Await(Condition::Empty)),
        ("reset", ["warm"]) => Some(ReaderAction::Reset(Disposition::ResetCard)),
        ("reset", ["cold"]) => Some(ReaderAction::Reset(Disposition::UnpowerCard)),
        ("hold", [kind]) => kind.parse().ok().map(ReaderAction::Hold),
        ("release", [release]) => release.parse().ok().map(ReaderAction::Release),
        ("unplug", []) => Some(ReaderAction::Unplug),
        _ => None,
    }
}

/// A kind is part of the path of a program, so it has only letters; or it is the path of a description.
fn kind(words: &[&str]) -> Option<Kind> {
    let (name, atr) = match *words {
        [name] => (name, None),
        [name, atr] => (name, Some(atr)),
        _ => return None,
    };
    let plain = name.bytes().all(|byte| byte.is_ascii_lowercase());
    (plain || name.ends_with(".toml")).then(|| Kind { name: name.into(), atr: atr.map(Into::into) })
}

fn daemon_action(rest: &str) -> Option<DaemonAction> {
    match rest {
        "start" => Some(DaemonAction::Start),
        "kill" => Some(DaemonAction::End(Signal::SIGKILL)),
        "stop" => Some(DaemonAction::End(Signal::SIGTERM)),
        "freeze" => Some(DaemonAction::Signal(Signal::SIGSTOP)),
        "thaw" => Some(DaemonAction::Signal(Signal::SIGCONT)),
        "restart" | "restart kill" => Some(DaemonAction::Restart(Signal::SIGKILL)),
        "restart stop" => Some(DaemonAction::Restart(Signal::SIGTERM)),
        _ => None,
    }
}

/// The first word, and the rest.
fn split(line: &str) -> (&str, &str) {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (word, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str, atr: Option<&str>) -> Kind {
        Kind { name: name.into(), atr: atr.map(Into::into) }
    }

    #[test]
    fn orders_are_read() {
        let orders = [
            ("ifd 0", Order::Ifd(0, ReaderAction::Name)),
            ("port 0", Order::Ifd(0, ReaderAction::Port)),
            ("insert 1 openpgp", Order::Ifd(1, ReaderAction::Insert(kind("openpgp", None)))),
            ("insert-now 1 steerable 3B00", Order::Ifd(1, ReaderAction::InsertNow(kind("steerable", Some("3B00"))))),
            ("insert 1 cards/t0.toml", Order::Ifd(1, ReaderAction::Insert(kind("cards/t0.toml", None)))),
            ("await 2 empty", Order::Ifd(2, ReaderAction::Await(Condition::Empty))),
            ("card 3  answer 00A4 9000", Order::Ifd(3, ReaderAction::Tell("answer 00A4 9000".into()))),
            ("reset 0 cold", Order::Ifd(0, ReaderAction::Reset(Disposition::UnpowerCard))),
            ("hold 0 transaction", Order::Ifd(0, ReaderAction::Hold(HoldKind::Transaction))),
            ("release 0 reset", Order::Ifd(0, ReaderAction::Release(Release::Reset))),
            ("release 0 die", Order::Ifd(0, ReaderAction::Release(Release::Die))),
            ("unplug 1", Order::Ifd(1, ReaderAction::Unplug)),
            ("plug 1", Order::Ifd(1, ReaderAction::Plug(None))),
            ("plug 1 Another Name\n", Order::Ifd(1, ReaderAction::Plug(Some("Another Name".into())))),
            ("daemon freeze", Order::Daemon(DaemonAction::Signal(Signal::SIGSTOP))),
            ("daemon restart stop", Order::Daemon(DaemonAction::Restart(Signal::SIGTERM))),
            (" daemon  kill\n", Order::Daemon(DaemonAction::End(Signal::SIGKILL))),
        ];
        for (line, order) in orders {
            assert_eq!(line.parse(), Ok(order), "{line}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let lines = [
            "",
            "ifd",
            "ifd x",
            "ifd 0 1",
            "insert 0",
            "insert 0 ../steerable",
            "insert 0 steerable 3B00 3B00",
            "hold 0",
            "release 0 keep",
            "unplug",
            "reset 0 hot",
            "daemon",
            "daemon burn",
        ];
        for line in lines {
            assert!(line.parse::<Order>().is_err(), "{line}");
        }
    }
}
