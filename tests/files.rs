//! A read returns the written bytes: at any offset, in any length, in any pieces of card and caller, with T=0 and T=1.
//! On a virtual reader, with the ISO/IEC 7816-4 card of `crates/card`.

use std::ffi::CString;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use scm::abi::constants::{SCM_DISPOSITION_LEAVE, SCM_SEEK_FROM_BEGINNING, SCM_TYPE_BY_ANY};
use scm::capi::attachment::{scm_attach_by_ifd, scm_detach};
use scm::capi::card_capabilities::{
    SCM_CARD_CHAINING, SCM_CARD_EXTENDED, scm_card_capabilities, scm_set_card_capabilities,
};
use scm::capi::file::{scm_file, scm_file_close, scm_file_get_size, scm_file_read, scm_file_seek, scm_file_write};
use scm::capi::file_access::{scm_create_file_access, scm_file_access_open};
use scm::capi::lock::{scm_lock, scm_unlock};
use scm::capi::virtual_card::scm_virtual_card;
use scm::capi::virtual_ifd::{scm_virtual_ifd_create, scm_virtual_ifd_destroy, scm_virtual_ifd_insert};
use scm_card::capi::{scm_card_create, scm_card_destroy, scm_card_plug};

/// An open file of a card.
struct OpenFile {
    ifd: *mut scm::capi::virtual_ifd::scm_virtual_ifd,
    card: *mut scm_card::capi::ScmCard,
    handle: *mut scm::capi::attachment::scm_handle,
    token: *mut scm_file,
}

const T1_ATR: &str = "3B85018073F741C001";
const T0_ATR: &str = "3B058073F741C0";

static READERS: AtomicUsize = AtomicUsize::new(0);

impl OpenFile {
    /// `path` names a file of `size` bytes, or of records.
    fn new(t_0: bool, ef: &str, path: &str, limits: Option<scm_card_capabilities>) -> OpenFile {
        let (manners, atr) = if t_0 { ("T0", T0_ATR) } else { ("T1", T1_ATR) };
        let description = format!("manners = '{manners}'\natr = '{atr}'\n[[mf.ef]]\nid = 0x4401\nshort_id = 7\n{ef}");
        let description = CString::new(description).unwrap();
        let name = CString::new(format!("Files {}", READERS.fetch_add(1, Ordering::Relaxed))).unwrap();
        let path = CString::new(path).unwrap();
        let mut file = OpenFile { ifd: null_mut(), card: null_mut(), handle: null_mut(), token: null_mut() };
        let mut files = null_mut();
        // SAFETY: every pointer is valid during the call, and the structures have the form that the headers ask for.
        // Both have the layout of the C header.
        unsafe {
            assert_eq!(scm_card_create(description.as_ptr(), &mut file.card), 0);
            let mut plug: scm_virtual_card = std::mem::zeroed();
            plug.struct_size = size_of::<scm_virtual_card>() as u32;
            assert_eq!(scm_card_plug(file.card, (&raw mut plug).cast()), 0);
            assert_eq!(scm_virtual_ifd_create(name.as_ptr(), null(), &mut file.ifd), 0);
            assert_eq!(scm_virtual_ifd_insert(file.ifd, &plug), 0);
            assert_eq!(scm_attach_by_ifd(name.as_ptr(), &mut file.handle), 0);
            if let Some(limits) = limits {
                assert_eq!(scm_set_card_capabilities(file.handle, &limits), 0);
            }
            assert_eq!(scm_create_file_access(file.handle, &mut files), 0);
            assert_eq!(scm_file_access_open(files, SCM_TYPE_BY_ANY, path.as_ptr(), &mut file.token), 0);
        }
        file
    }

    fn seek(&self, offset: usize) {
        // SAFETY: any values may be given.
        assert_eq!(unsafe { scm_file_seek(self.token, offset as i64, SCM_SEEK_FROM_BEGINNING) }, 0);
    }

    fn write(&self, data: &[u8]) {
        let mut written = 77;
        // SAFETY: the data have the given length.
        assert_eq!(unsafe { scm_file_write(self.token, data.as_ptr(), data.len(), 0, &mut written) }, 0);
        assert_eq!(written, data.len());
    }

    /// The bytes of one read; none at the end.
    fn read(&self, length: usize) -> Vec<u8> {
        let mut data = vec![0x77; length + 1];
        let mut read = 77;
        // SAFETY: the buffer is longer than the given length.
        let result = unsafe { scm_file_read(self.token, data.as_mut_ptr(), length, &mut read, 0) };
        assert_eq!(result as u32, if read > 0 || length == 0 { 0 } else { 0x8010_006D });
        assert!(data[read..].iter().all(|byte| *byte == 0x77), "nothing behind what was read");
        data.truncate(read);
        data
    }

