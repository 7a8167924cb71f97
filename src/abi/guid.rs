//! The identities of interfaces: GUIDs, laid out as in COM.

/// The identifier of an interface (IID), with the layout of a `GUID` of COM.
#[allow(non_camel_case_types)]
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct scm_guid {
    /// The first group of digits in the text form: four bytes, as a number.
    pub data1: u32,
    /// The second group: two bytes, as a number.
    pub data2: u16,
    /// The third group: two bytes, as a number.
    pub data3: u16,
    /// The fourth and the fifth group: eight bytes, in the order of the text.
    pub data4: [u8; 8],
}

/// The IID of ISCardFileAccess: 4029DD8A-5902-11D0-B84C-00C04FD424B9.
#[unsafe(no_mangle)]
pub static SCM_IID_FILE_ACCESS: scm_guid =
    scm_guid { data1: 0x4029_DD8A, data2: 0x5902, data3: 0x11D0, data4: *b"\xB8\x4C\x00\xC0\x4F\xD4\x24\xB9" };

/// The IID of ISCardVerify: 4029DD85-5902-11D0-B84C-00C04FD424B9.
#[unsafe(no_mangle)]
pub static SCM_IID_CH_VERIFICATION: scm_guid =
    scm_guid { data1: 0x4029_DD85, data2: 0x5902, data3: 0x11D0, data4: *b"\xB8\x4C\x00\xC0\x4F\xD4\x24\xB9" };

/// The IID of ISCardAuth: 7B063D61-6E40-11D0-B858-00C04FD424B9.
#[unsafe(no_mangle)]
pub static SCM_IID_CARD_AUTH: scm_guid =
    scm_guid { data1: 0x7B06_3D61, data2: 0x6E40, data3: 0x11D0, data4: *b"\xB8\x58\x00\xC0\x4F\xD4\x24\xB9" };
