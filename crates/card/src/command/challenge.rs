//! GET CHALLENGE, INTERNAL and EXTERNAL AUTHENTICATE (ISO/IEC 7816-4, 11.5.3 to 11.5.5).

use crate::access::Kind;
use crate::apdu::{Answer, Command, Response};
use crate::card::Card;
use crate::key::{BLOCK, Key};
use crate::session::Grant;
use crate::status::{Result, Status};

const MAX_CHALLENGE: usize = 256;

impl Card {
    pub(super) fn get_challenge(&mut self, command: &Command) -> Answer {
        command.expect_p1_p2(0, 0)?;
        let le = command.le.ok_or(Status::WRONG_LENGTH)?;
        // As many as exist is one block, which the keys take.
        let length = if le.all { BLOCK } else { le.ne };
        if length > MAX_CHALLENGE || !command.data.is_empty() {
            return Err(Status::WRONG_LENGTH);
        }
        let mut challenge = vec![0; length];
        getrandom::fill(&mut challenge).map_err(|_| Status::NO_DIAGNOSIS)?;
        self.session.challenge = Some(challenge.clone());
        Response::data(challenge)
    }

    /// Proves that the card has a key.
    pub(super) fn internal_authenticate(&mut self, command: &Command) -> Answer {
        let grant = self.key_of(command)?;
        let condition = self.key(grant)?.access.clone();
        self.require(&condition, grant.holder)?;
        let key = self.key(grant)?;
        if !key.uses.internal {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        let challenge = command.data[..].try_into().map_err(|_| Status::WRONG_LENGTH)?;
        Response::data(key.encrypt(challenge)?.to_vec())
    }

    /// The other side proves that it has a key. Each challenge is valid for one try.
    pub(super) fn external_authenticate(&mut self, command: &Command) -> Answer {
        let grant = self.key_of(command)?;
        let granted = self.session.is_granted(grant);
        let key = self.key(grant)?;
        if !key.uses.external {
            return Err(Status::CONDITIONS_NOT_SATISFIED);
        }
        if command.data.is_empty() {
            return ask(key, granted);
        }
        if command.data.len() != BLOCK {
            return Err(Status::WRONG_LENGTH);
        }
        if key.counter.as_ref().is_some_and(|counter| counter.is_blocked()) {
            return Err(Status::METHOD_BLOCKED);
        }
        let challenge = self.session.challenge.take().ok_or(Status::CONDITIONS_NOT_SATISFIED)?;
        let challenge = challenge.as_slice().try_into().map_err(|_| Status::CONDITIONS_NOT_SATISFIED)?;
        let outcome = self.key(grant)?.authenticate(challenge, &command.data);
        match outcome {
            Ok(()) => self.session.grant(grant)?,
            Err(_) => self.session.revoke_everywhere(grant),
        }
        outcome.and_then(|()| Response::ok())
    }

    /// The referenced key; the algorithm is known, so P1 has no meaning.
    fn key_of(&self, command: &Command) -> Result<Grant> {
        if command.p1 != 0 {
            return Err(Status::WRONG_P1_P2);
        }
        self.referenced(Kind::Key, command.p2)
    }

    fn key(&mut self, grant: Grant) -> Result<&mut Key> {
        self.tree.get_mut(grant.holder)?.df_mut()?.key(grant.number)
    }
}

/// Tells whether an authentication is needed, and the remaining tries.
fn ask(key: &Key, granted: bool) -> Answer {
    match &key.counter {
        Some(counter) if counter.is_blocked() => Err(Status::METHOD_BLOCKED),
        _ if granted => Response::ok(),
        Some(counter) => Err(Status::tries_left(counter.left())),
        None => Err(Status::NOT_AUTHENTICATED),
    }
}

#[cfg(test)]
mod tests {
    use crate::Card;
    use crate::command::tests::default_card;
    use aes::cipher::{BlockEncrypt, KeyInit};

    /// Key 1 of the default card on a challenge of the card.
    fn cryptogram(card: &mut Card) -> String {
        let challenge = card.transmit(&[0x00, 0x84, 0x00, 0x00, 0x10]);
        let mut block = aes::Block::clone_from_slice(&challenge[..16]);
        aes::Aes128::new(&aes::Block::from(std::array::from_fn(|index| index as u8))).encrypt_block(&mut block);
        hex::encode(block)
    }

    #[test]
    fn challenges_are_as_long_as_asked_for() {
        let mut card = default_card();
        for (apdu, length) in [("0084000000", 16), ("0084000008", 8), ("00840000000100", 256), ("00840000000000", 16)] {
            assert_eq!(card.send(apdu).len() / 2, length + 2, "{apdu}");
        }
        assert_ne!(card.send("0084000010"), card.send("0084000010"));
        card.expect(&[("00840000", "6700"), ("00840000000101", "6700"), ("0084010008", "6A86")]);
    }

    #[test]
    fn the_card_shows_that_it_has_a_key() {
        default_card().expect(&[
            // Computed by openssl enc -aes-128-ecb -nopad.
            ("00880002 10 00112233445566778899AABBCCDDEEFF 00", "E18A556701FE934A34BA4C026B35F6C1 9000"),
            ("00880002 10 00112233445566778899AABBCCDDEEFF 08", "6C10"),
            ("00880002 08 0011223344556677 00", "6700"),
            ("00880001 10 00112233445566778899AABBCCDDEEFF 00", "6985"),
            ("00880003 10 00112233445566778899AABBCCDDEEFF 00", "6A88"),
            ("00880102 10 00112233445566778899AABBCCDDEEFF 00", "6A86"),
            ("00A4000C025016", "9000"),
            ("00880083 10 00112233445566778899AABBCCDDEEFF 00", "6982"),
        ]);
    }

    #[test]
    fn the_other_side_shows_that_it_has_a_key() {
        let mut card = default_card();
        card.expect(&[("00820001", "63C5"), ("00A4000C025016", "9000"), ("00B0820000", "6982")]);
        let right = format!("0082000110{}", cryptogram(&mut card));
        card.expect(&[
            (&right, "9000"),
            ("00820001", "9000"),
            ("00B0820000", "626568696E6420746865206B6579 9000"),
            // A challenge is valid for one try.
            (&right, "6985"),
        ]);
        let wrong = format!("0082000110{}", "00".repeat(16));
        cryptogram(&mut card);
        card.expect(&[(&wrong, "63C4"), ("00B0820000", "6982"), (&wrong, "6985"), ("00820002 01 00", "6985")]);
        card.expect(&[("00820001 08 0011223344556677", "6700")]);
        for left in ["63C3", "63C2", "63C1", "63C0", "6983"] {
            cryptogram(&mut card);
            card.expect(&[(&wrong, left)]);
        }
        card.expect(&[("00820001", "6983")]);
    }

    #[test]
    fn a_challenge_of_another_length_is_no_good() {
        let mut card = default_card();
        card.send("0084000008");
        card.expect(&[("00820001 10 00112233445566778899AABBCCDDEEFF", "6985"), ("00820001", "63C5")]);
    }
}
