//! `scmctl doctor`: checks the way from the program to the card, and says what helps.

use std::fmt::{self, Display, Formatter};
use std::process::Command;

use owo_colors::OwoColorize;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::library::{self, Attachment, Share};
use crate::present::present;
use crate::session::Session;
use crate::system::{Program, Socket, System};
use crate::text::printable;

/// How long a card may be held by another program before that is a fault.
const LIMIT_MS: u32 = 3000;

const INSTALL_DAEMON: &str =
    "Install it: sudo apt install pcscd (Debian, Ubuntu), sudo dnf install pcsc-lite (Fedora).";
const START_DAEMON: &str = "Start it: sudo systemctl enable --now pcscd.socket (without systemd: sudo pcscd).";
const INSTALL_DRIVER: &str = "Install it: sudo apt install libccid (Debian, Ubuntu), sudo dnf install pcsc-lite-ccid \
                              (Fedora); then sudo systemctl restart pcscd.";
const READ_LOG: &str = "Its log may tell why: journalctl -u pcscd. Plug the reader out and in, and try another port.";

#[derive(Serialize)]
struct Report {
    checks: Vec<Check>,
}

#[derive(Serialize)]
struct Check {
    subject: String,
    state: State,
    finding: String,
    /// The remedy; empty if nothing is wrong.
    advice: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Good,
    /// Perhaps no fault.
    Note,
    Fault,
}

pub fn run(session: &Session) -> Result<Exit, Failure> {
    let report = Report { checks: examine(session, &System::this()) };
    session.output.show(&report)?;
    let has_fault = report.checks.iter().any(|check| check.state == State::Fault);
    Ok(if has_fault { Exit::Refused } else { Exit::Success })
}

fn examine(session: &Session, system: &System) -> Vec<Check> {
    let mut checks = vec![good("libscm", format!("version {}", library::version()))];
    let readers = match present(session) {
        Ok(present) => present.into_iter().map(|reader| reader.name).collect::<Vec<_>>(),
        Err(failure) => {
            checks.push(refusing_service(system, &failure));
            return checks;
        }
    };
    if !session.has_virtual_card() {
        checks.push(good("service", daemon_version(system)));
        checks.push(drivers(system, readers.is_empty()));
    }
    if readers.is_empty() {
        checks.extend(missing_readers(system));
    }
    match session.wanted(readers) {
        Ok(wanted) => checks.extend(wanted.into_iter().map(|name| reader(session, system, name))),
        Err(failure) => checks.push(fault("reader", failure.to_string(), "")),
    }
    checks
}

fn good(subject: &str, finding: String) -> Check {
    Check { subject: subject.into(), state: State::Good, finding, advice: String::new() }
}

fn note(subject: &str, finding: String, advice: String) -> Check {
    Check { subject: subject.into(), state: State::Note, finding, advice }
}

fn fault(subject: &str, finding: impl Into<String>, advice: impl Into<String>) -> Check {
    Check { subject: subject.into(), state: State::Fault, finding: finding.into(), advice: advice.into() }
}

/// The version that pcscd tells.
fn daemon_version(system: &System) -> String {
    let said = system.daemon().and_then(|daemon| Command::new(daemon).arg("--version").output().ok());
    let said = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    match said.lines().next() {
        Some(line) => format!("it runs; {}", printable(line).trim_end_matches('.')),
        None => "it runs".into(),
    }
}

fn missing_service(system: &System) -> Check {
    let path = system.socket_path();
    let shown = path.display();
    match system.socket(&path) {
        Socket::Listening => polkit("pcscd listens, and refuses this program"),
        Socket::Denied => fault(
            "service",
            format!("this user may not open {shown}"),
            format!("Look at the permissions of the folder and the socket: ls -ld {shown}. A container needs both."),
        ),
        Socket::Missing if system.daemon().is_none() => fault("service", "pcscd is not installed", INSTALL_DAEMON),
        Socket::Missing => fault("service", format!("pcscd does not run: there is no {shown}"), START_DAEMON),
        Socket::Abandoned => {
            fault("service", format!("pcscd does not run any more: nobody listens at {shown}"), START_DAEMON)
        }
        Socket::Unknown => fault("service", "it does not run", START_DAEMON),
    }
}

