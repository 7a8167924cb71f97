//! The machine, as far as smart cards need it: the daemon, drivers, USB readers, and programs that use cards. Nothing
//! is found on systems without these places.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The root of the machine; another folder in tests.
pub struct System {
    root: PathBuf,
}

/// The socket of pcscd.
#[derive(Debug, PartialEq)]
pub enum Socket {
    Missing,
    /// The file is there, but no program listens.
    Abandoned,
    /// This user may not open it.
    Denied,
    Listening,
    /// It is not known on this platform.
    Unknown,
}

/// A USB interface of class 0B (smart card).
#[derive(Debug, PartialEq, Serialize)]
pub struct UsbReader {
    pub product: String,
    /// Vendor and product, as `lsusb` shows them.
    pub id: String,
    /// The program or driver of the kernel that has it: usbfs is a program.
    pub claimed_by: Option<String>,
}

/// A program that has loaded the client library of PC/SC, or talks to readers itself.
#[derive(Debug, PartialEq)]
pub struct Program {
    pub id: u32,
    pub name: String,
}

impl System {
    pub fn this() -> System {
        System { root: "/".into() }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The path of the socket: `PCSCLITE_CSOCK_NAME`, as for libpcsclite, or the usual one.
    pub fn socket_path(&self) -> PathBuf {
        std::env::var_os("PCSCLITE_CSOCK_NAME").map_or_else(|| self.path("run/pcscd/pcscd.comm"), PathBuf::from)
    }

    #[cfg(unix)]
    pub fn socket(&self, path: &Path) -> Socket {
        match std::os::unix::net::UnixStream::connect(path).map_err(|error| error.kind()) {
            Ok(_) => Socket::Listening,
            Err(io::ErrorKind::NotFound) => Socket::Missing,
            Err(io::ErrorKind::PermissionDenied) => Socket::Denied,
            Err(io::ErrorKind::ConnectionRefused) => Socket::Abandoned,
            Err(_) => Socket::Unknown,
        }
    }

    #[cfg(not(unix))]
    pub fn socket(&self, _: &Path) -> Socket {
        Socket::Unknown
    }

    /// The program pcscd.
    pub fn daemon(&self) -> Option<PathBuf> {
        const FOLDERS: [&str; 5] = ["usr/sbin", "sbin", "usr/local/sbin", "usr/bin", "usr/local/bin"];
        FOLDERS.iter().map(|folder| self.path(folder).join("pcscd")).find(|path| path.is_file())
    }

    /// The bundles of drivers.
    pub fn drivers(&self) -> Vec<String> {
        let folders = ["usr/lib/pcsc/drivers", "usr/lib64/pcsc/drivers", "usr/local/lib/pcsc/drivers"];
        let mut drivers: Vec<String> = folders.iter().flat_map(|folder| names(&self.path(folder))).collect();
        drivers.retain(|name| name.ends_with(".bundle"));
        drivers.iter_mut().for_each(|name| name.truncate(name.len() - ".bundle".len()));
        drivers.sort();
        drivers.dedup();
        drivers
    }

    pub fn usb_readers(&self) -> Vec<UsbReader> {
        let folder = self.path("sys/bus/usb/devices");
        let interfaces = names(&folder).into_iter().map(|name| folder.join(name));
        let mut readers: Vec<UsbReader> = interfaces
            .filter(|path| line(&path.join("bInterfaceClass")) == "0b")
            .map(|path| usb_reader(&path))
            .collect();
        readers.sort_by(|one, other| one.id.cmp(&other.id));
        readers
    }

    /// Programs of this user, and for root of all users.
    pub fn programs(&self) -> Vec<Program> {
        let folder = self.path("proc");
        let mut programs = Vec::new();
        for id in names(&folder).iter().filter_map(|name| name.parse().ok()) {
            let process = folder.join(format!("{id}"));
            let name = line(&process.join("comm"));
            let uses_cards = || fs::read_to_string(process.join("maps")).is_ok_and(|maps| runs_client_library(&maps));
            if id != std::process::id() && name != "pcscd" && (name == "scdaemon" || uses_cards()) {
                programs.push(Program { id, name });
            }
        }
        programs.sort_by_key(|program| program.id);
        programs
    }
}

/// A linker, too, maps a library, but not to run it.
fn runs_client_library(maps: &str) -> bool {
    maps.lines().any(|line| line.contains(" r-xp ") && line.contains("/libpcsclite.so"))
}

/// `path` is an interface, whose device is the folder above.
fn usb_reader(path: &Path) -> UsbReader {
    // The name of an interface is that of its device, with a colon and its number. The folder is a link.
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let device = path.with_file_name(name.split(':').next().unwrap_or_default());
    let driver = fs::read_link(path.join("driver")).ok();
    UsbReader {
        product: line(&device.join("product")),
        id: format!("{}:{}", line(&device.join("idVendor")), line(&device.join("idProduct"))),
        claimed_by: driver.and_then(|driver| Some(driver.file_name()?.to_string_lossy().into_owned())),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn line(path: &Path) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A folder that looks like the root of a machine.
    pub struct Machine(PathBuf);

    impl Machine {
        pub fn new(name: &str) -> Machine {
            let path = std::env::temp_dir().join(format!("scmctl-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Machine(path)
        }

        pub fn with(self, path: &str, content: &str) -> Machine {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
            self
        }

        pub fn path(&self) -> &Path {
            &self.0
        }

        pub fn system(&self) -> System {
            System { root: self.0.clone() }
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn an_empty_machine_has_nothing() {
        let machine = Machine::new("empty");
        let system = machine.system();
        assert_eq!(system.daemon(), None);
        assert!(system.drivers().is_empty() && system.usb_readers().is_empty() && system.programs().is_empty());
        assert_eq!(system.socket(&system.path("run/pcscd/pcscd.comm")), Socket::Missing);
    }

    #[test]
    fn drivers_and_the_daemon_are_found() {
        let machine = Machine::new("drivers")
            .with("usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist", "")
            .with("usr/lib/pcsc/drivers/serial/other.so", "")
            .with("usr/sbin/pcscd", "");
        assert_eq!(machine.system().drivers(), ["ifd-ccid"]);
        assert!(machine.system().daemon().unwrap().ends_with("usr/sbin/pcscd"));
    }

    #[test]
    fn usb_readers_are_interfaces_of_class_0b() {
        let machine = Machine::new("usb")
            .with("sys/bus/usb/devices/1-2/idVendor", "1050\n")
            .with("sys/bus/usb/devices/1-2/idProduct", "0407\n")
            .with("sys/bus/usb/devices/1-2/product", "YubiKey\n")
            .with("sys/bus/usb/devices/1-2:1.0/bInterfaceClass", "03\n")
            .with("sys/bus/usb/devices/1-2:1.2/bInterfaceClass", "0b\n");
        let readers = machine.system().usb_readers();
        let expected = UsbReader { product: "YubiKey".into(), id: "1050:0407".into(), claimed_by: None };
        assert_eq!(readers, [expected]);
    }

    #[test]
    fn programs_with_the_client_library_use_cards() {
        let maps = "7f00 r-xp 0 00:00 0  /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n";
        let machine = Machine::new("programs")
            .with("proc/10/comm", "browser\n")
            .with("proc/10/maps", maps)
            .with("proc/11/comm", "pcscd\n")
            .with("proc/11/maps", maps)
            .with("proc/12/comm", "scdaemon\n")
            .with("proc/14/comm", "ld\n")
            .with("proc/14/maps", &maps.replace("r-xp", "r--p"))
            .with("proc/13/comm", "bash\n")
            .with("proc/13/maps", "7f00 r-xp 0 00:00 0  /usr/lib/libc.so.6\n");
        let names: Vec<String> = machine.system().programs().into_iter().map(|program| program.name).collect();
        assert_eq!(names, ["browser", "scdaemon"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_without_a_listener_is_abandoned() {
        let machine = Machine::new("socket");
        let path = machine.0.join("pcscd.comm");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert_eq!(machine.system().socket(&path), Socket::Listening);
        drop(listener);
        assert_eq!(machine.system().socket(&path), Socket::Abandoned);
    }
}
