//! A virtual reader whose card is written in Rust. The tests reach it as C programs do: through the functions of
//! `scm.h`.

use std::ffi::{CStr, CString, c_void};
use std::ptr::{null, null_mut};
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use scm::abi::hresult::scm_result;
use scm::capi::attachment::{scm_attach_by_ifd, scm_handle};
use scm::capi::virtual_card::scm_virtual_card;
use scm::capi::virtual_ifd::{
    scm_virtual_ifd, scm_virtual_ifd_create, scm_virtual_ifd_destroy, scm_virtual_ifd_insert,
};

/// A card: a command goes in, a response with its status word comes out.
pub trait Card: Send + 'static {
    fn answer(&mut self, command: &[u8]) -> Vec<u8>;

    /// The card gets or loses power, or is reset.
    fn reset(&mut self) {}
}

/// The reader and the test share the card. The test must not hold it during a call of the library.
pub type Shared<C> = Arc<Mutex<C>>;

pub fn share<C: Card>(card: C) -> Shared<C> {
    Arc::new(Mutex::new(card))
}

/// A test that fails while it holds the card leaves it usable.
pub fn lock<C: Card>(card: &Mutex<C>) -> MutexGuard<'_, C> {
    card.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A virtual reader with a card in it. Drop destroys the reader.
pub struct TestReader {
    name: CString,
    ifd: *mut scm_virtual_ifd,
}

impl TestReader {
    /// `protocols` is that of `scm_virtual_card`: 0 for the protocols of the ATR.
    pub fn insert<C: Card>(card: &Shared<C>, atr: &[u8], protocols: u32) -> Result<TestReader, scm_result> {
        static READERS: AtomicUsize = AtomicUsize::new(0);
        let name = format!("Test reader {}", READERS.fetch_add(1, Ordering::Relaxed));
        let name = CString::new(name).unwrap_or_default();
        let mut ifd = null_mut();
        // SAFETY: the name ends with a NUL, and `ifd` can be written.
        match unsafe { scm_virtual_ifd_create(name.as_ptr(), null(), &mut ifd) } {
            0 => {}
            code => return Err(code),
        }
        let reader = TestReader { name, ifd };
        let user_data = Arc::into_raw(Arc::clone(card)).cast_mut().cast();
        // SAFETY: zero is valid in every field.
        let mut plug: scm_virtual_card = unsafe { std::mem::zeroed() };
        plug.struct_size = size_of::<scm_virtual_card>() as u32;
        (plug.atr, plug.atr_length, plug.protocols) = (atr.as_ptr(), atr.len(), protocols);
        plug.user_data = user_data;
        plug.transmit = Some(transmit::<C>);
        plug.power = Some(power::<C>);
        plug.release = Some(release::<C>);
        // SAFETY: the structure has the form that `scm_virtual.h` asks for, and `release` drops the reference in
        // `user_data`.
        match unsafe { scm_virtual_ifd_insert(reader.ifd, &plug) } {
            0 => Ok(reader),
            code => {
                // SAFETY: the library did not take the card, so that it does not call `release`.
                drop(unsafe { Arc::from_raw(user_data.cast::<Mutex<C>>()) });
                Err(code)
            }
        }
    }

    pub fn name(&self) -> &CStr {
        &self.name
    }

    /// A new attachment to the card, which the caller detaches.
    pub fn attach(&self) -> Result<*mut scm_handle, scm_result> {
        let mut handle = null_mut();
        // SAFETY: the name ends with a NUL, and `handle` can be written.
        match unsafe { scm_attach_by_ifd(self.name.as_ptr(), &mut handle) } {
            0 => Ok(handle),
            code => Err(code),
        }
    }
}

impl Drop for TestReader {
    fn drop(&mut self) {
        // SAFETY: any value may be given as a handle.
        unsafe { scm_virtual_ifd_destroy(self.ifd) };
    }
}

unsafe extern "C-unwind" fn transmit<C: Card>(
    user_data: *mut c_void,
    command: *const u8,
    command_length: usize,
    response: *mut u8,
    capacity: usize,
    response_length: *mut usize,
) -> scm_result {
    // SAFETY: `user_data` comes from `insert`; the header says what the other arguments are.
    let (card, command) = unsafe { (&*user_data.cast::<Mutex<C>>(), slice::from_raw_parts(command, command_length)) };
    let answer = lock(card).answer(command);
    assert!(answer.len() <= capacity, "a response of {} bytes does not fit", answer.len());
    // SAFETY: the response fits.
    unsafe {
        response.copy_from_nonoverlapping(answer.as_ptr(), answer.len());
        *response_length = answer.len();
    }
    0
}

unsafe extern "C-unwind" fn power<C: Card>(user_data: *mut c_void, _event: u32) -> scm_result {
    // SAFETY: `user_data` comes from `insert`.
    lock(unsafe { &*user_data.cast::<Mutex<C>>() }).reset();
    0
}

unsafe extern "C-unwind" fn release<C: Card>(user_data: *mut c_void) {
    // SAFETY: `user_data` comes from `insert`, and the library makes this call once.
    drop(unsafe { Arc::from_raw(user_data.cast::<Mutex<C>>()) });
}
