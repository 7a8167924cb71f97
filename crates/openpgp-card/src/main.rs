//! An OpenPGP card of another project in a vpcd reader: the crate `opcard` on `trussed`, both in memory.
//!
//! Every start creates a fresh card: no keys, user PIN 123456, admin PIN 12345678, and the same random numbers. The
//! card ends with its standard input, and answers each line there with an error, because it has no orders.

mod backends;
mod card;

use std::io;
use std::process;
use std::thread;

use clap::Parser;
use trussed::virt::{StoreConfig, with_platform};

use backends::{Backends, ORDER};
use card::Card;

#[derive(Parser)]
#[command(about = "An OpenPGP card in a vpcd reader")]
struct Arguments {
    /// The TCP port of the vpcd reader
    #[arg(long)]
    port: u16,
}

fn main() {
    let arguments = Arguments::parse();
    thread::spawn(end_with_stdin);
    with_platform(StoreConfig::ram(), |platform| {
        platform.run_client_with_backends("opcard", Backends::default(), ORDER, |client| {
            vpcd::serve(arguments.port, &mut Card::new(client))
        })
    })
}

fn end_with_stdin() {
    for _line in io::stdin().lines().map_while(Result::ok) {
        println!("error this card obeys no orders");
    }
    process::exit(0)
}
