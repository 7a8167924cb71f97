//! scmctl on a terminal: colours, codes without echo, the history of the shell, and progress. The terminal is tmux.

#![cfg(unix)]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// For a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

struct Terminal {
    /// The socket of its own tmux.
    server: String,
    folder: PathBuf,
}

impl Terminal {
    /// Runs scmctl with these arguments in a shell, which then waits.
    fn run(arguments: &str) -> Terminal {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let server = format!("scmctl-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(&server);
        fs::create_dir_all(&folder).unwrap();
        let terminal = Terminal { server, folder };
        let scmctl = env!("CARGO_BIN_EXE_scmctl");
        let state = terminal.folder.display();
        // "ended" must not stand in the command line that tmux may show.
        let line = format!(
            "trap : INT; unset NO_COLOR; \
             XDG_STATE_HOME='{state}' PCSCLITE_CSOCK_NAME=/nonexistent '{scmctl}' {arguments}; \
             printf 'en%s %s\\n' ded $?; exec cat"
        );
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "60", &line]);
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> Output {
        let output =
            Command::new("tmux").args(["-L", &self.server]).args(arguments).output().expect("tmux is installed");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn screen(&self, flags: &[&str]) -> String {
        let output = self.tmux(&[&["capture-pane", "-p"], flags].concat());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Waits for a text. tmux does not tell spaces at the end of a line.
    fn wait_for(&self, text: &str) -> String {
        let text = text.trim_end();
        let end = Instant::now() + LIMIT;
        loop {
            let screen = self.screen(&[]);
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < end, "{text:?} does not come: {screen}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Types a text and the return key.
    fn enter(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
        self.tmux(&["send-keys", "Enter"]);
    }

    fn history(&self) -> String {
        fs::read_to_string(self.folder.join("scmctl/history")).unwrap_or_default()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-L", &self.server, "kill-server"]).output();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_terminal_gets_colours() {
    let terminal = Terminal::run("--card default list");
    terminal.wait_for("ended 0");
    let bold = "\x1b[1mVirtual card";
    assert!(terminal.screen(&["-e"]).contains(bold), "{:?}", terminal.screen(&["-e"]));
    let terminal = Terminal::run("--card default --color never list");
    terminal.wait_for("ended 0");
    assert!(!terminal.screen(&["-e"]).contains(bold));
}

#[test]
fn a_code_is_asked_for_without_echo() {
    let terminal = Terminal::run("--card default --block 8 verify");
    terminal.wait_for("Code 1: ");
    terminal.enter("1234");
    let screen = terminal.wait_for("ended 0");
    assert!(screen.contains("code 1: verified") && !screen.contains("1234"), "{screen}");
}

#[test]
fn a_new_code_is_asked_for_twice() {
    let terminal = Terminal::run("--card default --block 8 change");
    for (prompt, code) in [("Present code 1: ", "1234"), ("New code 1: ", "5678"), ("New code 1 again: ", "5679")] {
        terminal.wait_for(prompt);
        terminal.enter(code);
    }
    let screen = terminal.wait_for("ended 65");
    assert!(screen.contains("nothing was sent") && !screen.contains("567"), "{screen}");
}

/// A signal would leave the terminal without echo.
#[test]
fn a_question_can_be_cancelled() {
    let terminal = Terminal::run("--card default --block 8 verify");
    terminal.wait_for("Code 1: ");
    terminal.tmux(&["send-keys", "1", "2", "BSpace", "C-c"]);
    let screen = terminal.wait_for("ended 130");
    assert!(screen.contains("nothing was sent") && !screen.contains("12"), "{screen}");
    terminal.enter("this is shown again");
    terminal.wait_for("this is shown again");
}

#[test]
fn ctrl_c_ends_a_command_and_clears_a_line_of_the_shell() {
    for (arguments, text) in [("watch", "card inserted"), ("tree --ids 0001-FFFE", " of 65534 identifiers")] {
        let terminal = Terminal::run(&format!("--card default {arguments}"));
        terminal.wait_for(text);
        terminal.tmux(&["send-keys", "C-c"]);
        terminal.wait_for("ended 130");
    }
    let terminal = Terminal::run("--card default shell");
    terminal.wait_for("3F00> ");
    terminal.tmux(&["send-keys", "00A4", "C-c"]);
    // As with a shell, keys that were typed before Ctrl-C are gone.
    terminal.wait_for("3F00> 00A4\n3F00>");
    terminal.enter("pwd");
    terminal.wait_for("3F00> pwd\n3F00\n3F00>");
    terminal.enter("exit");
    terminal.wait_for("ended 0");
}

/// Lines of help end before the edge.
#[test]
fn help_fits_the_terminal() {
    let terminal = Terminal::run("--help");
    let screen = terminal.wait_for("ended 0");
    assert!(screen.lines().all(|line| line.chars().count() <= 120), "{screen}");
    assert!(screen.contains("Exit codes"), "{screen}");
}

#[test]
fn cat_shows_text_beside_the_bytes() {
    let terminal = Terminal::run("--card default cat 3F00/5015/4401");
    let screen = terminal.wait_for("ended 0");
    assert!(screen.contains("0000  48 65 6C 6C 6F") && screen.contains("Hello from the l"), "{screen}");
}

#[test]
fn the_shell_has_a_history_without_codes() {
    let terminal = Terminal::run("--card default --block 8 shell");
    terminal.wait_for("3F00> ");
    terminal.enter("cd 5015");
    terminal.wait_for("3F00/5015> ");
    terminal.enter("00 20 00 01 08 31 32 33 34 FF FF FF FF");
    terminal.wait_for("90 00  success");
    // The line before, which is not the one with the code.
    terminal.tmux(&["send-keys", "Up"]);
    terminal.wait_for("3F00/5015> cd 5015");
    terminal.tmux(&["send-keys", "C-u"]);
    terminal.enter("verify");
    terminal.wait_for("Code 1: ");
    terminal.enter("1234");
    terminal.wait_for("code 1: verified");
    terminal.enter("exit");
    terminal.wait_for("ended 0");
    let history = terminal.history();
    assert!(history.contains("cd 5015") && history.contains("verify"), "{history}");
    assert!(!history.contains("31 32") && !history.contains("1234"), "{history}");
}

#[test]
fn work_of_more_than_a_second_shows_its_progress() {
    let directory = |number: u32| format!("[[mf.df]]\nid = {}\n", 0x1000 + number);
    let card: String = (0..60).map(directory).collect();
    let path = std::env::temp_dir().join(format!("scmctl-slow-{}.toml", std::process::id()));
    fs::write(&path, card).unwrap();
    // Every identifier in each of the directories: many seconds.
    let terminal = Terminal::run(&format!("--card '{}' tree --ids 0001-FFFE", path.display()));
    terminal.wait_for(" of 65534 identifiers");
    let _ = fs::remove_file(path);
}
