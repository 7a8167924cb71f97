//! What was written to a file is what is read from it: at any offset, of any length, in whatever pieces card and caller want it,
//! with T=0 and T=1. On a virtual reader, with the ISO/IEC 7816-4 card of `crates/card/`.

use std::ffi::CString;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use scm::abi::constants::{SCM_DISPOSITION_LEAVE, SCM_SEEK_FROM_BEGINNING, SCM_TYPE_BY_ANY};
use scm::capi::attachment::{scm_attach_by_ifd, scm_detach};
use scm::capi::command::{SCM_CARD_CHAINING, SCM_CARD_EXTENDED, scm_card_capabilities, scm_set_card_capabilities};
use scm::capi::file::{scm_file, scm_file_close, scm_file_get_size, scm_file_read, scm_file_seek, scm_file_write};
use scm::capi::file_access::{scm_create_file_access, scm_file_access_open};
use scm::capi::lock::{scm_lock, scm_unlock};
use scm::capi::virtual_ifd::{
    scm_virtual_card, scm_virtual_ifd_create, scm_virtual_ifd_destroy, scm_virtual_ifd_insert,
};
use scm_card::capi::{scm_card_create, scm_card_destroy, scm_card_plug};

/// A file of a card, ready to be used.
struct Bed {
    ifd: *mut scm::capi::virtual_ifd::scm_virtual_ifd,
    card: *mut scm_card::capi::ScmCard,
    handle: *mut scm::capi::attachment::scm_handle,
    file: *mut scm_file,
}

const T1_ATR: &str = "3B85018073F741C001";
const T0_ATR: &str = "3B058073F741C0";

static READERS: AtomicUsize = AtomicUsize::new(0);

impl Bed {
    /// `path` is that of a file of `size` bytes, or of records.
    fn new(t_0: bool, ef: &str, path: &str, limits: Option<scm_card_capabilities>) -> Bed {
        let (manners, atr) = if t_0 { ("T0", T0_ATR) } else { ("T1", T1_ATR) };
        let description = format!("manners = '{manners}'\natr = '{atr}'\n[[mf.ef]]\nid = 0x4401\nshort_id = 7\n{ef}");
        let description = CString::new(description).unwrap();
        let name = CString::new(format!("Files {}", READERS.fetch_add(1, Ordering::Relaxed))).unwrap();
        let path = CString::new(path).unwrap();
        let mut bed = Bed { ifd: null_mut(), card: null_mut(), handle: null_mut(), file: null_mut() };
        let mut files = null_mut();
        // SAFETY: every pointer is to something that lives on, and the structures are filled in as the headers say. Both have the
        // same layout, which is that of the C header.
        unsafe {
            assert_eq!(scm_card_create(description.as_ptr(), &mut bed.card), 0);
            let mut plug: scm_virtual_card = std::mem::zeroed();
            plug.struct_size = size_of::<scm_virtual_card>() as u32;
            assert_eq!(scm_card_plug(bed.card, (&raw mut plug).cast()), 0);
            assert_eq!(scm_virtual_ifd_create(name.as_ptr(), null(), &mut bed.ifd), 0);
            assert_eq!(scm_virtual_ifd_insert(bed.ifd, &plug), 0);
            assert_eq!(scm_attach_by_ifd(name.as_ptr(), &mut bed.handle), 0);
            if let Some(limits) = limits {
                assert_eq!(scm_set_card_capabilities(bed.handle, &limits), 0);
            }
            assert_eq!(scm_create_file_access(bed.handle, &mut files), 0);
            assert_eq!(scm_file_access_open(files, SCM_TYPE_BY_ANY, path.as_ptr(), &mut bed.file), 0);
        }
        bed
    }

    fn seek(&self, offset: usize) {
        // SAFETY: any values may be given.
        assert_eq!(unsafe { scm_file_seek(self.file, offset as i64, SCM_SEEK_FROM_BEGINNING) }, 0);
    }

    fn write(&self, data: &[u8]) {
        let mut written = 77;
        // SAFETY: the data are as long as is said.
        assert_eq!(unsafe { scm_file_write(self.file, data.as_ptr(), data.len(), 0, &mut written) }, 0);
        assert_eq!(written, data.len());
    }

