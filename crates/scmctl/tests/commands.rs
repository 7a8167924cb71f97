//! Every command on a virtual card, through pipes: what it prints, and its exit code.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Stdio;

use support::{on_card, on_card_with, run, run_with, scmctl};

const ATR: &str = "3B8B018031F873F741FF5373636DD7";

/// A file with this content, which is removed at the end of the test.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, content: impl AsRef<[u8]>) -> TestFile {
        let path = std::env::temp_dir().join(format!("scmctl-test-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        TestFile(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn list_shows_the_card_and_its_atr() {
    let ended = on_card(&["list", "--json"]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    let reader = &ended.json()["readers"][0];
    assert_eq!(reader["card"]["atr"], ATR);
    assert_eq!(reader["card"]["protocols"][0], "T=1");
    assert_eq!(reader["used_by_others"], "no");
}

#[test]
fn a_pipe_gets_no_colours_unless_they_are_asked_for() {
    let escape = '\x1b';
    assert!(!on_card(&["list"]).text().contains(escape));
    assert!(!on_card(&["doctor"]).text().contains(escape));
    assert!(!run(&["status"]).stderr.contains(escape));
    assert!(on_card(&["--color", "always", "list"]).text().contains(escape));
}

#[test]
fn a_missing_service_is_told_with_its_remedy() {
    for command in
        [&["list"][..], &["status"], &["send", "00A40000"], &["tree"], &["reset"], &["shell"], &["cat", "2F00"]]
    {
        let ended = run(command);
        assert_eq!(ended.exit, 69, "{command:?}: {ended:?}");
        assert!(ended.stderr.contains("systemctl start pcscd.socket"), "{ended:?}");
        assert!(ended.stdout.is_empty(), "{ended:?}");
    }
}

#[test]
fn a_failure_is_json_too() {
    let ended = run(&["--json", "status"]);
    let error: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(error["error"]["exit"], 69);
    assert_eq!(error["error"]["code"], "SCM_SCARD_S_NO_SERVICE");
    assert!(error["error"]["advice"].as_str().unwrap().contains("pcscd"));
    assert!(error["error"]["function"].is_null(), "the list has succeeded");
}

/// A failure has the facts of scm_get_last_error.
#[test]
fn a_failure_tells_function_reason_and_advice() {
    let failure = |arguments: &[&str]| -> serde_json::Value {
        let ended = on_card(&[arguments, &["--json"]].concat());
        let line: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
        line["error"].clone()
    };
    let facts = |failure: &serde_json::Value, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| failure[name].as_str().unwrap_or("null").to_owned()).collect()
    };
    let names = ["function", "argument", "status_word", "pcsc_function", "pcsc_code", "why"];
    let refused = failure(&["cat", "3F00/5016/4501"]);
    let expected = ["scm_file_read", "null", "6982", "null", "null", "The card answered 69 82."];
    assert_eq!(facts(&refused, &names), expected, "{refused}");
    assert!(!refused["advice"].as_str().unwrap().contains("polkit"), "{refused}");
    let missing = failure(&["cat", "3F00/7777"]);
    assert_eq!(facts(&missing, &["function", "status_word"]), ["scm_file_access_open", "6A82"]);
    let wrong = failure(&["cat", "nonsense"]);
    assert_eq!(facts(&wrong, &names[..3]), ["scm_file_access_open", "path", "null"], "{wrong}");
    assert!(wrong["why"].as_str().unwrap().starts_with("path is "), "{wrong}");
    for failure in [refused, missing, wrong] {
        assert!(!failure["advice"].as_str().unwrap().contains("scm_"), "{failure}");
    }
}

/// Each part once: subject, message, why, advice, code.
#[test]
fn the_text_of_a_failure_is_one_line() {
    let ended = on_card(&["cat", "3F00/7777"]);
    let expected = "scmctl: 3F00/7777: The file is not on the card. The card answered 6A 82: the file or application \
                    was not found. Look which files the card has. scmctl tree lists them. \
                    (SCM_SCARD_E_FILE_NOT_FOUND)\n";
    assert_eq!(ended.stderr, expected);
    let wrong = on_card_with("4321\n", &["verify"]);
    assert!(wrong.stderr.contains("tries left: 2: The code was wrong. The card answered 63 C2. Enter"), "{wrong:?}");
}

