//! The identity of an interface: its IID and its names. Three interfaces always exist, others only with a provider.

use super::name::InterfaceName;
use crate::abi::cause::{OfArgument, refuse};
use crate::abi::guid::{SCM_IID_CARD_AUTH, SCM_IID_CH_VERIFICATION, SCM_IID_FILE_ACCESS, scm_guid};
use crate::abi::hresult::Result;

/// The interfaces that exist without any provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standard {
    FileAccess,
    ChVerification,
    CardAuth,
}

/// The IID of each in the type library, the name that ISCardManage creates it by, and its name in COM.
static STANDARDS: [(Standard, &scm_guid, [&[u8]; 2]); 3] = [
    (Standard::FileAccess, &SCM_IID_FILE_ACCESS, [b"FileAccess", b"ISCardFileAccess"]),
    (Standard::ChVerification, &SCM_IID_CH_VERIFICATION, [b"CHVerification", b"ISCardVerify"]),
    (Standard::CardAuth, &SCM_IID_CARD_AUTH, [b"CardAuth", b"ISCardAuth"]),
];

impl Standard {
    fn of_name(name: &InterfaceName) -> Option<Standard> {
        let is_meant = |known: &[u8]| InterfaceName::new(known).as_ref() == Ok(name);
        let found = STANDARDS.iter().find(|(_, _, names)| names.iter().any(|known| is_meant(known)));
        found.map(|(standard, ..)| *standard)
    }

    fn of_iid(iid: &scm_guid) -> Option<Standard> {
        STANDARDS.iter().find(|(_, known, _)| *known == iid).map(|(standard, ..)| *standard)
    }
}

/// An interface, as a program asks for it. A standard interface is the same by its IID and by each of its names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interface {
    Standard(Standard),
    Iid(scm_guid),
    Name(InterfaceName),
}

impl Interface {
    pub fn of_iid(iid: scm_guid) -> Interface {
        Standard::of_iid(&iid).map_or(Interface::Iid(iid), Interface::Standard)
    }

    pub fn of_name(name: InterfaceName) -> Interface {
        Standard::of_name(&name).map_or(Interface::Name(name), Interface::Standard)
    }
}

/// The interface of a provider. A program may ask for it by an IID, by a name, or by both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    interface: Interface,
    /// A name beside the IID.
    alias: Option<InterfaceName>,
}

impl Offer {
    /// A standard interface. A program may give its IID, and one of its names or another one.
    pub fn of_standard(standard: Standard, iid: Option<scm_guid>, name: Option<InterfaceName>) -> Result<Offer> {
        let interface = Interface::Standard(standard);
        match iid.map(Interface::of_iid) {
            Some(other) if other != interface => Err(refuse("is of another interface")).of("iid"),
            _ => Offer::with_name(interface, name),
        }
    }

    /// An interface that the library does not know, by its IID, its name, or both.
    pub fn of_program(iid: Option<scm_guid>, name: Option<InterfaceName>) -> Result<Offer> {
        let interface = iid.map(Interface::of_iid).or(name.map(Interface::of_name));
        match interface {
            None | Some(Interface::Standard(_)) => {
                Err(refuse("has to be an interface of the program, by its iid or its name")).of("iid")
            }
            Some(interface) => Offer::with_name(interface, name),
        }
    }

    /// Checks that the IID and the name can be those of one interface.
    pub fn check(iid: Option<scm_guid>, name: Option<InterfaceName>) -> Result<()> {
        iid.map_or(Ok(()), |iid| Offer::with_name(Interface::of_iid(iid), name).map(drop))
    }

    /// The name must not be that of another interface that the library knows.
    fn with_name(interface: Interface, name: Option<InterfaceName>) -> Result<Offer> {
        match name.map(Interface::of_name).filter(|named| *named != interface) {
            None => Ok(Offer { interface, alias: None }),
            Some(Interface::Name(alias)) => Ok(Offer { interface, alias: Some(alias) }),
            Some(_) => Err(refuse("is the name of another interface")).of("name"),
        }
    }

    /// Whether a program that gives this IID and this name means this interface.
    pub fn is_given_by(&self, iid: Option<scm_guid>, name: Option<InterfaceName>) -> bool {
        let given = match self.interface {
            Interface::Standard(standard) => Offer::of_standard(standard, iid, name),
            _ => Offer::of_program(iid, name),
        };
        given == Ok(*self)
    }