    /// What one read gives; nothing at the end.
    fn read(&self, length: usize) -> Vec<u8> {
        let mut data = vec![0x77; length + 1];
        let mut read = 77;
        // SAFETY: the buffer is longer than is said.
        let result = unsafe { scm_file_read(self.file, data.as_mut_ptr(), length, &mut read, 0) };
        assert_eq!(result as u32, if read > 0 || length == 0 { 0 } else { 0x8010_006D });
        assert!(data[read..].iter().all(|byte| *byte == 0x77), "nothing behind what was read");
        data.truncate(read);
        data
    }

    fn size(&self) -> u64 {
        let mut size = 77;
        // SAFETY: it is there to be written.
        assert_eq!(unsafe { scm_file_get_size(self.file, &mut size) }, 0);
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

impl Drop for Bed {
    fn drop(&mut self) {
        // SAFETY: they are handles, whatever became of them.
        unsafe {
            scm_file_close(self.file);
            scm_detach(self.handle);
            scm_virtual_ifd_destroy(self.ifd);
            scm_card_destroy(self.card);
        }
    }
}

/// What the caller says of card and reader, or nothing.
fn limits() -> impl Strategy<Value = Option<scm_card_capabilities>> {
    let struct_size = size_of::<scm_card_capabilities>() as u32;
    let short =
        scm_card_capabilities { struct_size, flags: SCM_CARD_CHAINING, command_data: 0, response_data: 0, channels: 0 };
    let extended = (255..2000u32, 256..2000u32).prop_map(move |(command_data, response_data)| {
        let flags = SCM_CARD_EXTENDED | SCM_CARD_CHAINING;
        Some(scm_card_capabilities { flags, command_data, response_data, ..short })
    });
    prop_oneof![Just(None), Just(Some(short)), extended]
}

/// Offsets and lengths are numbers of which the bed makes what is inside of the file.
#[derive(Clone, Debug)]
enum Operation {
    Write(usize, usize, u8),
    Read(usize, usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    // Short ones, long ones, and what lies around the limits of offsets and lengths.
    let length = prop_oneof![0..4usize, 250..260usize, 500..520usize, 0..70_000usize];
    let offset = prop_oneof![0..70_000usize, 32_760..32_776usize, 250..260usize, Just(0)];
    (any::<bool>(), offset, length, any::<u8>()).prop_map(|(writes, offset, length, seed)| match writes {
        true => Operation::Write(offset, length, seed),
        false => Operation::Read(offset, length),
    })
}

/// Short ones, and some that are longer than a short command and a short response.
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
        let bed = Bed::new(t_0, &format!("size = {size}"), if by_short_id { "7" } else { "4401" }, limits);
        let mut model = vec![0; size];
        prop_assert_eq!(bed.size(), size as u64);
        bed.under_a_lock(locked, || for operation in &operations {
            match *operation {
                Operation::Write(offset, length, seed) => {
                    let offset = offset % (size + 1);
                    let data: Vec<_> = (0..length.min(size - offset)).map(|at| (at as u8).wrapping_mul(7) ^ seed).collect();
                    model[offset..offset + data.len()].copy_from_slice(&data);
                    bed.seek(offset);
                    bed.write(&data);
                }
                Operation::Read(offset, length) => {
                    let offset = offset % (size + 1);
                    bed.seek(offset);
                    let expected = &model[offset..offset + length.min(size - offset)];
                    assert!(bed.read(length) == expected, "{length} bytes at {offset}");
                }
            }
        });
        bed.seek(0);
        prop_assert!(bed.read(70_000) == model);
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
        let bed = Bed::new(t_0, ef, if by_short_id { "7" } else { "4401" }, limits);
        let mut model: Vec<Vec<u8>> = Vec::new();
        bed.under_a_lock(locked, || for (at, record) in &changes {
            // Any record that is there, or a new one as long as there is room.
            let at = at % (model.len() + 1).min(20);
            bed.seek(at);
            bed.write(record);
            match model.get_mut(at) {
                Some(old) => *old = record.clone(),
                None => model.push(record.clone()),
            }
        });
        prop_assert_eq!(bed.size(), model.len() as u64);
        bed.seek(0);
        for record in &model {
            prop_assert_eq!(&bed.read(512), record);
        }
        prop_assert!(bed.read(512).is_empty());
    }
}
