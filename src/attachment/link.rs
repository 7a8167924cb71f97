//! The connection of an attachment: a card handle, the protocol that is active on it, and the context it belongs to.

use crate::hresult::{Hresult, Result};
use crate::ifd_name::IfdName;
use crate::patience::Patience;
use crate::subsystem::{Context, Icc, Subsystem};
use crate::type_library::{Access, Disposition, Protocol, ShareMode};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
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

impl Link {
    /// A new connection to the card in `ifd`, in a context of its own.
    pub fn open(subsystem: &dyn Subsystem, ifd: &IfdName, access: Access, patience: &Patience) -> Result<Link> {
        let context = subsystem.establish_context(patience)?;
        let opened = connect(subsystem, context, ifd, access, patience);
        if opened.is_err() {
            subsystem.release_context(context);
        }
        match opened {
            // A service that goes away in the middle of a call breaks off; the next call knows that it is gone.
            Err(Hresult::SCARD_F_COMM_ERROR) => {
                subsystem.release_context(subsystem.establish_context(patience)?);
                opened
            }
            opened => opened,
        }
    }

    /// The same handle, connected anew: a reset or a removal is acknowledged. A failure has changed nothing; whether a
    /// success is what was asked for, `check` tells.
    pub fn reconnect(
        self,
        subsystem: &dyn Subsystem,
        access: Access,
        initial: Disposition,
        patience: &Patience,
    ) -> Result<Link> {
        let mut initial = initial;
        let mut outcome = Err(Hresult::SCARD_E_NOT_READY);
        for _ in 0..TRIES {
            let now = outcome.unwrap_or(self);
            match subsystem.reconnect(self.icc, now.share_mode, access, initial, patience) {
                Ok(protocol) => {
                    let link = Link { share_mode: access.share_mode, ..self }.with_protocol(protocol);
                    outcome = Ok(link);
                    if link.is_complete() {
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
    pub fn with_protocol(self, protocol: Option<Protocol>) -> Link {
        let protocol = protocol.filter(|_| self.share_mode != ShareMode::Direct);
        Link { protocol, ..self }
    }

    pub fn is_complete(&self) -> bool {
        self.share_mode == ShareMode::Direct || self.protocol.is_some()
    }

    /// Whether this is a connection as it was asked for: pcsc-lite reconnects with the protocol that is active already,
    /// whatever that is, or without one.
    pub fn check(self, access: Access) -> Result<Link> {
        match self.protocol {
            Some(protocol) if !access.protocols.accept(protocol) => Err(Hresult::SCARD_E_PROTO_MISMATCH),
            None if !self.is_complete() => Err(Hresult::SCARD_E_NOT_READY),
            _ => Ok(self),
        }
    }

    fn insist_on_end(self, subsystem: &dyn Subsystem) {
        for _ in 1..TRIES {
            if subsystem.disconnect(self.icc, Disposition::Leave).is_ok() {
                return;
            }
        }
    }

    /// Ends the connection, whatever the service answers. Only a disposition that could not be met is an error.
    pub fn close(self, subsystem: &dyn Subsystem, disposition: Disposition) -> Result<()> {
        let result = subsystem.disconnect(self.icc, disposition);
        match self.context {
            Some(context) => subsystem.release_context(context),
            // No context of ours takes a card handle along that is still there.
            None if result.is_err() => self.insist_on_end(subsystem),
            None => {}
        }
        if disposition == Disposition::Leave {
            Ok(())
        } else {
            result
        }
    }
}

fn connect(
    subsystem: &dyn Subsystem,
    context: Context,
    ifd: &IfdName,
    access: Access,
    patience: &Patience,
) -> Result<Link> {
    let connect = |access: Access| {
        let (icc, protocol) = subsystem.connect(context, ifd, access, patience)?;
        let link = Link { context: Some(context), icc, share_mode: access.share_mode, protocol: None };
        Ok(link.with_protocol(protocol))
    };
    let mut connected = connect(access);
    for _ in 1..TRIES {
        if connected == Err(Hresult::SCARD_E_PROTO_MISMATCH) {
            connected = connect(access);
        }
    }
    match connected {
        Ok(link) if link.is_complete() => Ok(link),
        // pcsc-lite connects without a protocol as long as nobody has reconnected after a reset.
        Ok(link) => complete(subsystem, link, access, Disposition::Leave, patience),
        // pcsc-lite leaves a card without power for ever when its power was turned off and someone still has a handle.
        Err(Hresult::SCARD_W_UNPOWERED_CARD) => {
            let reader = connect(Access { share_mode: ShareMode::Direct, ..access })?;
            complete(subsystem, reader, access, Disposition::Unpower, patience)
        }
        Err(code) => Err(code),
    }
}

/// Makes a connection usable that is not, or disconnects it.
fn complete(
    subsystem: &dyn Subsystem,
    link: Link,
    access: Access,
    initial: Disposition,
    patience: &Patience,
) -> Result<Link> {
    link.reconnect(subsystem, access, initial, patience).and_then(|link| link.check(access)).inspect_err(|_| {
        // What it is good for has been tried.
        let _ = subsystem.disconnect(link.icc, Disposition::Leave);
    })
}
