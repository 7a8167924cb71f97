//! The response of the last exchange, and the memory for it.
//!
//! Any command can bring a response of `MAX_RESPONSE` bytes: cards and readers do not always keep to Le. So each
//! exchange has a buffer of that size before the command is sent, and no response is lost because memory is short. Most
//! responses are short, so the attachments of one reader share a spare buffer. Two kinds of attachments keep a buffer
//! of their own: the first one of the reader that exchanges something, and those that have had a long response.

use zeroize::Zeroize;

use crate::abi::hresult::Result;
use crate::iso7816::command::{MAX_RESPONSE, SHORT_RESPONSE};
use crate::iso7816::status_word::StatusWord;
use crate::runtime::buffer;
use crate::runtime::spare_buffer::SpareBuffer;

pub type Spare = SpareBuffer<MAX_RESPONSE>;

const STATUS_WORD: usize = size_of::<StatusWord>();
/// The longest response that needs no buffer once it is here.
const SHORT: usize = SHORT_RESPONSE + STATUS_WORD;

const UNKNOWN: usize = usize::MAX;

pub struct Response {
    /// The response if it is short and the buffer was given back.
    short: Vec<u8>,
    /// Without capacity if there is no buffer.
    buffer: Vec<u8>,
    /// Whether the response is in `buffer`, and not in `short`.
    is_in_buffer: bool,
    /// Whether the buffer stays with this attachment.
    keeps_buffer: bool,
    has_claim: bool,
    /// How many bytes of the buffer were written since it was taken, or `UNKNOWN`.
    used: usize,
}

impl Response {
    pub fn new() -> Response {
        let (short, buffer) = (Vec::new(), Vec::new());
        Response { short, buffer, is_in_buffer: false, keeps_buffer: false, has_claim: false, used: 0 }
    }

    pub fn bytes(&self) -> &[u8] {
        match self.is_in_buffer {
            true => &self.buffer,
            false => &self.short,
        }
    }

    /// Gets the memory for the longest response.
    #[inline]
    pub fn reserve(&mut self, spare: &Spare) -> Result<()> {
        match self.buffer.capacity() {
            0 => self.get_buffer(spare),
            _ => Ok(()),
        }
    }

    #[inline(never)]
    fn get_buffer(&mut self, spare: &Spare) -> Result<()> {
        let buffer = match spare.take() {
            Some(buffer) => buffer,
            None => buffer::zeroed(MAX_RESPONSE)?,
        };
        if self.short.capacity() == 0 {
            self.has_claim = spare.claim();
            self.keeps_buffer = self.has_claim;
        }
        if !self.keeps_buffer {
            self.short.try_reserve_exact(SHORT - self.short.len())?;
        }
        (self.buffer, self.used) = (buffer, 0);
        Ok(())
    }

    /// The buffer for the next response, which takes the place of the last one. `reserve` has succeeded before.
    #[inline]
    pub fn next_buffer(&mut self) -> &mut Vec<u8> {
        self.is_in_buffer = true;
        &mut self.buffer
    }

    /// Another response follows before the buffer is settled.
    pub fn note_used(&mut self) {
        self.used = self.used.max(self.buffer.len());
    }

    /// The exchange has failed. Nobody knows how much of the buffer was written.
    #[cold]
    pub fn clear(&mut self) {
        self.used = UNKNOWN;
        self.buffer.clear();
        self.short.clear();
        self.is_in_buffer = false;
    }

    /// Replaces the response by the whole one of several exchanges.
    pub fn replace(&mut self, data: &[u8], status: StatusWord) -> Result<()> {
        let length = data.len() + STATUS_WORD;
        self.buffer.clear();
        if length > self.buffer.capacity() {
            // The last exchange has brought more than was asked for.
            self.buffer.zeroize();
            self.buffer = buffer::zeroed(length)?;
        }
        self.buffer.extend_from_slice(data);
        self.buffer.extend_from_slice(&status.0.to_be_bytes());
        self.note_used();
        Ok(())
    }

    /// Ends the use of the buffer. A short response moves out of it, and the next attachment can have it.
    #[inline]
    pub fn settle(&mut self, spare: &Spare) {
        if !self.keeps_buffer {
            self.share(spare);
        }
    }

