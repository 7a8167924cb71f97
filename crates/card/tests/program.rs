//! The program, in a reader that is a socket of this test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The program, which ends with the test.
struct Program {
    child: Child,
    answers: BufReader<ChildStdout>,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scm-card"));
    command.args(arguments);
    command
}

impl Program {
    fn start(listener: &TcpListener, arguments: &[&str]) -> Program {
        let port = listener.local_addr().unwrap().port().to_string();
        let mut command = command(arguments);
        command.args(["--port", &port]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Program { child, answers }
    }

    fn tell(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim_end().into()
    }
}

impl Drop for Program {
    /// It ends when its standard input does.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

fn reader() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()
}

fn send(stream: &mut TcpStream, message: &[u8]) {
    stream.write_all(&[&(message.len() as u16).to_be_bytes(), message].concat()).unwrap();
}

fn exchange(stream: &mut TcpStream, message: &[u8]) -> Vec<u8> {
    send(stream, message);
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

const POWER_ON: [u8; 1] = [1];
const GET_ATR: [u8; 1] = [4];
const SELECT_MF: [u8; 4] = [0x00, 0xA4, 0x00, 0x0C];

#[test]
fn the_card_is_in_its_reader() {
    let listener = reader();
    let mut program = Program::start(&listener, &[]);
    let (mut stream, _) = listener.accept().unwrap();
    send(&mut stream, &POWER_ON);
    assert!(exchange(&mut stream, &GET_ATR).starts_with(&[0x3B, 0x8B, 0x01]));
    assert_eq!(exchange(&mut stream, &SELECT_MF), [0x90, 0x00]);
    assert_eq!(program.tell("events"), "ok on=1 off=0 reset=0");
    assert_eq!(program.tell("log"), "ok 00A4000C");
    assert_eq!(program.tell("nonsense"), "error unknown order: nonsense");
}

#[test]
fn it_drops_out_in_the_middle_of_an_answer() {
    let listener = reader();
    let mut program = Program::start(&listener, &["--profile", "steerable"]);
    let (mut stream, _) = listener.accept().unwrap();
    assert_eq!(program.tell("half 1"), "ok");
    send(&mut stream, &[0x80, 0xEC, 0, 0, 2, 7, 8]);
    let mut got = Vec::new();
    stream.read_to_end(&mut got).unwrap();
    assert_eq!(got, [0, 4, 7]);
    assert_eq!(program.tell("plug"), "ok");
    let (mut stream, _) = listener.accept().unwrap();
    assert_eq!(exchange(&mut stream, &[0x80, 0xEC, 0, 0, 1, 7]), [7, 0x90, 0x00]);
}

#[test]
fn it_drops_out_and_comes_back_without_its_memory() {
    let listener = reader();
    let mut program = Program::start(&listener, &["--profile", "steerable", "--atr", "3B00"]);
    let (mut stream, _) = listener.accept().unwrap();
    assert_eq!(exchange(&mut stream, &GET_ATR), [0x3B, 0x00]);
    assert_eq!(exchange(&mut stream, &[0x80, 0x5E, 0, 0, 1, 9]), [0x90, 0x00]);
    assert_eq!(program.tell("drop"), "ok");
    send(&mut stream, &SELECT_MF);
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    assert_eq!(program.tell("plug"), "ok");
    let (mut stream, _) = listener.accept().unwrap();
    assert_eq!(exchange(&mut stream, &[0x80, 0x5F, 0, 0, 0]), [0x6A, 0x88]);
}

#[test]
fn mute_it_has_more_of_an_atr_than_fits() {
    let listener = reader();
    let mut program = Program::start(&listener, &["--profile", "steerable"]);
    let (mut stream, _) = listener.accept().unwrap();
    program.tell("mute");
    assert!(exchange(&mut stream, &GET_ATR).len() > 33);
    program.tell("unmute");
    assert_eq!(exchange(&mut stream, &GET_ATR).len(), 7);
}

#[test]
fn a_delay_ends_when_it_is_changed() {
    let listener = reader();
    let mut program = Program::start(&listener, &["--profile", "steerable"]);
    let (mut stream, _) = listener.accept().unwrap();
    program.tell("delay 3600000");
    send(&mut stream, &SELECT_MF);
    while program.tell("count") != "ok 1" {}
    program.tell("delay 0");
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0, 2, 0x90, 0x00]);
}

#[test]
fn a_profile_is_checked() {
    let check = |profile: &str| -> Output { command(&["--check", "--profile", profile]).output().unwrap() };
    assert!(check("default").status.success());
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/wrong.toml");
    std::fs::write(path, "[mf]\nid = 'x'\n").unwrap();
    let output = check(path);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("line 2"), "{error}");
    assert!(!check("no-such-file").status.success());
}
