//! One call of libscm, and the right result.

use scm::abi::constants::{SCM_FL_IHV_CHANGE, SCM_FL_IHV_DISABLE, SCM_FL_IHV_ENABLE};
use serde::Deserialize;

use crate::bytes::{Bytes, Word};
use crate::program::Program;

/// A code of libscm, and the other wrong results of a call.
pub struct Outcome {
    pub code: i32,
    pub differences: Vec<String>,
    /// The bytes are at least a beginning of the right ones.
    pub begins_right: bool,
}

/// Each is a table in the description; its first field is its name.
pub enum Call {
    Transmit(Transmit),
    Send(Send),
    LastResponse(LastResponse),
    Capabilities(Capabilities),
    Open(Open),
    Cat(Cat),
    Read(Read),
    Write(Write),
    Seek(Seek),
    Size(Size),
    Directory(Directory),
    Verify(Verify),
    Check(Check),
    Change(Change),
    Disable(Disable),
    Enable(Enable),
    Unblock(Unblock),
    Properties(Properties),
    Invalidate(Invalidate),
    Rehabilitate(Rehabilitate),
}

/// `scm_transmit`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transmit {
    transmit: Bytes,
    gives: Bytes,
}

/// `scm_send_ex`: header and data of the command; the data of the response, and its status word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    pub send: Bytes,
    #[serde(default)]
    pub expected: u32,
    #[serde(default)]
    pub channel: u32,
    /// The words that are returned to the caller: `61XX`, `6CXX`.
    #[serde(default)]
    pub keep: Vec<Word>,
    /// One byte.
    pub get_response_class: Option<Bytes>,
    /// Only these are successes.
    #[serde(default)]
    pub successes: Vec<Word>,
    #[serde(default)]
    gives: Bytes,
    word: Option<Word>,
}

/// `scm_get_last_response`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastResponse {
    last_response: Bytes,
}

/// `scm_set_card_capabilities`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    pub capabilities: Limits,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
pub struct Limits {
    pub chaining: bool,
    pub extended: bool,
    pub command_data: u32,
    pub response_data: u32,
}

/// `scm_file_access_open`: the file of the following calls.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    open: String,
}

/// Opens a file and reads it to its end, in pieces: all its bytes, and the code of the end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cat {
    cat: String,
    #[serde(default = "piece")]
    piece: usize,
    gives: Bytes,
}

fn piece() -> usize {
    4096
}

/// `scm_file_read`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    read: usize,
    #[serde(default)]
    gives: Bytes,
}

/// `scm_file_write`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    write: Bytes,
    written: Option<usize>,
}

/// `scm_file_seek`, from the beginning.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seek {
    seek: i64,
}

/// `scm_file_get_size`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    size: u64,
}

/// `scm_file_access_change_dir` and `scm_file_access_directory`: the names, in any order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    directory: String,
    #[serde(default)]
    gives: Vec<String>,
}

/// `scm_ch_verification_verify`; no `tries` means unknown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    verify: Bytes,
    reference: u8,
    tries: Option<u32>,
}

/// The same with `SCM_FL_IHV_CHECKONLY`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    check: u8,
    tries: Option<u32>,
}

/// `scm_ch_verification_change_code`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    change: Bytes,
    to: Bytes,
    reference: u8,
    tries: Option<u32>,
}

/// The same with `SCM_FL_IHV_DISABLE`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disable {
    disable: Bytes,
    reference: u8,
    tries: Option<u32>,
}

/// The same with `SCM_FL_IHV_ENABLE`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enable {
    enable: Bytes,
    reference: u8,
    tries: Option<u32>,
}

/// `scm_ch_verification_unblock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unblock {
    unblock: Bytes,
    to: Bytes,
    reference: u8,
    tries: Option<u32>,
}

/// `scm_file_access_get_properties`: all of them, concatenated.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Properties {
    properties: String,
    #[serde(default)]
    gives: Bytes,
}

/// `scm_file_access_invalidate`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invalidate {
    invalidate: String,
}

/// `scm_file_access_rehabilitate`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehabilitate {
    rehabilitate: String,
}

impl Call {
    pub fn read(table: toml::Table) -> Result<Call, String> {
        let error = |error: toml::de::Error| error.message().to_string();
        macro_rules! by_its_first_field {
            ($($field:literal => $call:ident,)*) => {
                $(if table.contains_key($field) {
                    return table.try_into().map(Call::$call).map_err(error);
                })*
                Err(concat!("a call has one of ", $($field, ", ",)* "and none of them is here").into())
            };
        }
        by_its_first_field! {
            "transmit" => Transmit,
            "send" => Send,
            "last_response" => LastResponse,
            "capabilities" => Capabilities,
            "open" => Open,
            "cat" => Cat,
            "read" => Read,
            "write" => Write,
            "seek" => Seek,
            "size" => Size,
            "directory" => Directory,
            "verify" => Verify,
            "check" => Check,
            "change" => Change,
            "disable" => Disable,
            "enable" => Enable,
            "unblock" => Unblock,
            "properties" => Properties,
            "invalidate" => Invalidate,
            "rehabilitate" => Rehabilitate,
        }
    }