fn refusing_service(system: &System, failure: &Failure) -> Check {
    match failure.code_name() {
        Some("SCM_SCARD_W_SECURITY_VIOLATION") => polkit("pcscd refuses this program"),
        Some("SCM_SCARD_E_NO_SERVICE" | "SCM_SCARD_S_NO_SERVICE") => missing_service(system),
        _ => fault("service", failure.finding(), failure.advice()),
    }
}

/// The actions are those of pcsc-lite, doc/README.polkit.
fn polkit(finding: &str) -> Check {
    let user = std::env::var("USER").unwrap_or_else(|_| "NAME".into());
    let rule = format!(
        "If polkit refuses, journalctl -u pcscd says so. Put this rule into /etc/polkit-1/rules.d/60-pcscd.rules:\n\
         polkit.addRule(function(action, subject) {{\n    \
             if ((action.id == \"org.debian.pcsc-lite.access_pcsc\" ||\n         \
                  action.id == \"org.debian.pcsc-lite.access_card\") && subject.user == \"{user}\")\n        \
                 return polkit.Result.YES;\n\
         }});\n\
         Other reasons: pcscd serves as many programs as it can, or is of another version than libpcsclite."
    );
    fault("permission", finding, rule)
}

fn drivers(system: &System, is_needed: bool) -> Check {
    let drivers = system.drivers();
    match (drivers.is_empty(), is_needed) {
        (false, _) => good("drivers", drivers.join(", ")),
        (true, true) => fault("drivers", "none is installed in the usual folders", INSTALL_DRIVER),
        (true, false) => note("drivers", "none is in the usual folders".into(), String::new()),
    }
}

/// The service runs, and knows no reader.
fn missing_readers(system: &System) -> Vec<Check> {
    let plugged = system.usb_readers();
    if plugged.is_empty() {
        return vec![fault(
            "readers",
            "no reader is plugged in",
            "Plug one in. lsusb shows whether the system sees it.",
        )];
    }
    let has_scdaemon = system.programs().iter().any(|program| program.name == "scdaemon");
    let check = |reader: &crate::system::UsbReader| {
        let finding =
            format!("{} ({}) is plugged in, and pcscd does not know it", printable(&reader.product), reader.id);
        let advice = match &reader.claimed_by {
            Some(driver) if driver == "usbfs" && has_scdaemon => {
                "scdaemon of GnuPG has taken it: gpgconf --kill scdaemon, and put disable-ccid into \
                 ~/.gnupg/scdaemon.conf."
                    .into()
            }
            Some(driver) if driver != "usbfs" => format!("The driver {driver} of the kernel has taken it."),
            Some(_) => format!("Another program has taken it. {READ_LOG}"),
            None if system.drivers().is_empty() => INSTALL_DRIVER.into(),
            None => READ_LOG.into(),
        };
        fault("readers", finding, advice)
    };
    plugged.iter().map(check).collect()
}

fn reader(session: &Session, system: &System, name: String) -> Check {
    let error = match session.attach_soon(&name, Share::Shared, LIMIT_MS) {
        Ok(card) => return usable(&name, &card),
        Err(error) => error,
    };
    match error.name() {
        library::NO_SMARTCARD => note(&name, "no card is in the reader".into(), "Put one in.".into()),
        library::SHARING_VIOLATION => fault(&name, "another program has it exclusively", users(system, session)),
        library::TIMEOUT => fault(&name, "another program holds the card", users(system, session)),
        "SCM_SCARD_W_SECURITY_VIOLATION" => polkit("pcscd refuses the card to this program"),
        "SCM_SCARD_W_UNRESPONSIVE_CARD" => {
            let advice = Failure::library(&name, error).advice();
            fault(&name, "the card is mute: it does not answer to a reset", advice)
        }
        _ => failed(&name, error),
    }
}

fn failed(name: &str, error: library::Error) -> Check {
    let failure = Failure::library(name, error);
    fault(name, failure.finding(), failure.advice())
}

fn usable(name: &str, card: &Attachment) -> Check {
    match card.status() {
        Ok(state) => good(name, format!("the card answers, {}", state.protocol.unwrap_or("without a protocol"))),
        Err(error) => failed(name, error),
    }
}

