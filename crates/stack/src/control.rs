//! The control socket: one line of answer for each line.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use crate::answer;
use crate::configuration;
use crate::stack::Stack;

/// The environment variable with the path of the socket.
pub const VARIABLE: &str = "SCM_STACK";

pub fn path() -> PathBuf {
    configuration::files().join("control")
}

/// Serves any number of clients, each in its own thread, until the process ends.
pub fn listen(stack: Arc<Stack>) -> io::Result<()> {
    let listener = UnixListener::bind(path())?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let stack = Arc::clone(&stack);
            // A client that leaves ends its thread; nobody needs to know.
            thread::spawn(move || serve(&client, &stack));
        }
    });
    Ok(())
}

fn serve(mut client: &UnixStream, stack: &Stack) -> io::Result<()> {
    for line in BufReader::new(client).lines() {
        let answer = line?.parse().and_then(|order| stack.execute(order));
        client.write_all(answer::line(answer).as_bytes())?;
    }
    Ok(())
}

/// Sends `line` to the stack of this process, prints the answer, and returns the exit status.
pub fn tell(line: &str) -> Result<i32, Box<dyn Error>> {
    let path = env::var_os(VARIABLE).ok_or("SCM_STACK is not set: this is no stack")?;
    let mut stack = UnixStream::connect(path)?;
    writeln!(stack, "{line}")?;
    let mut answer = String::new();
    BufReader::new(stack).read_line(&mut answer)?;
    print!("{answer}");
    Ok(answer::read(&answer).is_err().into())
}
