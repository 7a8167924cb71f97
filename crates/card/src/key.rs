//! An AES key, for INTERNAL and EXTERNAL AUTHENTICATE.

use aes::cipher::{BlockEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256, Block};
use subtle::ConstantTimeEq;

use crate::access::Condition;
use crate::bytes::Secret;
use crate::retry::RetryCounter;
use crate::status::{Result, Status};

/// The length of a challenge and its cryptogram.
pub const BLOCK: usize = 16;

#[derive(Clone, Debug)]
pub struct Key {
    /// 1 to 31.
    pub number: u8,
    /// The counter of EXTERNAL AUTHENTICATE; None for unlimited tries.
    pub counter: Option<RetryCounter>,
    pub uses: Uses,
    /// Condition of INTERNAL AUTHENTICATE.
    pub access: Condition,
    value: Secret,
}

/// The uses of a key. One key for both would let the card answer its own challenge.
#[derive(Clone, Copy, Debug)]
pub struct Uses {
    pub internal: bool,
    pub external: bool,
}

impl Key {
    /// `value` has 16, 24 or 32 bytes; the profile checks that.
    pub fn new(number: u8, value: Secret, tries: Option<u8>, uses: Uses, access: Condition) -> Key {
        Key { number, counter: tries.map(RetryCounter::new), uses, access, value }
    }

    /// The challenge, encrypted.
    pub fn encrypt(&self, challenge: &[u8; BLOCK]) -> Result<[u8; BLOCK]> {
        let mut block = Block::from(*challenge);
        let key = self.value.reveal();
        match key.len() {
            16 => encrypt::<Aes128>(key, &mut block)?,
            24 => encrypt::<Aes192>(key, &mut block)?,
            _ => encrypt::<Aes256>(key, &mut block)?,
        }
        Ok(block.into())
    }

    /// Compares `cryptogram` with the encrypted challenge, and counts the try.
    pub fn authenticate(&mut self, challenge: &[u8; BLOCK], cryptogram: &[u8]) -> Result<()> {
        let expected = self.encrypt(challenge)?;
        let matches = || bool::from(expected[..].ct_eq(cryptogram));
        match &mut self.counter {
            Some(counter) => counter.attempt(matches),
            None if matches() => Ok(()),
            None => Err(Status::NOT_AUTHENTICATED),
        }
    }
}

fn encrypt<Cipher: KeyInit + BlockEncrypt<BlockSize = aes::cipher::consts::U16>>(
    key: &[u8],
    block: &mut Block,
) -> Result<()> {
    let cipher = Cipher::new_from_slice(key).map_err(|_| Status::REFERENCE_DATA_NOT_USABLE)?;
    cipher.encrypt_block(block);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(value: &str, tries: Option<u8>) -> Key {
        let uses = Uses { internal: true, external: true };
        Key::new(1, Secret::new(hex::decode(value).unwrap()), tries, uses, Condition::always())
    }

    /// FIPS 197, appendix C.
    #[test]
    fn the_examples_of_the_standard() {
        let challenge = hex::decode("00112233445566778899aabbccddeeff").unwrap().try_into().unwrap();
        for (value, cryptogram) in [
            ("000102030405060708090a0b0c0d0e0f", "69c4e0d86a7b0430d8cdb78070b4c55a"),
            ("000102030405060708090a0b0c0d0e0f1011121314151617", "dda97ca4864cdfe06eaf70a0ec0d7191"),
            ("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "8ea2b7ca516745bfeafc49904b496089"),
        ] {
            assert_eq!(hex::encode(key(value, None).encrypt(&challenge).unwrap()), cryptogram);
        }
    }

    #[test]
    fn wrong_cryptograms_are_counted_where_there_is_a_counter() {
        let challenge = [0; BLOCK];
        let mut counted = key("00000000000000000000000000000000", Some(1));
        let right = counted.encrypt(&challenge).unwrap();
        assert_eq!(counted.authenticate(&challenge, &[0; BLOCK]), Err(Status::tries_left(0)));
        assert_eq!(counted.authenticate(&challenge, &right), Err(Status::METHOD_BLOCKED));
        let mut free = key("00000000000000000000000000000000", None);
        assert_eq!(free.authenticate(&challenge, &right[..15]), Err(Status::NOT_AUTHENTICATED));
        assert_eq!(free.authenticate(&challenge, &right), Ok(()));
    }
}