    /// Whether a request for `interface` is a request for this one.
    pub fn matches(&self, interface: &Interface) -> bool {
        self.interface == *interface || self.alias.is_some_and(|alias| Interface::Name(alias) == *interface)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::hresult::Hresult;

    const OWN: scm_guid = scm_guid { data1: 1, data2: 2, data3: 3, data4: [4; 8] };
    const FILES: scm_guid = SCM_IID_FILE_ACCESS;

    fn named(text: &str) -> InterfaceName {
        InterfaceName::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_standard_interface_goes_by_its_iid_and_by_both_names() {
        for (standard, iid, names) in STANDARDS {
            assert_eq!(Interface::of_iid(*iid), Interface::Standard(standard));
            for name in names {
                assert_eq!(Interface::of_name(InterfaceName::new(name).unwrap()), Interface::Standard(standard));
            }
        }
        assert_eq!(Interface::of_name(named("fileaccess")), Interface::Name(named("fileaccess")));
        assert_eq!(Interface::of_iid(OWN), Interface::Iid(OWN));
    }

    #[test]
    fn a_program_asks_for_an_offer_by_its_iid_and_by_its_name() {
        let offer = Offer::of_program(Some(OWN), Some(named("CryptoProvider"))).unwrap();
        assert!(offer.matches(&Interface::Iid(OWN)) && offer.matches(&Interface::Name(named("CryptoProvider"))));
        assert!(!offer.matches(&Interface::Name(named("Crypto"))) && !offer.matches(&Interface::of_iid(FILES)));
    }

    #[test]
    fn an_alias_of_a_standard_interface_leads_to_it() {
        for iid in [None, Some(FILES)] {
            let offer = Offer::of_standard(Standard::FileAccess, iid, Some(named("FastFiles"))).unwrap();
            assert!(offer.matches(&Interface::of_name(named("FastFiles"))));
            assert!(offer.matches(&Interface::of_name(named("FileAccess"))));
            assert!(offer.matches(&Interface::of_iid(FILES)));
        }
        let offers =
            [(None, None), (Some(FILES), None), (None, Some("FileAccess")), (Some(FILES), Some("ISCardFileAccess"))];
        for (iid, name) in offers {
            let offer = Offer::of_standard(Standard::FileAccess, iid, name.map(named));
            assert_eq!(offer, Offer::of_standard(Standard::FileAccess, None, None));
        }
    }

    #[test]
    fn an_offer_is_of_one_interface() {
        let refused = Err(Hresult::E_INVALIDARG);
        assert_eq!(Offer::of_program(None, None), refused);
        assert_eq!(Offer::of_program(Some(OWN), Some(named("CardAuth"))), refused);
        assert_eq!(Offer::of_program(Some(FILES), None), refused, "it has functions of its own type");
        assert_eq!(Offer::of_program(None, Some(named("ISCardVerify"))), refused);
        assert_eq!(Offer::of_standard(Standard::FileAccess, Some(FILES), Some(named("CardAuth"))), refused);
        assert_eq!(Offer::of_standard(Standard::CardAuth, Some(FILES), None), refused);
        assert_eq!(Offer::of_standard(Standard::CardAuth, Some(OWN), None), refused);
    }

    #[test]
    fn an_iid_and_a_name_agree() {
        let refused = Err(Hresult::E_INVALIDARG);
        assert_eq!(Offer::check(Some(OWN), Some(named("CardAuth"))), refused);
        assert_eq!(Offer::check(Some(FILES), Some(named("CardAuth"))), refused);
        let name = Some(named("FastFiles"));
        for (iid, name) in [(None, None), (None, name), (Some(OWN), name), (Some(FILES), name), (Some(FILES), None)] {
            assert_eq!(Offer::check(iid, name), Ok(()));
        }
    }

    #[test]
    fn a_program_names_an_offer_as_it_was_registered() {
        let name = Some(named("FastFiles"));
        let plain = Offer::of_standard(Standard::FileAccess, Some(FILES), None).unwrap();
        assert!(plain.is_given_by(None, None) && plain.is_given_by(None, Some(named("FileAccess"))));
        assert!(!plain.is_given_by(None, name) && !plain.is_given_by(Some(OWN), None));
        let with_alias = Offer::of_standard(Standard::FileAccess, None, name).unwrap();
        assert!(with_alias.is_given_by(Some(FILES), name) && !with_alias.is_given_by(Some(FILES), None));
        let own = Offer::of_program(Some(OWN), name).unwrap();
        assert!(own.is_given_by(Some(OWN), name));
        assert!(!own.is_given_by(Some(OWN), None) && !own.is_given_by(None, name) && !own.is_given_by(None, None));
    }
}