    fn size(&self) -> u64 {
        let mut size = 77;
        // SAFETY: `size` can be written.
        assert_eq!(unsafe { scm_file_get_size(self.token, &mut size) }, 0);
        size
    }

    fn under_a_lock(&self, locked: bool, act: impl FnOnce()) {
        // SAFETY: any values may be given.
        unsafe {
            if locked {
                assert_eq!(scm_lock(self.handle), 0);
            }
            act();
            if locked {
                assert_eq!(scm_unlock(self.handle, SCM_DISPOSITION_LEAVE), 0);
            }
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // SAFETY: they are handles, whatever became of them.
        unsafe {
            scm_file_close(self.token);
            scm_detach(self.handle);
            scm_virtual_ifd_destroy(self.ifd);
            scm_card_destroy(self.card);
        }
    }
}

/// The capabilities that the caller sets, or none.
fn limits() -> impl Strategy<Value = Option<scm_card_capabilities>> {
    let struct_size = size_of::<scm_card_capabilities>() as u32;
    let short = scm_card_capabilities {
        struct_size,
        flags: SCM_CARD_CHAINING,
        command_data_max: 0,
        response_data_max: 0,
        channel_count: 0,
    };
    let extended = (255..2000u32, 256..2000u32).prop_map(move |(command_data, response_data)| {
        let flags = SCM_CARD_EXTENDED | SCM_CARD_CHAINING;
        Some(scm_card_capabilities { flags, command_data_max: command_data, response_data_max: response_data, ..short })
    });
    prop_oneof![Just(None), Just(Some(short)), extended]
}

/// The test reduces offsets and lengths to the size of the file.
#[derive(Clone, Debug)]
enum Operation {
    Write(usize, usize, u8),
    Read(usize, usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    // Short ones, long ones, and those around the limits of offsets and lengths.
    let length = prop_oneof![0..4usize, 250..260usize, 500..520usize, 0..70_000usize];
    let offset = prop_oneof![0..70_000usize, 32_760..32_776usize, 250..260usize, Just(0)];
    (any::<bool>(), offset, length, any::<u8>()).prop_map(|(writes, offset, length, seed)| match writes {
        true => Operation::Write(offset, length, seed),
        false => Operation::Read(offset, length),
    })
}

/// Short ones, and some longer than a short command and a short response.
fn record() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![prop::collection::vec(any::<u8>(), 1..20), prop::collection::vec(any::<u8>(), 250..400)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes(
        t_0: bool,
        by_short_id: bool,
        locked: bool,
        size in prop_oneof![1..300usize, 1..65_536usize, 32_700..32_900usize],
        limits in limits(),
        operations in prop::collection::vec(operation(), 1..12),
    ) {
        let file = OpenFile::new(t_0, &format!("size = {size}"), if by_short_id { "7" } else { "4401" }, limits);
        let mut model = vec![0; size];
        prop_assert_eq!(file.size(), size as u64);
        file.under_a_lock(locked, || for operation in &operations {
            match *operation {
                Operation::Write(offset, length, seed) => {
                    let offset = offset % (size + 1);
                    let length = length.min(size - offset);
                    let data: Vec<_> = (0..length).map(|at| (at as u8).wrapping_mul(7) ^ seed).collect();
                    model[offset..offset + data.len()].copy_from_slice(&data);
                    file.seek(offset);
                    file.write(&data);
                }
                Operation::Read(offset, length) => {
                    let offset = offset % (size + 1);
                    file.seek(offset);
                    let expected = &model[offset..offset + length.min(size - offset)];
                    assert!(file.read(length) == expected, "{length} bytes at {offset}");
                }
            }
        });
        file.seek(0);
        prop_assert!(file.read(70_000) == model);
    }

    #[test]
    fn records(
        t_0: bool,
        by_short_id: bool,
        locked: bool,
        limits in limits(),
        changes in prop::collection::vec((any::<usize>(), record()), 1..40),
    ) {
        let ef = "structure = 'linear-variable'\nsize = 400\ncount = 20\n";
        let file = OpenFile::new(t_0, ef, if by_short_id { "7" } else { "4401" }, limits);
        let mut model: Vec<Vec<u8>> = Vec::new();
        file.under_a_lock(locked, || for (at, record) in &changes {
            // Any existing record, or a new one if there is room.
            let at = at % (model.len() + 1).min(20);
            file.seek(at);
            file.write(record);
            match model.get_mut(at) {
                Some(old) => *old = record.clone(),
                None => model.push(record.clone()),
            }
        });
        prop_assert_eq!(file.size(), model.len() as u64);
        file.seek(0);
        for record in &model {
            prop_assert_eq!(&file.read(512), record);
        }
        prop_assert!(file.read(512).is_empty());
    }
}
