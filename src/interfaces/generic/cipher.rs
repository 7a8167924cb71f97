//! The built-in ciphers, for challenges of one block: AES and 3DES. All memory that held a key is overwritten.

use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockEncrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::abi::cause::{OfArgument, refuse, refuse_length};
use crate::abi::hresult::Result;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    Aes,
    TripleDes,
}

/// A cipher with its key, which is not copied.
#[derive(Clone, Copy)]
pub struct Cipher<'a> {
    algorithm: Algorithm,
    key: &'a [u8],
}

impl<'a> Cipher<'a> {
    pub fn new(algorithm: Algorithm, key: &'a [u8]) -> Result<Cipher<'a>> {
        match (algorithm, key.len()) {
            (Algorithm::Aes, 16 | 24 | 32) | (Algorithm::TripleDes, 16 | 24) => Ok(Cipher { algorithm, key }),
            _ => Err(refuse_length("does not fit the cipher")).of("key"),
        }
    }

    pub fn block_length(&self) -> usize {
        match self.algorithm {
            Algorithm::Aes => 16,
            Algorithm::TripleDes => 8,
        }
    }

    /// Encrypts one block in place.
    pub fn encrypt(&self, block: &mut [u8]) -> Result<()> {
        let encrypted = self.schedule_and_encrypt(block);
        overwrite_stack();
        encrypted
    }

    /// The key schedule overwrites itself, but not the memory that it was moved from.
    #[inline(never)]
    fn schedule_and_encrypt(&self, block: &mut [u8]) -> Result<()> {
        match (self.algorithm, self.key.len()) {
            (Algorithm::Aes, 16) => encrypt::<aes::Aes128>(self.key, block),
            (Algorithm::Aes, 24) => encrypt::<aes::Aes192>(self.key, block),
            (Algorithm::Aes, _) => encrypt::<aes::Aes256>(self.key, block),
            (Algorithm::TripleDes, 16) => encrypt::<des::TdesEde2>(self.key, block),
            (Algorithm::TripleDes, _) => encrypt::<des::TdesEde3>(self.key, block),
        }
    }
}

fn encrypt<C: KeyInit + BlockEncrypt>(key: &[u8], block: &mut [u8]) -> Result<()> {
    let cipher = C::new_from_slice(key).map_err(|_| refuse_length("does not fit the cipher")).of("key")?;
    if block.len() != C::block_size() {
        return Err(refuse("is not one block of the cipher")).of("challenge_length");
    }
    cipher.encrypt_block(GenericArray::from_mut_slice(block));
    Ok(())
}

/// Overwrites the part of the stack that the call before has used.
#[inline(never)]
fn overwrite_stack() {
    let mut used = [0u8; 16 * 1024];
    used.zeroize();
}

/// Whether two byte strings are the same, in a time that does not depend on where they differ.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
    }

    fn encrypted(algorithm: Algorithm, key: &str, block: &str) -> Vec<u8> {
        let (key, mut block) = (bytes(key), bytes(block));
        Cipher::new(algorithm, &key).unwrap().encrypt(&mut block).unwrap();
        block
    }

    /// FIPS 197, appendix C.
    #[test]
    fn aes() {
        let plain = "00112233445566778899AABBCCDDEEFF";
        for (key, cipher) in [
            ("000102030405060708090A0B0C0D0E0F", "69C4E0D86A7B0430D8CDB78070B4C55A"),
            ("000102030405060708090A0B0C0D0E0F1011121314151617", "DDA97CA4864CDFE06EAF70A0EC0D7191"),
            ("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "8EA2B7CA516745BFEAFC49904B496089"),
        ] {
            assert_eq!(encrypted(Algorithm::Aes, key, plain), bytes(cipher));
        }
    }

    /// Three keys: NIST SP 800-67, appendix B.1, the first block. Two keys are three of which the first is the last;
    /// one key three times is DES.
    #[test]
    fn triple_des() {
        let (plain, key) = ("5468652071756663", "0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123");
        assert_eq!(encrypted(Algorithm::TripleDes, key, plain), bytes("A826FD8CE53B855F"));
        let two = &key[..32];
        let three = format!("{two}{}", &key[..16]);
        assert_eq!(encrypted(Algorithm::TripleDes, two, plain), encrypted(Algorithm::TripleDes, &three, plain));
        let des = "133457799BBCDFF1133457799BBCDFF1";
        assert_eq!(encrypted(Algorithm::TripleDes, des, "0123456789ABCDEF"), bytes("85E813540F0AB405"));
    }

    #[test]
    fn keys_and_blocks_have_lengths() {
        for length in 0..40 {
            let key = vec![7; length];
            assert_eq!(Cipher::new(Algorithm::Aes, &key).is_ok(), [16, 24, 32].contains(&length));
            assert_eq!(Cipher::new(Algorithm::TripleDes, &key).is_ok(), [16, 24].contains(&length));
        }
        let key = [7; 16];
        for (algorithm, right) in [(Algorithm::Aes, 16), (Algorithm::TripleDes, 8)] {
            let cipher = Cipher::new(algorithm, &key).unwrap();
            assert_eq!(cipher.block_length(), right);
            for length in 0..40 {
                assert_eq!(cipher.encrypt(&mut vec![0; length]).is_ok(), length == right);
            }
        }
    }

    #[test]
    fn comparisons() {
        assert!(is_same(b"", b"") && is_same(b"abc", b"abc"));
        assert!(!is_same(b"abc", b"abd") && !is_same(b"abc", b"ab") && !is_same(b"", b"a"));
    }
}