    /// The code of a successful call.
    pub fn usual_code(&self) -> &'static str {
        match self {
            Call::Cat(_) => "W_EOF",
            _ => "S_OK",
        }
    }

    pub fn play(&self, program: &mut Program) -> Outcome {
        match self {
            Call::Transmit(call) => answer_outcome("gives", program.transmit(&call.transmit.0), &call.gives),
            Call::Send(call) => {
                let (code, answer, word) = program.send(call);
                let right_word = call.word.map_or(word, Word::value);
                let words = compared("word", &Word::new(word), &Word::new(right_word));
                outcome(code, [compared("gives", &Bytes(answer), &call.gives), words])
            }
            Call::LastResponse(call) => answer_outcome("last_response", program.last_response(), &call.last_response),
            Call::Capabilities(call) => outcome(program.set_capabilities(&call.capabilities), []),
            Call::Open(call) => outcome(program.open(&call.open), []),
            Call::Cat(call) => bytes_outcome(program.cat(&call.cat, call.piece), &call.gives.0),
            Call::Read(call) => bytes_outcome(program.read(call.read), &call.gives.0),
            Call::Write(call) => {
                let (code, written) = program.write(&call.write.0);
                let right = call.written.unwrap_or(if code >= 0 { call.write.0.len() } else { 0 });
                outcome(code, [compared("written", &written, &right)])
            }
            Call::Seek(call) => outcome(program.seek(call.seek), []),
            Call::Size(call) => {
                let (code, size) = program.size();
                outcome(code, [compared("size", &size, &call.size)])
            }
            Call::Directory(call) => {
                let (code, mut names) = program.directory(&call.directory);
                let mut right = call.gives.clone();
                names.sort();
                right.sort();
                outcome(code, [compared("gives", &names, &right)])
            }
            Call::Verify(call) => tries_outcome(program.verify(Some(&call.verify.0), call.reference), call.tries),
            Call::Check(call) => tries_outcome(program.verify(None, call.check), call.tries),
            Call::Properties(call) => answer_outcome("gives", program.properties(&call.properties), &call.gives),
            Call::Invalidate(call) => outcome(program.set_active(&call.invalidate, false), []),
            Call::Rehabilitate(call) => outcome(program.set_active(&call.rehabilitate, true), []),
            Call::Change(call) => {
                tries_outcome(program.change(&call.change.0, &call.to.0, SCM_FL_IHV_CHANGE, call.reference), call.tries)
            }
            Call::Disable(call) => {
                tries_outcome(program.change(&call.disable.0, &[], SCM_FL_IHV_DISABLE, call.reference), call.tries)
            }
            Call::Enable(call) => {
                tries_outcome(program.change(&call.enable.0, &[], SCM_FL_IHV_ENABLE, call.reference), call.tries)
            }
            Call::Unblock(call) => {
                tries_outcome(program.unblock(&call.unblock.0, &call.to.0, call.reference), call.tries)
            }
        }
    }
}

fn outcome<const N: usize>(code: i32, differences: [Option<String>; N]) -> Outcome {
    Outcome { code, differences: differences.into_iter().flatten().collect(), begins_right: false }
}

fn answer_outcome(what: &str, (code, answer): (i32, Vec<u8>), right: &Bytes) -> Outcome {
    outcome(code, [compared(what, &Bytes(answer), right)])
}

fn tries_outcome((code, tries): (i32, Option<u32>), right: Option<u32>) -> Outcome {
    outcome(code, [compared("tries", &tries, &right)])
}

/// The bytes of a read, and the place where they begin to be wrong, because they may be long.
fn bytes_outcome((code, read): (i32, Vec<u8>), right: &[u8]) -> Outcome {
    let same = read.iter().zip(right).take_while(|(got, right)| got == right).count();
    let difference = (read != right).then(|| {
        let (got, wanted) = (read.len(), right.len());
        let from = |bytes: &[u8]| Bytes(bytes[same..].iter().take(8).copied().collect());
        format!(
            "gives: {got} bytes, and right are {wanted}; from {same} on {:?}, and right is {:?}",
            from(&read),
            from(right)
        )
    });
    Outcome { begins_right: right.starts_with(&read), ..outcome(code, [difference]) }
}

fn compared<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, right: &T) -> Option<String> {
    (got != right).then(|| format!("{what}: {got:?}, and right is {right:?}"))
}