#[test]
fn the_trace_of_the_library_has_no_code() {
    let file = TestFile::new("trace.log", "");
    let trace = format!("apdus:{}", file.path());
    let mut child = scmctl()
        .args(["--card", "default", "--codes-from-stdin", "--block", "8", "--verify", "1", "cat", "3F00/7777"])
        .env("SCM_LOG", trace)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"1234\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let trace = fs::read_to_string(file.path()).unwrap();
    for line in
        [" call > scm_attach_by_ifd_ex ", " apdu < 6A82", "SCM_SCARD_E_FILE_NOT_FOUND: The card answered 6A 82."]
    {
        assert!(trace.contains(line), "{line}: {trace}");
    }
    assert!(trace.contains("> 00200001") && !trace.contains("31323334"), "{trace}");
}

#[test]
fn doctor_tells_the_missing_socket() {
    let ended = run(&["doctor"]);
    assert_eq!(ended.exit, 1);
    assert!(ended.text().contains("FAULT") && ended.text().contains("/nonexistent/pcscd.comm"), "{ended:?}");
    assert_eq!(on_card(&["doctor"]).exit, 0);
}

/// Runs a command with a daemon that does this with each connection.
#[cfg(unix)]
fn with_daemon(
    name: &str,
    serve: impl Fn(std::os::unix::net::UnixStream) + Send + 'static,
    arguments: &[&str],
) -> (i32, String) {
    let socket = std::env::temp_dir().join(format!("scmctl-{}-{name}", std::process::id()));
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    // It ends with the test.
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    let output = scmctl().args(arguments).env("PCSCLITE_CSOCK_NAME", &socket).stdin(Stdio::null()).output().unwrap();
    let _ = fs::remove_file(&socket);
    (output.status.code().unwrap(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// pcscd refuses a user by closing the connection.
#[cfg(unix)]
#[test]
fn doctor_has_the_rule_for_a_daemon_that_refuses() {
    let (exit, text) = with_daemon("refusing", drop, &["doctor"]);
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("polkit.addRule") && text.contains("access_pcsc"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_daemon_that_hangs_is_told() {
    let check = |arguments: &[&str], code: i32| {
        let (exit, text) = with_daemon(arguments[0], std::mem::forget, arguments);
        assert_eq!(exit, code, "{text}");
        assert!(text.contains("does not answer") && text.contains("systemctl restart pcscd"), "{text}");
        assert_eq!(text.matches("pcscd has not answered yet").count(), 1, "{text}");
    };
    // Each waits for ten seconds.
    std::thread::scope(|scope| {
        scope.spawn(|| check(&["doctor"], 1));
        scope.spawn(|| check(&["list"], 75));
        scope.spawn(|| check(&["watch", "--once"], 75));
    });
}

#[test]
fn the_command_line_is_checked() {
    for wrong in [
        &["frob"][..],
        &[],
        &["send"],
        &["send", "00A4"],
        &["send", "00A40000023F"],
        &["--limit", "0", "list"],
        &["--verify", "32", "list"],
        &["--filler", "1234", "verify"],
        &["tree", "--ids", "2-1"],
        &["write", "2F00"],
        &["write", "2F00", "-", "--hex", "00"],
        &["cat", "2F00", "--record", "0"],
    ] {
        let ended = run(&[&["--card", "default"], wrong].concat());
        assert_eq!(ended.exit, 64, "{wrong:?}: {ended:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{ended:?}");
    }
    assert_eq!(run(&["--help"]).exit, 0);
    assert!(run(&["--version"]).text().starts_with("scmctl "));
}

#[test]
fn a_card_description_is_checked() {
    let wrong = TestFile::new("wrong.toml", "atr = 1\n");
    let ended = run(&["--card", wrong.path(), "list"]);
    assert_eq!(ended.exit, 65);
    assert!(ended.stderr.contains("line 1"), "{ended:?}");
    assert_eq!(run(&["--card", "/nonexistent.toml", "list"]).exit, 66);
    let other = TestFile::new("other.toml", "atr = \"3B800181\"\n");
    assert_eq!(run(&["--card", other.path(), "list", "--json"]).json()["readers"][0]["card"]["atr"], "3B800181");
}

#[test]
fn send_tells_data_and_status_word() {
    let ended = on_card(&["send", "--json", "00A4040C08F073636D74657374", "00 B0 81 00 05"]);
    assert_eq!(ended.exit, 0);
    let last: serde_json::Value = serde_json::from_str(&ended.lines()[1]).unwrap();
    assert_eq!(last["data"], "48656C6C6F");
    assert_eq!((last["status_word"].as_str(), last["code"].as_str()), (Some("9000"), Some("SCM_S_OK")));
}

#[test]
fn send_ends_with_the_first_refusal() {
    let commands = ["send", "--json", "00A4000C02AAAA", "00A4000C023F00"];
    let ended = on_card(&commands);
    assert_eq!((ended.exit, ended.lines().len()), (1, 1), "{ended:?}");
    let first = ended.json();
    assert_eq!(
        (first["status_word"].as_str(), first["code"].as_str()),
        (Some("6A82"), Some("SCM_SCARD_E_FILE_NOT_FOUND"))
    );
    let ended = on_card(&[&commands[..], &["--keep-going"]].concat());
    assert_eq!((ended.exit, ended.lines().len()), (1, 2));
}

#[test]
fn raw_bytes_go_to_the_card_as_they_are() {
    let ended = on_card(&["send", "--raw", "--json", "00A4000C053F00"]);
    assert_eq!(ended.json()["status_word"], "6700");
    assert_eq!(ended.exit, 1);
}

#[test]
fn a_code_in_a_command_is_not_printed() {
    for format in [&["send"][..], &["send", "--json"], &["send", "--raw"]] {
        let ended = on_card(&[format, &["002000010439393939"]].concat());
        assert!(!ended.text().contains("39") && !ended.stderr.contains("39"), "{ended:?}");
    }
}

/// scmctl does not print the data that libscm does not log.
#[test]
fn the_commands_with_secrets_are_those_of_the_library() {
    for class in ["00", "04", "0C", "10", "20", "2C", "40", "60", "80", "84", "A0", "A4", "B0", "C0", "E0", "FF"] {
        let commands: Vec<String> = (0..=255).map(|ins| format!("{class}{ins:02X}000001AB")).collect();
        let output = scmctl()
            .args(["--card", "default", "send", "--raw", "--keep-going"])
            .args(&commands)
            .env("SCM_LOG", "apdus")
            .output()
            .unwrap();
        let (shown, log) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let shown: Vec<bool> =
            shown.lines().filter(|line| line.starts_with("> ")).map(|line| line.ends_with("AB")).collect();
        let logged: Vec<bool> =
            log.lines().filter(|line| line.contains(" apdu > ")).map(|line| line.ends_with("AB")).collect();
        assert_eq!((shown.len(), &shown), (commands.len(), &logged), "class {class}");
    }
}

#[test]
fn a_code_as_an_argument_is_not_repeated() {
    let check = |ended: &support::Ended| {
        assert_eq!(ended.exit, 64, "{ended:?}");
        let text = format!("{}{}", ended.text(), ended.stderr);
        assert!(!text.contains("4711") && text.contains("asked for"), "{text}");
    };
    for command in ["verify", "change", "unblock"] {
        check(&on_card(&[command, "1", "4711"]));
        check(&on_card(&[command, "4711"]));
        check(&on_card(&[command, "--json", "1", "4711", "47112"]));
        check(&run_with(&format!("{command} 1 4711"), &["--card", "default", "shell"]));
        assert_eq!(run(&[command, "4711"]).exit, 64, "without a service, too");
    }
    check(&on_card(&["--verify", "4711", "status"]));
    let ended = run_with("0020000104311G4711", &["--card", "default", "shell", "--json"]);
    assert!(ended.exit == 64 && !ended.stderr.contains("4711"), "{ended:?}");
    let help = on_card(&["verify", "--help"]).text();
    assert!(help.contains("[NUMBER]") && !help.to_lowercase().contains("surplus"), "{help}");
}

#[test]
fn status_and_reset_tell_the_atr() {
    let status = on_card(&["status", "--json"]).json();
    assert_eq!((status["protocol"].as_str(), status["card"]["atr"].as_str()), (Some("T=1"), Some(ATR)));
    for (flags, kind) in [(&[][..], "warm"), (&["--cold"], "cold")] {
        let reset = on_card(&[&["reset", "--json"], flags].concat()).json();
        assert_eq!((reset["reset"].as_str(), reset["card"]["atr"].as_str()), (Some(kind), Some(ATR)));
    }
}

#[test]
fn tree_shows_files_and_refusals() {
    let ended = on_card(&["tree"]);
    let lines = ended.lines();
    assert_eq!(lines[0], "3F00  \"libscm card\"");
    assert!(lines.iter().any(|line| line.contains("4403  linear fixed, short identifier 3, 3 records")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("4501") && line.contains("security condition")), "{lines:#?}");
    let tree = on_card(&["tree", "3F00/5015", "--json"]).json();
    assert_eq!(tree["name"], "3F00/5015");
    assert_eq!(tree["children"][0]["content"], "48656C6C6F2066726F6D20746865206C");
    assert_eq!(on_card(&["tree", "3F00/9999"]).exit, 1);
}

#[test]
fn tree_searches_the_given_identifiers() {
    let found = on_card(&["tree", "3F00/5015", "--ids", "4000-4402", "--json"]).json();
    let names: Vec<&str> =
        found["children"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["4401", "4402"]);
    let found = on_card(&["tree", "--ids", "2F00-50FF", "--json"]).json();
    let names: Vec<&str> =
        found["children"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["2F00", "2F01", "5015", "5016"], "no application is listed twice");
}

#[test]
fn cat_writes_bytes_into_a_pipe_and_a_file() {
    let expected = b"Hello from the libscm test card\n";
    let ended = on_card(&["cat", "3F00/5015/4401"]);
    assert_eq!((ended.stdout.len(), ended.stdout.starts_with(expected)), (64, true));
    assert_eq!(on_card(&["cat", "F073636D74657374/4401"]).stdout, ended.stdout);
    let file = TestFile::new("cat", "");
    assert_eq!(on_card(&["cat", "3F00/5015/4401", "-o", file.path()]).exit, 0);
    assert_eq!(fs::read(file.path()).unwrap(), ended.stdout);
    assert_eq!(on_card(&["cat", "3F00/5015/4401", "-o", "/nonexistent/file"]).exit, 73);
}

#[test]
fn cat_reads_records() {
    let all = on_card(&["cat", "3F00/5015/4404", "--json"]).json();
    assert_eq!(all["content"], serde_json::json!(["B1", "B2010203", "B30405060708090A"]));
    assert_eq!(on_card(&["cat", "3F00/5015/4404", "--record", "2"]).stdout, [0xB2, 1, 2, 3]);
    assert!(
        on_card(&["cat", "3F00/5015/4404", "--hex", "--record", "2"]).text().starts_with("record 2\n0000  B2 01 02 03")
    );
    assert_eq!(on_card(&["cat", "3F00/5015/4404", "--record", "9"]).exit, 1);
    assert_eq!(on_card(&["cat", "3F00/5015/4401", "--record", "1"]).exit, 64);
}

#[test]
fn a_refused_file_says_that_a_code_is_needed() {
    let ended = on_card(&["cat", "3F00/5016/4501"]);
    assert_eq!(ended.exit, 77);
    assert!(ended.stderr.contains("--verify"), "{ended:?}");
}

/// The card of another process is a new one, so the result is seen in one shell.
#[test]
fn write_needs_the_code_of_the_file() {
    let data = ["write", "3F00/5015/4402", "--hex", "CAFE", "--offset", "2", "--json"];
    let ended = on_card_with("", &data);
    assert_eq!(ended.exit, 77, "{ended:?}");
    let ended = on_card_with("1234\n", &[&data[..], &["--verify", "1"]].concat());
    assert_eq!((ended.exit, ended.json()["written"].as_u64()), (0, Some(2)), "{ended:?}");
    let ended = on_card_with("0000\n", &[&data[..], &["--verify", "1"]].concat());
    assert_eq!(ended.exit, 77);
    assert!(ended.stderr.contains("tries left: 2"), "{ended:?}");
}

#[test]
fn write_tells_how_much_fits() {
    let long = "AB".repeat(65);
    let ended = on_card(&["write", "3F00/5015/4401", "--hex", &long]);
    assert_eq!(ended.exit, 1);
    assert!(ended.stderr.contains("of 65 bytes"), "{ended:?}");
    let ended = run_with("from a pipe", &["--card", "default", "write", "3F00/5015/4401", "-", "--json"]);
    assert_eq!(ended.json()["written"], 11);
    assert_eq!(on_card(&["write", "3F00/5015/4401", "/nonexistent"]).exit, 66);
}

#[test]
fn write_replaces_and_adds_records() {
    let write = |flags: &[&str]| on_card(&[&["write", "3F00/5015/4404", "--hex", "AA"], flags].concat()).exit;
    assert_eq!(write(&["--record", "1"]), 0);
    assert_eq!(write(&["--append"]), 0);
    assert_eq!(write(&["--record", "4"]), 1, "there are three");
    assert_eq!(write(&[]), 64);
    assert_eq!(on_card(&["write", "3F00/5015/4401", "--hex", "AA", "--append"]).exit, 64);
}

#[test]
fn codes_come_from_the_standard_input() {
    assert_eq!(on_card_with("1234\n", &["verify"]).exit, 0);
    assert_eq!(on_card_with("1234\r\n", &["verify"]).exit, 0);
    let wrong = on_card_with("4321\n", &["verify", "--json"]);
    assert_eq!(wrong.exit, 77);
    assert!(wrong.stderr.contains("SCM_SCARD_W_WRONG_CHV") && wrong.stderr.contains("tries left: 2"), "{wrong:?}");
    assert!(!wrong.stderr.contains("4321"));
    let asked = on_card(&["verify", "--check", "--json"]);
    assert_eq!((asked.exit, asked.json()["tries_left"].as_u64()), (1, Some(3)));
    assert_eq!(on_card_with("", &["verify"]).exit, 65, "no code");
    assert_eq!(on_card_with("\n", &["verify"]).exit, 65, "an empty code");
    assert_eq!(on_card_with(&"9".repeat(200), &["verify"]).exit, 65, "a code without an end");
}

/// The words that help after the first tries of a user: a code that is not filled, a code that the card does not have.
#[test]
fn a_refusal_says_what_the_card_means() {
    let short = run_with("1234\n", &["--card", "default", "--codes-from-stdin", "verify"]);
    assert_eq!(short.exit, 1);
    assert!(short.stderr.contains("67 00: wrong length") && short.stderr.contains("--block 8"), "{short:?}");
    let missing = on_card(&["verify", "--check", "7"]);
    assert!(missing.stderr.contains("no code, key or data with this number"), "{missing:?}");
    assert!(!missing.stderr.contains("scmctl tree"), "{missing:?}");
    let binary = TestFile::new("binary.apdu", b"\xFF\xFE\xFD");
    assert_eq!(on_card(&["replay", binary.path()]).exit, 65);
}

#[test]
fn a_code_of_a_directory_needs_its_path() {
    let local = |input: &str, path: &str| {
        run_with(input, &["--card", "default", "--codes-from-stdin", "verify", "--local", path]).exit
    };
    assert_eq!(local("secret\n", "3F00/5016"), 0);
    assert_eq!(local("wrong-code\n", "3F00/5016"), 77);
    assert_eq!(local("secret\n", "3F00/7777"), 1);
}

#[test]
fn a_blocked_code_is_unblocked_and_changed() {
    let input = "verify\n0000\nverify\n0000\nverify\n0000\nverify --check\nunblock\n12345678\n5555\nverify\n5555\n\
                 change\n5555\n6666\nverify\n6666\nexit\n";
    let ended = on_card_with(input, &["shell", "--json"]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    let outcomes: Vec<String> = ended
        .lines()
        .iter()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["outcome"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(outcomes, ["blocked", "unblocked", "verified", "changed", "verified"]);
    assert!(ended.stderr.contains("SCM_SCARD_W_CHV_BLOCKED"), "{ended:?}");
}

/// The tries that are left are those of the unblocking code, not of the blocked one.
#[test]
fn a_wrong_unblocking_code_is_told_as_such() {
    let ended = on_card_with("87654321\n5555\n", &["unblock"]);
    assert_eq!(ended.exit, 77, "{ended:?}");
    assert!(ended.stderr.contains("unblocking code of code 1, tries left: 9"), "{ended:?}");
}

#[test]
fn watch_tells_the_present_state() {
    let ended = on_card(&["watch", "--once", "--json"]);
    let events: Vec<serde_json::Value> = ended.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0]["event"], "reader-arrived");
    assert_eq!((events[1]["event"].as_str(), events[1]["card"]["atr"].as_str()), (Some("card-inserted"), Some(ATR)));
    assert_eq!(on_card(&["watch", "--count", "1", "--json"]).lines().len(), 1);
    assert_eq!(on_card(&["watch", "--seconds", "0"]).exit, 0);
}

#[test]
fn replay_compares_answers() {
    let script = "# the MF\n> 00 A4 00 0C 02\n  3F 00\n< 9000\nreset\n> 00A4000C02AAAA\n\
                  < 6A82 | 6A83\n> 00B0830004\n< 6982 | 6... | *9000\n";
    let right = TestFile::new("right.apdu", script);
    let ended = on_card(&["replay", right.path(), "--json"]);
    assert_eq!(ended.exit, 0, "{ended:?}");
    assert_eq!((ended.json()["commands"].as_u64(), ended.json()["skipped"].as_u64()), (Some(4), Some(0)));
}

#[test]
fn replay_tells_the_first_difference() {
    let script = "> 00A4000C023F00\n< 6A82\n> 00A4000C02AAAA\n> 00A4000C023F00\n";
    let ended = run_with(script, &["--card", "default", "replay", "-"]);
    assert_eq!(ended.exit, 1);
    assert_eq!(ended.lines()[0], "-:1: the answer differs");
    assert!(ended.text().ends_with("steps: 1, different: 1, not sent: 2\n"), "{ended:?}");
    let all = run_with(script, &["--card", "default", "replay", "-", "--keep-going", "--json"]).json();
    let lines: Vec<u64> =
        all["differences"].as_array().unwrap().iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 3], "without an expected answer, a refusal differs");
}

#[test]
fn a_wrong_script_sends_nothing() {
    let ended = run_with("> 00A4000C023F00\n> 00A4\n", &["--card", "default", "replay", "-"]);
    assert_eq!(ended.exit, 65);
    assert!(ended.stderr.contains("line 2"), "{ended:?}");
    assert_eq!(run_with("# nothing\n", &["--card", "default", "replay", "-"]).exit, 65);
    assert_eq!(on_card(&["replay", "/nonexistent"]).exit, 66);
}

#[test]
fn the_shell_obeys_lines() {
    let input = "cd 5015\npwd\n00 B0 81 00 05\ncat 4405\ninfo 4405\nexplain 6982\nfrob\nls\n";
    let ended = on_card_with(input, &["shell"]);
    let text = ended.text();
    for part in ["3F00/5015\n", "48 65 6C 6C 6F", "record 3", "82 file descriptor", "security status", "4406"] {
        assert!(text.contains(part), "{part}: {ended:?}");
    }
    assert!(ended.stderr.contains("unrecognized subcommand 'frob'"), "{ended:?}");
    assert_eq!(on_card_with("00A4000C02AAAA\n", &["shell"]).exit, 1, "the exit code is that of the last line");
}

#[test]
fn a_shell_without_a_terminal_keeps_no_history() {
    let folder = std::env::temp_dir().join(format!("scmctl-history-{}", std::process::id()));
    let mut child = scmctl()
        .args(["--card", "default", "shell"])
        .env("XDG_STATE_HOME", &folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!folder.exists());
}

/// File names on Unix are bytes.
#[cfg(target_os = "linux")]
#[test]
fn files_may_have_any_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = std::env::temp_dir().join(format!("scmctl-names-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for name in [&b"\xFF\xFE"[..], "\u{fc} \u{1F642}".as_bytes(), b"a\x1Bb"] {
        let path = folder.join(OsStr::from_bytes(name));
        let run = |arguments: &[&str], last: &[&OsStr]| {
            let output = scmctl().args(["--card", "default"]).args(arguments).args(last).output().unwrap();
            assert!(!output.stdout.contains(&0x1B) && !output.stderr.contains(&0x1B), "{output:?}");
            output.status.code()
        };
        fs::write(&path, "> 00A4000C023F00\n< 6A82\n").unwrap();
        assert_eq!(run(&["replay"], &[path.as_os_str()]), Some(1));
        assert_eq!(run(&["replay", "--json"], &[path.as_os_str()]), Some(1));
        assert_eq!(run(&["write", "3F00/5015/4401"], &[path.as_os_str()]), Some(0));
        assert_eq!(run(&["cat", "3F00/5015/4401", "-o"], &[path.as_os_str()]), Some(0));
        assert!(fs::read(&path).unwrap().starts_with(b"Hello"));
        let output = scmctl().args(["list", "--card"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(65), "no description");
    }
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_command_prints_json() {
    let script = TestFile::new("json.apdu", "> 00A4000C02AAAA\n< 9000\n");
    let file = "3F00/5015/4401";
    let commands: [(&[&str], &str); 17] = [
        (&["frob"], ""),
        (&["send"], ""),
        (&["list"], ""),
        (&["watch", "--once"], ""),
        (&["doctor"], ""),
        (&["status"], ""),
        (&["send", "00A4000C02AAAA", "00A4000C023F00", "--keep-going"], ""),
        (
            &["shell"],
            "ls\ncd 5015\npwd\ntree\ncat 4401\ncat 4404 1\ninfo 4401\nraw 00\nverify\n1234\nexplain 6A82\n\
                      reset\ndecode 6F02820178\ncat FFFF\n00A4\n00A40000\nfrob\ncat\n",
        ),
        (&["tree"], ""),
        (&["cat", file], ""),
        (&["cat", "3F00/7777"], ""),
        (&["write", file, "--hex", "00"], ""),
        (&["verify"], "0000\n"),
        (&["change"], "1234\n5678\n"),
        (&["unblock"], "12345678\n5678\n"),
        (&["reset"], ""),
        (&["replay", script.path(), "--all"], ""),
    ];
    for (arguments, input) in commands {
        let ended = on_card_with(input, &[&["--json"], arguments].concat());
        let lines: Vec<String> = ended.text().lines().chain(ended.stderr.lines()).map(str::to_owned).collect();
        assert!(!lines.is_empty(), "{arguments:?}: {ended:?}");
        for line in lines {
            let value: Result<serde_json::Value, _> = serde_json::from_str(&line);
            assert!(value.is_ok_and(|value| value.is_object()), "{arguments:?}: {line}");
        }
    }
}

/// `scmctl tree | head -1` must not print a panic.
#[test]
fn a_reader_of_the_output_may_end() {
    let mut child = scmctl()
        .args(["--card", "default", "send"])
        .args(vec!["00A4000C023F00"; 3000])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn the_manual_page_and_completions_are_made() {
    let folder = std::env::temp_dir().join(format!("scmctl-man-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    assert_eq!(run(&["generate", "man", folder.to_str().unwrap()]).exit, 0);
    let page = fs::read_to_string(folder.join("scmctl.1")).unwrap();
    for part in [".TH scmctl 1", ".SH SYNOPSIS", "scmctl\\-doctor(1)", "EXIT STATUS"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(fs::read_to_string(folder.join("scmctl-replay.1")).unwrap().contains(".TH scmctl-replay 1"));
    assert!(!folder.join("scmctl-generate.1").exists(), "a hidden command has no page");
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(run(&["generate", "man", "/nonexistent"]).exit, 73);
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["generate", "completions", shell]).text().contains("doctor"), "{shell}");
    }
}
