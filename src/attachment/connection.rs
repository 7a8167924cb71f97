//! The connection of an attachment: a card handle, the protocol that is active on it, and the context it belongs to.

use crate::abi::constants::{Access, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, ResourceManager};
use crate::runtime::wait::WaitLimit;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connection {
    /// None when the context is the caller's.
    pub context: Option<Context>,
    pub icc: Icc,
    pub share_mode: ShareMode,
    /// None in direct mode.
    pub protocol: Option<Protocol>,
}

/// How often a card is asked for a protocol. Others who reset it at the same moment can take it away again, or make it
/// look as if the card did not have it.
pub(super) const TRIES: u32 = 3;

impl Connection {
    /// A new connection to the card in `ifd`, in a context of its own.
    pub fn open(manager: &dyn ResourceManager, ifd: &IfdName, access: Access, limit: &WaitLimit) -> Result<Connection> {
        let context = manager.establish_context(limit)?;
        let opened = connect(manager, context, ifd, access, limit);
        if opened.is_err() {
            manager.release_context(context);
        }
        match opened {
            // A service that goes away in the middle of a call breaks off; the next call knows that it is gone.
            Err(Hresult::SCARD_F_COMM_ERROR) => {
                manager.release_context(manager.establish_context(limit)?);
                opened
            }
            opened => opened,
        }
    }

    /// The same handle, connected anew: a reset or a removal is acknowledged. A failure has changed nothing; whether a
    /// success is what was asked for, `check` tells.
    pub fn reconnect(
        self,
        manager: &dyn ResourceManager,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Connection> {
        let mut initial = initial;
        let mut outcome = Err(Hresult::SCARD_E_NOT_READY);
        for _ in 0..TRIES {
            let now = outcome.unwrap_or(self);
            match manager.reconnect(self.icc, now.share_mode, access, initial, limit) {
                Ok(protocol) => {
                    let connection = Connection { share_mode: access.share_mode, ..self }.with_protocol(protocol);
                    outcome = Ok(connection);
                    if connection.is_complete() {
                        break;
                    }
                }
                // It is another connection already.
                Err(_) if outcome.is_ok() => {}
                Err(Hresult::SCARD_E_PROTO_MISMATCH) => outcome = Err(Hresult::SCARD_E_PROTO_MISMATCH),
                Err(code) => return Err(code),
            }
            initial = Disposition::Leave;
        }
        outcome
    }

    /// In direct mode the reader is meant: what protocol its card speaks is nobody's business.
    pub fn with_protocol(self, protocol: Option<Protocol>) -> Connection {
        let protocol = protocol.filter(|_| self.share_mode != ShareMode::Direct);
        Connection { protocol, ..self }
    }

    pub fn is_complete(&self) -> bool {
        self.share_mode == ShareMode::Direct || self.protocol.is_some()
    }

    /// Whether this is a connection as it was asked for: pcsc-lite reconnects with the protocol that is active already,
    /// whatever that is, or without one.
    pub fn check(self, access: Access) -> Result<Connection> {
        match self.protocol {
            Some(protocol) if !access.protocols.accept(protocol) => Err(Hresult::SCARD_E_PROTO_MISMATCH),
            None if !self.is_complete() => Err(Hresult::SCARD_E_NOT_READY),
            _ => Ok(self),
        }
    }

    fn insist_on_end(self, manager: &dyn ResourceManager) {
        for _ in 1..TRIES {
            if manager.disconnect(self.icc, Disposition::Leave).is_ok() {
                return;
            }
        }
    }

    /// Ends the connection, whatever the service answers. Only a disposition that could not be met is an error.
    pub fn close(self, manager: &dyn ResourceManager, disposition: Disposition) -> Result<()> {
        let result = manager.disconnect(self.icc, disposition);
        match self.context {
            Some(context) => manager.release_context(context),
            // No context of ours takes a card handle along that is still there.
            None if result.is_err() => self.insist_on_end(manager),
            None => {}
        }
        if disposition == Disposition::Leave { Ok(()) } else { result }
    }
}

fn connect(
    manager: &dyn ResourceManager,
    context: Context,
    ifd: &IfdName,
    access: Access,
    limit: &WaitLimit,
) -> Result<Connection> {
    let connect = |access: Access| {
        let (icc, protocol) = manager.connect(context, ifd, access, limit)?;
        let connection = Connection { context: Some(context), icc, share_mode: access.share_mode, protocol: None };
        Ok(connection.with_protocol(protocol))
    };
    let mut connected = connect(access);
    for _ in 1..TRIES {
        if connected == Err(Hresult::SCARD_E_PROTO_MISMATCH) {
            connected = connect(access);
        }
    }
    match connected {
        Ok(connection) if connection.is_complete() => Ok(connection),
        // pcsc-lite connects without a protocol as long as nobody has reconnected after a reset.
        Ok(connection) => complete(manager, connection, access, Disposition::Leave, limit),
        // pcsc-lite leaves a card without power for ever when its power was turned off and someone still has a handle.
        Err(Hresult::SCARD_W_UNPOWERED_CARD) => {
            let reader = connect(Access { share_mode: ShareMode::Direct, ..access })?;
            complete(manager, reader, access, Disposition::Unpower, limit)
        }
        Err(code) => Err(code),
    }
}

/// Makes a connection usable that is not, or disconnects it.
fn complete(
    manager: &dyn ResourceManager,
    connection: Connection,
    access: Access,
    initial: Disposition,
    limit: &WaitLimit,
) -> Result<Connection> {
    connection.reconnect(manager, access, initial, limit).and_then(|connection| connection.check(access)).inspect_err(
        |_| {
            // What it is good for has been tried.
            let _ = manager.disconnect(connection.icc, Disposition::Leave);
        },
    )
}