fn users(system: &System, session: &Session) -> String {
    let programs = system.programs();
    let shown = |Program { id, name }: &Program| format!("{} ({id})", printable(name));
    let list = programs.iter().map(shown).collect::<Vec<_>>().join(", ");
    match programs.as_slice() {
        _ if session.has_virtual_card() => "End what this process does with it.".into(),
        [] => "End it. As root, scmctl doctor also sees programs of other users.".into(),
        _ if programs.iter().any(|program| program.name == "scdaemon") => {
            format!("These use cards: {list}. For scdaemon: gpgconf --kill scdaemon")
        }
        _ => format!("These use cards: {list}. End the one that has it."),
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for Check { subject, state, finding, advice } in &self.checks {
            let mark = match state {
                State::Good => format!("{}", "good ".green()),
                State::Note => format!("{}", "note ".yellow()),
                State::Fault => format!("{}", "FAULT".red()),
            };
            writeln!(formatter, "{mark}  {}: {finding}", printable(subject).bold())?;
            for line in advice.lines() {
                writeln!(formatter, "       {line}")?;
            }
        }
        match self.checks.iter().filter(|check| check.state == State::Fault).count() {
            0 => writeln!(formatter, "No fault was found."),
            1 => writeln!(formatter, "One fault was found."),
            faults => writeln!(formatter, "{faults} faults were found."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::tests::Machine;

    #[test]
    fn a_daemon_that_is_missing_is_installed_and_one_that_does_not_run_is_started() {
        let check = missing_service(&Machine::new("no-daemon").system());
        assert!(check.finding.contains("not installed") && check.advice.contains("apt install pcscd"));
        let check = missing_service(&Machine::new("idle-daemon").with("usr/sbin/pcscd", "").system());
        assert!(check.finding.contains("does not run") && check.advice.contains("systemctl enable --now pcscd.socket"));
    }

    #[test]
    fn a_refusal_has_the_rule_of_polkit() {
        let refusal = Failure::library("readers", library::Error::named("SCM_SCARD_W_SECURITY_VIOLATION"));
        let check = refusing_service(&Machine::new("polkit").system(), &refusal);
        assert_eq!(check.state, State::Fault);
        for part in ["polkit.addRule", "access_pcsc", "access_card", "/etc/polkit-1/rules.d/"] {
            assert!(check.advice.contains(part), "{part}: {}", check.advice);
        }
    }

    /// A YubiKey that pcscd does not list.
    fn with_token(name: &str) -> Machine {
        Machine::new(name)
            .with("sys/bus/usb/devices/1-2/idVendor", "1050")
            .with("sys/bus/usb/devices/1-2/idProduct", "0407")
            .with("sys/bus/usb/devices/1-2/product", "YubiKey")
            .with("sys/bus/usb/devices/1-2:1.2/bInterfaceClass", "0b")
    }

    fn advice(machine: &Machine) -> String {
        let checks = missing_readers(&machine.system());
        assert!(checks.len() == 1 && checks[0].finding.contains("YubiKey (1050:0407)"));
        checks[0].advice.clone()
    }

    #[test]
    fn a_reader_without_a_driver_needs_one() {
        assert!(advice(&with_token("no-driver")).contains("libccid"));
        let installed = with_token("driver").with("usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist", "");
        assert!(advice(&installed).contains("journalctl -u pcscd"));
    }

    #[cfg(unix)]
    #[test]
    fn a_reader_that_another_has_taken_is_freed() {
        let claimed_by = |name: &str, driver: &str| {
            let machine = with_token(name).with("proc/7/comm", "scdaemon");
            let interface = machine.path().join("sys/bus/usb/devices/1-2:1.2/driver");
            std::os::unix::fs::symlink(format!("../../../drivers/{driver}"), interface).unwrap();
            advice(&machine)
        };
        assert!(claimed_by("scdaemon", "usbfs").contains("gpgconf --kill scdaemon"));
        assert!(claimed_by("kernel", "pn533_usb").contains("pn533_usb of the kernel"));
    }

    #[test]
    fn no_reader_at_all_is_plugged_in() {
        assert!(missing_readers(&Machine::new("no-reader").system())[0].advice.contains("Plug one in"));
    }
}
