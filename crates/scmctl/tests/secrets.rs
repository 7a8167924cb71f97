//! No copy of a code is left in the memory of scmctl after its command. The shell runs on, so that its memory can be
//! searched.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdin, Command, Stdio};

/// The search must find this, which is in the environment of the process.
const CONTROL: &str = "a-text-that-stays";

struct Shell {
    child: Child,
    input: ChildStdin,
}

impl Shell {
    fn start() -> Shell {
        let mut child = Command::new(env!("CARGO_BIN_EXE_scmctl"))
            .args(["--card", "default", "--codes-from-stdin", "shell", "--json"])
            .env("SCMCTL_CONTROL", CONTROL)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        Shell { child, input }
    }

    /// Obeys these lines, and a last one whose answer tells that they were obeyed.
    fn obey(&mut self, lines: &str) {
        writeln!(self.input, "{lines}\npwd").unwrap();
        let answers = BufReader::new(self.child.stdout.as_mut().unwrap()).lines();
        assert!(answers.map_while(Result::ok).any(|line| line.contains("current directory")));
    }

    /// Whether the bytes are anywhere in the written memory of the process.
    fn has_in_memory(&self, wanted: &[u8]) -> bool {
        let id = self.child.id();
        let memory = File::open(format!("/proc/{id}/mem")).unwrap();
        let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
        maps.lines().filter(|line| !line.contains("[v")).any(|line| {
            let (range, rest) = line.split_once(' ').unwrap();
            let (begin, end) = range.split_once('-').unwrap();
            let address = |digits| u64::from_str_radix(digits, 16).unwrap();
            let mut bytes = vec![0; (address(end) - address(begin)) as usize];
            // A code can only be in memory that can be written. Some pages cannot be read.
            rest.starts_with("rw")
                && memory.read_exact_at(&mut bytes, address(begin)).is_ok()
                && bytes.windows(wanted.len()).any(|window| window == wanted)
        })
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn codes_are_wiped() {
    let mut shell = Shell::start();
    shell.obey("verify 2\n73918462\nchange 1\n50283746\n61937284\nunblock 1\n82736455\n19283746");
    assert!(shell.has_in_memory(CONTROL.as_bytes()), "the search finds nothing");
    for code in ["73918462", "50283746", "61937284", "82736455", "19283746"] {
        assert!(!shell.has_in_memory(code.as_bytes()), "{code}");
    }
}

#[test]
fn commands_with_codes_are_wiped() {
    let mut shell = Shell::start();
    shell.obey("00 20 00 02 08 37 31 32 33 39 39 38 38\nraw 0020000208 3634393337313832");
    for code in [&b"71239988"[..], b"37 31 32 33 39 39", b"64937182", b"3634393337313832"] {
        assert!(!shell.has_in_memory(code), "{}", String::from_utf8_lossy(code));
    }
}