    #[inline(never)]
    fn share(&mut self, spare: &Spare) {
        self.note_used();
        if self.is_in_buffer {
            if self.buffer.len() > SHORT {
                self.keeps_buffer = true;
                return;
            }
            self.short.clear();
            // There is room: `get_buffer` has made it.
            self.short.extend_from_slice(&self.buffer);
            self.is_in_buffer = false;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        if self.used > STATUS_WORD {
            buffer = wiped(buffer, self.used);
        }
        spare.give_back(buffer);
    }

    /// The attachment has ended. Another one may keep a buffer of its own.
    pub fn close(&mut self, spare: &Spare) {
        if std::mem::take(&mut self.has_claim) {
            spare.end_claim();
        }
    }

    /// Overwrites the response, and all that other responses have left in the buffer.
    pub fn wipe(&mut self) {
        self.short.zeroize();
        self.buffer.zeroize();
    }
}

/// Another attachment must not find a response of this one where a service writes less than it says.
fn wiped(mut buffer: Vec<u8>, used: usize) -> Vec<u8> {
    buffer.clear();
    if used > buffer.capacity() {
        // It is freed. The allocator gives the next one zeroed.
        return Vec::new();
    }
    buffer.resize(used, 0);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spare buffer of a reader at which another attachment keeps a buffer of its own.
    fn shared() -> Spare {
        let spare = Spare::default();
        assert!(spare.claim());
        spare
    }

    fn exchange(response: &mut Response, spare: &Spare, answer: &[u8]) -> usize {
        response.reserve(spare).unwrap();
        let buffer = response.next_buffer();
        let capacity = buffer.capacity();
        buffer.clear();
        buffer.extend_from_slice(answer);
        response.settle(spare);
        capacity
    }

    #[test]
    fn a_short_response_leaves_the_buffer_to_others_and_a_long_one_does_not() {
        let spare = shared();
        let (mut one, mut other) = (Response::new(), Response::new());
        assert!(one.bytes().is_empty());
        for length in [2, 1, 0, 3, SHORT, 2] {
            let answer = vec![0x5A; length];
            assert_eq!(exchange(&mut one, &spare, &answer), MAX_RESPONSE);
            assert_eq!((one.bytes(), one.buffer.capacity()), (&answer[..], 0));
        }
        let first = spare.take().unwrap();
        spare.give_back(first);
        let long = vec![0xA5; SHORT + 1];
        exchange(&mut other, &spare, &long);
        assert_eq!(other.bytes(), long);
        assert!(spare.take().is_none(), "the attachment keeps it");
        exchange(&mut other, &spare, &[0x90, 0x00]);
        assert_eq!((other.bytes(), spare.take()), (&[0x90, 0x00][..], None));
        assert_eq!(one.bytes().len(), 2);
    }

    #[test]
    fn the_next_attachment_finds_no_bytes_of_the_one_before() {
        let spare = shared();
        let mut response = Response::new();
        exchange(&mut response, &spare, &[0x5A; SHORT]);
        assert!(spare.is_all_zero());
        // Several exchanges in one transaction, the last of which is shorter.
        response.reserve(&spare).unwrap();
        for answer in [&[0x5A; 300][..], &[0x90, 0x00]] {
            let buffer = response.next_buffer();
            buffer.clear();
            buffer.extend_from_slice(answer);
            response.note_used();
        }
        response.settle(&spare);
        assert!(spare.is_all_zero() && response.bytes() == [0x90, 0x00]);
        // A failure that has written something, and tells no length.
        response.reserve(&spare).unwrap();
        response.next_buffer().extend_from_slice(&[0x5A; 100]);
        response.clear();
        response.settle(&spare);
        assert!(spare.take().is_none() && response.bytes().is_empty());
    }

    #[test]
    fn the_first_attachment_keeps_its_buffer_and_the_others_share() {
        let spare = Spare::default();
        let [mut first, mut second, mut third] = [(); 3].map(|()| Response::new());
        for response in [&mut first, &mut second, &mut third] {
            exchange(response, &spare, &[0x5A; 100]);
            assert_eq!(response.bytes(), [0x5A; 100]);
        }
        let kept = |response: &Response| response.buffer.capacity() > 0;
        assert_eq!([&first, &second, &third].map(kept), [true, false, false]);
        first.close(&spare);
        second.close(&spare);
        let mut fourth = Response::new();
        exchange(&mut fourth, &spare, &[0x90, 0x00]);
        assert!(kept(&fourth));
    }

    #[test]
    fn the_last_response_stays_until_the_next_exchange() {
        let spare = shared();
        let mut response = Response::new();
        exchange(&mut response, &spare, b"last");
        response.reserve(&spare).unwrap();
        assert_eq!(response.bytes(), b"last");
        response.settle(&spare);
        assert_eq!(response.bytes(), b"last");
    }

    #[test]
    fn the_response_of_several_exchanges_is_as_long_as_it_is() {
        let spare = shared();
        let mut response = Response::new();
        let data = vec![0x5A; MAX_RESPONSE];
        response.reserve(&spare).unwrap();
        response.next_buffer();
        response.replace(&data, StatusWord::OK).unwrap();
        response.settle(&spare);
        assert_eq!(response.bytes(), [&data[..], &[0x90, 0x00]].concat());
        response.wipe();
        assert!(response.bytes().is_empty());
    }
}
