//! The reader of a played card: a virtual reader of libscm, or a reader of vpcd in a private stack (`crates/stack`).

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use test_reader::{Card, Shared, TestReader, lock};
use vpcd::{Plug, Wire};
use vpicc::VSmartCard;

use crate::actor::Actor;

/// Where the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Virtual,
    Pcscd,
}

/// A card in a reader. Drop takes the card out.
pub enum Inserted {
    Virtual { name: String, _reader: TestReader },
    Pcscd { name: String, wire: Wire, card: Option<JoinHandle<()>> },
}

impl Side {
    pub fn insert(self, actor: &Shared<Actor>, atr: &[u8]) -> Result<Inserted, String> {
        match self {
            Side::Virtual => insert_virtually(actor, atr),
            Side::Pcscd => insert_into_vpcd(actor, atr),
        }
    }
}

impl Inserted {
    pub fn ifd(&self) -> &str {
        match self {
            Inserted::Virtual { name, .. } | Inserted::Pcscd { name, .. } => name,
        }
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        let Inserted::Pcscd { wire, card, .. } = self else { return };
        // It fails if the reader is gone, and then the card is out.
        let _ = wire.cut();
        let _ = card.take().map(JoinHandle::join);
        // pcscd has to see the empty reader, or it takes the next card for this one.
        let _ = order("await 0 empty");
    }
}

impl Card for Actor {
    fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        self.exchange(command)
    }

    fn reset(&mut self) {
        self.forget();
    }
}

fn insert_virtually(actor: &Shared<Actor>, atr: &[u8]) -> Result<Inserted, String> {
    let reader = TestReader::insert(actor, atr, 0)
        .map_err(|code| format!("the card cannot be inserted: {}", crate::code::name(code)))?;
    Ok(Inserted::Virtual { name: reader.name().to_string_lossy().into_owned(), _reader: reader })
}

/// The card in a reader of vpcd.
struct Socket {
    actor: Shared<Actor>,
    atr: Vec<u8>,
}

impl VSmartCard for Socket {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn power_on(&mut self) {
        lock(&self.actor).forget();
    }

    fn power_off(&mut self) {
        lock(&self.actor).forget();
    }

    fn reset(&mut self) {
        lock(&self.actor).forget();
    }

    fn execute(&mut self, apdu: &[u8]) -> Vec<u8> {
        lock(&self.actor).exchange(apdu)
    }
}

fn insert_into_vpcd(actor: &Shared<Actor>, atr: &[u8]) -> Result<Inserted, String> {
    let port = order("port 0")?.parse().map_err(|_| "the stack does not tell the port of its reader")?;
    let plug = Plug::insert(port).map_err(|error| error.to_string())?;
    let wire = plug.wire().map_err(|error| error.to_string())?;
    let mut socket = Socket { actor: Arc::clone(actor), atr: atr.to_vec() };
    let card = Some(thread::spawn(move || plug.run(&mut socket)));
    order("await 0 present")?;
    Ok(Inserted::Pcscd { name: order("ifd 0")?, wire, card })
}

/// Gives the stack an order, and returns its answer.
fn order(line: &str) -> Result<String, String> {
    let path = std::env::var_os("SCM_STACK").ok_or("SCM_STACK is not set: start this program with scm-stack run")?;
    let mut answer = String::new();
    let mut ask = || {
        let mut stack = UnixStream::connect(&path)?;
        writeln!(stack, "{line}")?;
        BufReader::new(stack).read_line(&mut answer)
    };
    ask().map_err(|error| format!("the order \"{line}\" to the stack: {error}"))?;
    match answer.trim_end().split_at_checked(2) {
        Some(("ok", value)) => Ok(value.trim_start().into()),
        _ => Err(format!("the order \"{line}\" to the stack: {answer}")),
    }
}
