//! To attach.

use super::*;

#[test]
fn a_failed_attach_releases_what_it_has_taken() {
    use Hresult as H;
    let cases: [(&str, &[Hresult], Hresult, &[&str]); 4] = [
        ("establish", &[H::SCARD_E_NO_SERVICE], H::SCARD_E_NO_SERVICE, &["establish"]),
        ("connect", &[H::SCARD_E_NO_SMARTCARD], H::SCARD_E_NO_SMARTCARD, &["establish", "connect", "release"]),
        (
            "identify",
            &[H::SCARD_W_REMOVED_CARD],
            H::SCARD_E_NO_SMARTCARD,
            &["establish", "connect", "identify", "disconnect", "release"],
        ),
        (
            "connect direct",
            &[H::SCARD_E_SHARING_VIOLATION],
            H::SCARD_E_SHARING_VIOLATION,
            &["establish", "connect", "connect direct", "release"],
        ),
    ];
    for (operation, codes, expected, calls) in cases {
        let script = Script::new();
        script.fail(operation, codes);
        if operation == "connect direct" {
            script.fail("connect", &[H::SCARD_W_UNPOWERED_CARD]);
        }
        assert_eq!(attach(script, Access::default()).err(), Some(expected));
        assert_eq!(script.take_calls(), calls);
    }
}

#[test]
fn a_connection_without_a_protocol_is_never_used() {
    let script = Script::new();
    script.scene(|scene| scene.protocol = None);
    assert_eq!(attach(script, Access::default()).err(), Some(Hresult::SCARD_E_NOT_READY));
    let calls = script.take_calls();
    assert_eq!(calls, ["establish", "connect", "reconnect", "reconnect", "reconnect", "disconnect", "release"]);
    // In direct mode there is no protocol.
    let attachment = attach(script, in_mode(ShareMode::Direct)).unwrap();
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_PROTO_MISMATCH));
}

#[test]
fn a_protocol_that_was_not_asked_for_is_not_accepted() {
    let script = Script::new();
    let attachment = attached(script);
    let request = ReconnectRequest { protocols: Some(Protocols::T0), ..RESET };
    assert_eq!(attachment.reconnect(request), Err(Hresult::SCARD_E_PROTO_MISMATCH));
    assert_eq!(attachment.generation(), 1);
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 1);
}

#[test]
fn a_card_that_others_reset_during_an_attach_is_identified_again() {
    let script = Script::new();
    script.fail("identify", &[Hresult::SCARD_W_RESET_CARD]);
    let attachment = attach(script, Access::default()).unwrap();
    assert_eq!(script.take_calls(), ["establish", "connect", "identify", "reconnect", "identify"]);
    assert_eq!(attachment.generation(), 0);
    script.fail("probe", &[Hresult::SCARD_W_RESET_CARD]);
    script.fail("identify", &[Hresult::SCARD_W_RESET_CARD; 3]);
    assert_eq!(reconnect(&attachment), Err(Hresult::SCARD_E_NOT_READY));
    assert_eq!(reconnect(&attachment), Ok(Reconnected::SameCard));
    assert_eq!(attachment.generation(), 1);
}

#[test]
fn a_direct_connection_does_without_a_card() {
    let script = Script::new();
    let attachment = attach(script, in_mode(ShareMode::Direct)).unwrap();
    assert_eq!(attachment.status(), Ok((CardState::SpecificMode, None)));
    script.fail("reconnect", &[Hresult::SCARD_E_NO_SMARTCARD]);
    script.scene(|scene| (scene.state, scene.atr) = (CardState::Absent, Atr::default()));
    assert_eq!(reconnect(&attachment), Ok(Reconnected::OtherCard));
    assert_eq!(attachment.status(), Ok((CardState::Absent, None)));
}

#[test]
fn a_service_that_dies_during_an_attach_is_gone() {
    let script = Script::new();
    script.fail("connect", &[Hresult::SCARD_F_COMM_ERROR, Hresult::SCARD_F_COMM_ERROR]);
    assert_eq!(attach(script, Access::default()).err(), Some(Hresult::SCARD_F_COMM_ERROR));
    script.take_calls();
    assert_eq!(attach(script, Access::default()).err(), Some(Hresult::SCARD_F_COMM_ERROR));
    assert_eq!(script.take_calls(), ["establish", "connect", "release", "establish", "release"]);
}

#[test]
fn a_failed_attach_passes_on_the_code_of_the_service() {
    let codes = [
        Hresult::SCARD_W_UNRESPONSIVE_CARD,
        Hresult::SCARD_W_UNSUPPORTED_CARD,
        Hresult::SCARD_E_READER_UNAVAILABLE,
        Hresult::SCARD_E_UNKNOWN_READER,
        Hresult::E_OUTOFMEMORY,
    ];
    for code in codes {
        let script = Script::new();
        script.fail("connect", &[code]);
        assert_eq!(attach(script, Access::default()).err(), Some(code));
        assert_eq!(script.take_calls(), ["establish", "connect", "release"]);
    }
    for code in [Hresult::SCARD_W_SECURITY_VIOLATION, Hresult::SCARD_E_SERVER_TOO_BUSY] {
        let script = Script::new();
        script.fail("establish", &[code]);
        assert_eq!(attach(script, Access::default()).err(), Some(code));
    }
}
