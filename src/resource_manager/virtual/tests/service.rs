//! The virtual service, and planned failures.

use super::*;

#[test]
fn a_stopped_service_ends_all_connections() {
    let (bench, card) = TestReader::with_card();
    let attachment = bench.attach();
    let borrowed = Attachment::by_handle(&Virtual, attachment.icc().unwrap(), Access::default(), None).unwrap();
    assert!(stop_service());
    assert_eq!(bench.attach_with(Access::default()).err(), Some(Hresult::SCARD_E_NO_SERVICE));
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_NO_SERVICE));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_NO_SERVICE));
    assert!(!list_of_names().contains(&bench.name.as_c_str().to_str().unwrap().into()));
    assert!(start_service());
    assert_eq!(card.events(), [1, 0, 1]);
    assert_eq!(transmit(&attachment), Err(Hresult::SCARD_E_NO_SERVICE));
    assert_eq!(attachment.reconnect(ReconnectRequest::default()), Ok(Reconnected::SameCard));
    assert_eq!((transmit(&attachment), attachment.generation()), (answered(), 1));
    assert_eq!(transmit(&borrowed), Err(Hresult::SCARD_E_INVALID_HANDLE));
    assert!(list_of_names().contains(&bench.name.as_c_str().to_str().unwrap().into()));
}

fn list_of_names() -> Vec<String> {
    let names = managers::list_ifds().unwrap().0.into_bytes();
    crate::resource_manager::multi_string::texts(&names).map(|name| String::from_utf8(name.to_vec()).unwrap()).collect()
}

#[test]
fn a_stopped_service_ends_locks_and_exclusive_use() {
    let (bench, _) = TestReader::with_card();
    let exclusive = bench.attach_with(EXCLUSIVE).unwrap();
    stop_service();
    start_service();
    let t0 = Access { protocols: Protocols::T0, ..EXCLUSIVE };
    let other = bench.attach_with(t0).unwrap();
    assert_eq!(other.status().unwrap().1, Some(Protocol::T0));
    assert_eq!(exclusive.reconnect(ReconnectRequest::default()), Err(Hresult::SCARD_E_SHARING_VIOLATION));
}

#[test]
fn the_start_of_the_service_powers_present_cards() {
    let bench = TestReader::new();
    stop_service();
    let card = bench.insert(ATR);
    assert_eq!(card.events(), []);
    assert_eq!(reset(bench.ifd, Disposition::Reset), Err(Hresult::SCARD_E_NO_SERVICE));
    start_service();
    assert_eq!(card.events(), [1]);
}

#[test]
fn planned_failures_reach_the_attachment() {
    let (bench, card) = TestReader::with_card();
    fail(bench.ifd, failure(Operation::Connect, Hresult::SCARD_E_READER_UNAVAILABLE)).unwrap();
    assert_eq!(bench.attach_with(Access::default()).err(), Some(Hresult::SCARD_E_READER_UNAVAILABLE));
    let attachment = bench.attach();
    let plans = [
        (Operation::Begin, Hresult::SCARD_E_NOT_READY),
        (Operation::Transmit, Hresult::SCARD_E_TIMEOUT),
        (Operation::Control, Hresult::SCARD_E_NOT_TRANSACTED),
        (Operation::GetAttribute, Hresult::SCARD_E_UNSUPPORTED_FEATURE),
        (Operation::SetAttribute, Hresult::E_ACCESSDENIED),
    ];
    for (operation, code) in plans {
        fail(bench.ifd, failure(operation, code)).unwrap();
        let answer = match operation {
            Operation::Begin => attachment.lock(),
            Operation::Transmit => transmit(&attachment).map(|_| ()),
            Operation::Control => attachment.control(1, &[], |_| Ok(())),
            Operation::GetAttribute => attachment.get_attribute(0x0001_0100, |_| Ok(())),
            _ => attachment.set_attribute(1, &[]),
        };
        assert_eq!(answer, Err(code));
    }
    fail(bench.ifd, failure(Operation::Reconnect, Hresult::SCARD_E_NOT_READY)).unwrap();
    let direct = ReconnectRequest { share_mode: Some(ShareMode::Direct), ..ReconnectRequest::default() };
    assert_eq!(attachment.reconnect(direct), Err(Hresult::SCARD_E_NOT_READY));
    attachment.reconnect(ReconnectRequest::default()).unwrap();
    attachment.lock().unwrap();
    fail(bench.ifd, failure(Operation::End, Hresult::SCARD_E_TIMEOUT)).unwrap();
    assert_eq!(attachment.unlock(Disposition::Leave), Err(Hresult::SCARD_E_TIMEOUT));
    assert_eq!(card.events(), [1]);
    assert_eq!(transmit(&attachment), answered());
    let mut attachment = attachment;
    fail(bench.ifd, failure(Operation::Disconnect, Hresult::SCARD_E_CANT_DISPOSE)).unwrap();
    attachment.set_disposition(Disposition::Reset);
    assert_eq!(attachment.close(), Err(Hresult::SCARD_E_CANT_DISPOSE));
    assert_eq!(card.events(), []);
}
