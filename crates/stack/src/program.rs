//! A program of the stack that takes orders on its standard input, and answers each with a line.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::answer::{self, Answer};
use crate::launcher::Launcher;

/// This program, for the kernel. Its path does not help: inside the namespaces the kernel gives the path from outside
/// of a folder that was mounted as the root, and that path does not exist inside.
pub const THIS: &str = "/proc/self/exe";

/// A running program. Drop kills it.
pub struct Program {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    pub fn start(mut command: Command, launcher: &Launcher) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let path = command.get_program().to_string_lossy().into_owned();
        let mut child = launcher.launch(command).map_err(|error| format!("{path}: {error}"))?;
        let orders = child.stdin.take().ok_or("the program has no standard input")?;
        let answers = child.stdout.take().ok_or("the program has no standard output")?;
        Ok(Program { child, orders, answers: BufReader::new(answers) })
    }

    /// Passes `line` to the program and waits for its answer.
    pub fn tell(&mut self, line: &str) -> Answer {
        writeln!(self.orders, "{line}").map_err(gone)?;
        self.hear()
    }

    /// Waits for a line of the program.
    pub fn hear(&mut self) -> Answer {
        let mut line = String::new();
        self.answers.read_line(&mut line).map_err(gone)?;
        if line.is_empty() {
            return Err("the program has ended".into());
        }
        answer::read(&line)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail only if the program is already gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gone(error: io::Error) -> String {
    format!("the program has ended: {error}")
}
