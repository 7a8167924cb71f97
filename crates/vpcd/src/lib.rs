//! Connects a card program to a reader of vpcd, the virtual reader of vsmartcard.
//!
//! vpcd listens on one TCP port per reader; a card is the client of it. `vpicc` has the wire format and the card's
//! side. This crate adds what tests need: it waits for the daemon, reconnects after a restart of the daemon, responds
//! without the 40 ms delay of TCP, and can disconnect instead of a response, or in the middle of one.

use std::io::{Error, Result, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use vpicc::{Connection, VSmartCard};

/// The interval of the tries while no daemon listens.
const RETRY: Duration = Duration::from_millis(5);

/// Keeps `card` in the reader at `port`, through every restart of the daemon.
pub fn serve(port: u16, card: &mut impl VSmartCard) -> ! {
    loop {
        if let Ok(plug) = Plug::insert(port) {
            plug.run(card);
        }
    }
}

/// One connection between a card and its reader. Drop removes the card.
pub struct Plug {
    connection: Connection,
    wire: Wire,
}

impl Plug {
    /// Connects to the reader at `port`; waits until a daemon listens there.
    pub fn insert(port: u16) -> Result<Self> {
        let stream = connect(port);
        stream.set_nodelay(true)?;
        let wire = Wire(stream.try_clone()?);
        wire.keep_asking()?;
        Ok(Plug { wire, connection: stream.into() })
    }

    /// The connection alone, to remove the card while it runs.
    pub fn wire(&self) -> Result<Wire> {
        self.wire.0.try_clone().map(Wire)
    }

    /// Lets `card` respond until either side ends the connection.
    pub fn run(mut self, card: &mut impl VSmartCard) {
        while self.exchange(card).is_ok() {}
    }

    fn exchange(&mut self, card: &mut impl VSmartCard) -> Result<()> {
        self.wire.acknowledge_at_once()?;
        self.connection.poll(card)
    }
}

fn connect(port: u16) -> TcpStream {
    loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => return stream,
            Err(_) => thread::sleep(RETRY),
        }
    }
}

/// The TCP connection below a [`Plug`].
pub struct Wire(TcpStream);

impl Wire {
    /// Removes the card.
    pub fn cut(&self) -> Result<()> {
        self.0.shutdown(Shutdown::Both)
    }

    /// Removes the card after so many bytes of `answer`.
    pub fn break_off(&self, answer: &[u8], length: usize) -> Result<()> {
        let announced = u16::try_from(answer.len()).map_err(Error::other)?;
        let part = answer.get(..length).unwrap_or(answer);
        (&self.0).write_all(&[&announced.to_be_bytes(), part].concat())?;
        self.cut()
    }

    /// Waits until the reader ends the connection, for `timeout` at most; true if it has ended.
    pub fn wait_for_end(&self, timeout: Duration) -> bool {
        let mut wire = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLRDHUP, revents: 0 };
        let milliseconds = timeout.as_millis().try_into().unwrap_or(libc::c_int::MAX);
        // SAFETY: the one pollfd outlives the call.
        unsafe { libc::poll(&raw mut wire, 1, milliseconds) > 0 }
    }

    /// A client that connects while a daemon dies may keep a connection without a peer: the kernel drops it silently,
    /// and a card, which only listens, would wait forever. Keepalive makes the kernel ask the peer: its kernel answers
    /// for a busy or stopped daemon, and resets an unknown connection.
    fn keep_asking(&self) -> Result<()> {
        self.set(libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, 1)?;
        self.set(libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, 1)?;
        self.set(libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)
    }

    /// vpcd writes the length and the message separately, and its TCP delays the message until the length is
    /// acknowledged. The kernel drops this option at will, so it is set before each message.
    fn acknowledge_at_once(&self) -> Result<()> {
        self.set(libc::IPPROTO_TCP, libc::TCP_QUICKACK, 1)
    }

    fn set(&self, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> Result<()> {
        // SAFETY: the descriptor is open as long as `self`; the option is read from a live c_int of the size given.
        let status = unsafe {
            libc::setsockopt(
                self.0.as_raw_fd(),
                level,
                option,
                (&raw const value).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        if status == 0 { Ok(()) } else { Err(Error::last_os_error()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    struct Parrot;

    impl VSmartCard for Parrot {
        fn execute(&mut self, apdu: &[u8]) -> Vec<u8> {
            apdu.to_vec()
        }
    }

    fn reader() -> (TcpListener, u16) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    fn transmit(stream: &mut TcpStream, apdu: &[u8]) -> Vec<u8> {
        stream.write_all(&(apdu.len() as u16).to_be_bytes()).unwrap();
        stream.write_all(apdu).unwrap();
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut answer = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_card_comes_back_after_its_reader_went_away() {
        let (listener, port) = reader();
        thread::spawn(move || serve(port, &mut Parrot));
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().unwrap();
            assert_eq!(transmit(&mut stream, &[0, 0xA4, 0, 0]), [0, 0xA4, 0, 0]);
        }
    }

    #[test]
    fn a_cut_wire_ends_the_connection() {
        let (listener, port) = reader();
        let plug = Plug::insert(port).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        plug.wire().unwrap().cut().unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn an_answer_can_break_off() {
        let (listener, port) = reader();
        let plug = Plug::insert(port).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        plug.wire().unwrap().break_off(&[7, 8, 0x90, 0x00], 1).unwrap();
        let mut got = Vec::new();
        stream.read_to_end(&mut got).unwrap();
        assert_eq!(got, [0, 4, 7]);
    }

    /// A test cannot create a connection with a silently lost peer, except in kernels that can repair connections. So
    /// this checks the options of the socket.
    #[test]
    fn a_wire_keeps_asking_whether_its_reader_is_there() {
        let (_listener, port) = reader();
        let plug = Plug::insert(port).unwrap();
        let (mut on, mut size): (libc::c_int, _) = (0, size_of::<libc::c_int>() as libc::socklen_t);
        let option = (&raw mut on).cast();
        // SAFETY: the descriptor is open, and the option is written to a live c_int of the size given.
        let status = unsafe {
            libc::getsockopt(plug.wire.0.as_raw_fd(), libc::SOL_SOCKET, libc::SO_KEEPALIVE, option, &raw mut size)
        };
        assert_eq!((status, on), (0, 1));
    }

    #[test]
    fn a_wire_tells_that_its_reader_went_away() {
        let (listener, port) = reader();
        let plug = Plug::insert(port).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&[0, 1, 4]).unwrap();
        let wire = plug.wire().unwrap();
        assert!(!wire.wait_for_end(Duration::ZERO));
        drop(stream);
        assert!(wire.wait_for_end(Duration::from_secs(10)));
    }
}
