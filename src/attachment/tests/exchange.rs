//! Commands and control codes.

use super::*;

#[test]
fn the_response_to_a_control_code_is_kept_like_that_of_a_card() {
    let script = Script::new();
    let attachment = attached(script);
    let too_small = |_: &[u8]| Err::<(), _>(Hresult::SCARD_E_INSUFFICIENT_BUFFER);
    assert_eq!(attachment.control(1, b"feature", too_small), Err(Hresult::SCARD_E_INSUFFICIENT_BUFFER));
    assert_eq!(last_response(&attachment), b"feature");
    script.fail("control", &[Hresult::SCARD_E_UNSUPPORTED_FEATURE]);
    assert!(attachment.control(1, b"", |_| Ok(())).is_err());
    assert!(last_response(&attachment).is_empty());
    assert_eq!(attachment.generation(), 0);
}

#[test]
fn raw_accepts_commands_that_the_other_protocols_refuse() {
    let script = Script::new();
    script.scene(|scene| (scene.protocol, scene.answer) = (Some(Protocol::Raw), vec![0x41]));
    let raw = Access { protocols: Protocols::Raw, ..Access::default() };
    let attachment = attach(script, raw).unwrap();
    assert_eq!(attachment.transmit(&[1], |answer| Ok(answer.to_vec())), Ok(vec![0x41]));
    assert_eq!(attachment.transmit(&[], |_| Ok(())), Err(Hresult::E_INVALIDARG));
}

#[test]
fn a_failed_exchange_leaves_no_answer_behind() {
    let script = Script::new();
    let attachment = attached(script);
    assert!(transmit(&attachment).is_ok());
    assert_eq!(attachment.transmit(&[0], |_| Ok(())), Err(Hresult::E_INVALIDARG));
    assert_eq!(last_response(&attachment), [0x90, 0x00]);
    script.lose_service();
    script.fail("establish", &[Hresult::SCARD_E_NO_SERVICE]);
    assert!(reconnect(&attachment).is_err());
    assert!(transmit(&attachment).is_err());
    assert!(last_response(&attachment).is_empty());
}

#[test]
fn the_reader_is_asked_without_waiting_after_an_own_reset() {
    let script = Script::new();
    let attachment = attached(script);
    attachment.lock().unwrap();
    attachment.unlock(Disposition::Reset).unwrap();
    script.take_calls();
    script.fail("get attribute", &[Hresult::SCARD_E_SHARING_VIOLATION, Hresult::SCARD_W_RESET_CARD]);
    assert_eq!(attachment.get_attribute(1, |_| Ok(())), Err(Hresult::SCARD_E_SHARING_VIOLATION));
    assert_eq!(script.take_calls(), ["get attribute"]);
    script.fail("status", &[Hresult::SCARD_W_RESET_CARD]);
    assert_eq!(attachment.get_attribute(1, |value| Ok(value.to_vec())), Ok(b"ok".to_vec()));
    assert_eq!(script.take_calls(), ["get attribute", "status", "reconnect", "identify", "get attribute"]);
    assert_eq!(attachment.generation(), 1);
}
