//! The card: from command bytes to response bytes.

use crate::access::{Condition, Operation, Requirement};
use crate::apdu::{Answer, Command, Response};
use crate::chaining::Chain;
use crate::class::Class;
use crate::data_coding::WriteBehaviour;
use crate::features::{Feature, Features};
use crate::file::File;
use crate::file_tree::{FileTree, Node};
use crate::manners::{Manners, Pending};
use crate::personalisation;
use crate::profile::{Profile, ProfileError};
use crate::session::{Grant, Session};
use crate::status::{Result, Status};

/// A card without orders and without a reader. It keeps its files through a reset, and loses its session.
pub struct Card {
    pub(crate) atr: Vec<u8>,
    pub(crate) manners: Manners,
    pub(crate) channels: usize,
    pub(crate) write: WriteBehaviour,
    pub(crate) memory: usize,
    pub(crate) features: Features,
    pub(crate) steerable: bool,
    pub(crate) tree: FileTree,
    pub(crate) session: Session,
}

impl Card {
    /// Creates the card of `profile`.
    pub fn new(profile: &Profile) -> std::result::Result<Card, ProfileError> {
        Ok(Card {
            atr: profile.atr.0.clone(),
            manners: profile.manners,
            channels: profile.channels.into(),
            write: profile.write,
            memory: profile.memory,
            features: profile.unsupported.clone(),
            steerable: profile.steerable,
            tree: personalisation::files(profile)?,
            session: Session::new(),
        })
    }

    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// Drops the state that ends with power: selection, verifications, channels, challenge, partial commands.
    pub fn reset(&mut self) {
        self.session = Session::new();
    }

    /// Responds to a command APDU. Any bytes get a status word.
    pub fn transmit(&mut self, apdu: &[u8]) -> Vec<u8> {
        self.answer(apdu).unwrap_or_else(Response::from).into_bytes()
    }

    fn answer(&mut self, apdu: &[u8]) -> Answer {
        let command = Command::read(apdu)?;
        let extended = self.features.has(Feature::Extended) && self.manners == Manners::T1;
        if command.extended && !extended {
            return Err(Status::WRONG_LENGTH);
        }
        self.receive(command)
    }

    /// Assembles chains; the class names the channel of a command.
    pub(crate) fn receive(&mut self, command: Command) -> Answer {
        let class = Class::read(command.cla);
        let Ok(Class::Interindustry { channel, chained }) = class else {
            // Any other command ends a chain.
            self.session.chain = None;
            class?;
            return self.test(&command);
        };
        self.session.enter(channel)?;
        if chained && !self.features.has(Feature::Chaining) {
            return Err(Status::CHAINING_NOT_SUPPORTED);
        }
        let chain = self.session.chain.take();
        if !chained && chain.is_none() {
            return self.run(command);
        }
        let chain = Chain::add(chain, &command)?;
        if chained {
            self.session.chain = Some(chain);
            return Response::ok();
        }
        self.run(chain.close(command))
    }

    /// Executes a complete command, and keeps the part of the response for GET RESPONSE.
    fn run(&mut self, command: Command) -> Answer {
        // A wrong Le has no effect, not even a step to the next record.
        let before = self.session.clone();
        let pending = self.session.pending.take();
        let response = self.dispatch(&command, pending)?;
        let portion = self.manners.serve(&command, response).inspect_err(|_| self.session = before)?;
        if let Some((data, status)) = portion.rest {
            self.session.pending = Some(Pending { channel: self.session.number(), data, status });
        }
        Ok(portion.response)
    }

    /// Fails if `operation` on the file at `node` is not allowed now.
    pub(crate) fn allow(&self, operation: Operation, node: Node) -> Result<()> {
        let file = self.tree.get(node)?;
        if !file.life_cycle.is_operational() {
            return Ok(());
        }
        self.require(file.access.condition(operation), self.tree.df_of(node))
    }

    /// Fails if `condition` is not met, with references relative to `df`.
    pub(crate) fn require(&self, condition: &Condition, df: Node) -> Result<()> {
        let is_met = |need: &Requirement| {
            let holder = self.tree.holder(need.kind, need.reference, df);
            let grant = |holder| Grant { holder, kind: need.kind, number: need.reference.number() };
            holder.is_some_and(|holder| self.session.is_granted(grant(holder)))
        };
        if condition.0.iter().any(|all| all.iter().all(is_met)) {
            Ok(())
        } else {
            Err(Status::SECURITY_STATUS_NOT_SATISFIED)
        }
    }

    /// Fails if the file at `node`, or a DF above it, is deactivated or terminated.
    pub(crate) fn expect_usable(&self, node: Node) -> Result<()> {
        let usable = |node| self.tree.get(node).is_ok_and(|file: &File| file.life_cycle.is_usable());
        if self.tree.path(node).all(usable) { Ok(()) } else { Err(Status::CONDITIONS_NOT_SATISFIED) }
    }

    /// The current DF.
    pub(crate) fn current_df(&self) -> Result<Node> {
        Ok(self.session.channel()?.df)
    }

    /// The current EF.
    pub(crate) fn current_ef(&self) -> Result<Node> {
        self.session.channel()?.ef.ok_or(Status::NO_CURRENT_EF)
    }
}

#[cfg(test)]
mod tests {
    use crate::command::tests::{card, default_card};

    #[test]
    fn chains_become_one_command() {
        default_card().expect(&[
            ("10D6810001 AA", "9000"),
            ("10D6810001 BB", "9000"),
            ("00D6810001 CC", "6A82"),
            ("00A4000C025015", "9000"),
            ("10D6810001 AA", "9000"),
            ("00D6810001 CC", "9000"),
            ("00B0000003", "AACC6C 9000"),
            ("10D6810001 AA", "9000"),
            ("00B0000003", "6883"),
            ("00B0000001", "AA 9000"),
            ("10D6810001 AA", "9000"),
            ("80CA0000", "6E00"),
            ("00D6810001 CC", "9000"),
            ("00B0000001", "CC 9000"),
        ]);
        card("unsupported = ['chaining']").expect(&[("10D6810001AA", "6884"), ("00A4000C", "9000")]);
    }

    #[test]
    fn classes_and_instructions_that_are_not_there() {
        default_card().expect(&[
            ("0CA4000C", "6882"),
            ("60A4000C", "6882"),
            ("80A4000C", "6E00"),
            ("FFA4000C", "6E00"),
            ("20A4000C", "6E00"),
            ("00FE0000", "6D00"),
            ("00210001", "6D00"),
            ("00A4", "6700"),
            ("", "6700"),
        ]);
        card("unsupported = ['84', 'extended']").expect(&[
            ("0084000008", "6D00"),
            ("00A4000C", "9000"),
            ("00A4000C000000", "6700"),
        ]);
    }

    #[test]
    fn responses_are_fetched_with_t0() {
        let mut card = card("manners = 'T0'\n[[mf.ef]]\nid=0x4401\ncontent='0102030405'\n");
        let parameters = "621A80020005820241418302440188008A01058C075F000000000000";
        card.expect(&[
            ("00A40004024401", "611C"),
            ("00C0000020", "6C1C"),
            ("00C0000002", "621A 611A"),
            ("00C000001A", &format!("{} 9000", &parameters[4..])),
            ("00C0000001", "6985"),
            ("00A40004024401 00", "611C"),
            ("00B0000005", "0102030405 9000"),
            ("00C0000001", "6985"),
            ("00B0000000", "6C05"),
            ("00B0000305", "6C02"),
            ("00B0000302", "0405 9000"),
            ("00A4000C024401", "9000"),
        ]);
    }

    #[test]
    fn long_responses_are_fetched_with_t1() {
        let mut card = card("[[mf.ef]]\nid=1\nstructure='linear-fixed'\nsize=200\ncount=2\n");
        let record = "11".repeat(200);
        card.expect(&[
            ("00A4000C020001", "9000"),
            (&format!("00E20000C8{record}"), "9000"),
            (&format!("00E20000C8{record}"), "9000"),
            ("00B2010500", &format!("{} 6190", "11".repeat(256))),
            ("00C0000090", &format!("{} 9000", "11".repeat(144))),
            ("00B20105000000", &format!("{record}{record} 9000")),
            ("00B2010500", &format!("{} 6190", "11".repeat(256))),
            ("0070000001", "01 9000"),
            ("00C0000090", "6985"),
        ]);
    }
}
