//! The queue of a monitor without its threads.

use super::*;
use crate::abi::service::{SCM_SERVICE_PLATFORM, SCM_SERVICE_VIRTUAL};
use crate::runtime::wait::SCM_INFINITE;

/// A monitor without threads.
fn monitor() -> Arc<Monitor> {
    Arc::try_new(Monitor::new().unwrap()).unwrap()
}

fn event() -> Event {
    Event::of_service(EventKind::ServiceUp, SCM_SERVICE_PLATFORM)
}

#[test]
fn events_come_in_order_and_numbered() {
    let monitor = monitor();
    assert_eq!(monitor.wait(0), Err(Hresult::SCARD_E_TIMEOUT));
    assert_eq!(monitor.wait(1), Err(Hresult::SCARD_E_TIMEOUT));
    assert!(monitor.report(event()) && monitor.report(Event::of_service(EventKind::ServiceDown, SCM_SERVICE_VIRTUAL)));
    assert_eq!(monitor.wait(0), Ok(Event { number: 1, ..event() }));
    let second = monitor.wait(SCM_INFINITE).unwrap();
    assert_eq!((second.number, second.kind, second.service), (2, EventKind::ServiceDown, Some(SCM_SERVICE_VIRTUAL)));
    assert_eq!(monitor.wait(0), Err(Hresult::SCARD_E_TIMEOUT));
}

fn kinds(monitor: &Monitor) -> Vec<EventKind> {
    std::iter::from_fn(|| monitor.wait(0).ok()).map(|event| event.kind).collect()
}

#[test]
fn the_present_state_is_complete_with_that_of_the_last_service() {
    let monitor = monitor();
    let up = |service| Event::of_service(EventKind::ServiceUp, service);
    assert!(managers::all().all(|manager| monitor.is_outstanding(manager.service())));
    managers::all().skip(1).for_each(|manager| monitor.report_current(manager.service()));
    monitor.report(up(SCM_SERVICE_PLATFORM));
    assert_eq!(kinds(&monitor), [EventKind::ServiceUp]);
    monitor.report_current(SCM_SERVICE_PLATFORM);
    monitor.report_current(SCM_SERVICE_PLATFORM);
    monitor.report_current(SCM_SERVICE_VIRTUAL);
    assert_eq!(kinds(&monitor), [EventKind::Current]);
    // A service that comes up has a state to report again.
    monitor.report(Event::of_service(EventKind::ServiceDown, SCM_SERVICE_PLATFORM));
    monitor.report(up(SCM_SERVICE_PLATFORM));
    monitor.report_current(SCM_SERVICE_VIRTUAL);
    assert_eq!(kinds(&monitor), [EventKind::ServiceDown, EventKind::ServiceUp]);
    monitor.report_current(SCM_SERVICE_PLATFORM);
    assert_eq!(monitor.wait(0), Ok(Event { number: 5, ..Event::current() }));
}

#[test]
fn two_watchers_that_wait_for_room_report_the_present_state_once() {
    let monitor = monitor();
    (0..MAX_QUEUE)
        .for_each(|_| assert!(monitor.report(Event::of_service(EventKind::ServiceDown, SCM_SERVICE_PLATFORM))));
    std::thread::scope(|scope| {
        for manager in managers::all() {
            let monitor = &monitor;
            scope.spawn(move || monitor.report_current(manager.service()));
        }
        while !monitor.state().is_complete() {
            std::thread::yield_now();
        }
        (0..MAX_QUEUE).for_each(|_| assert!(monitor.wait(0).is_ok()));
    });
    assert_eq!(kinds(&monitor), [EventKind::Current]);
}

#[test]
fn a_cancel_ends_one_wait_that_has_not_begun_and_loses_nothing() {
    let monitor = monitor();
    monitor.report(event());
    monitor.cancel();
    assert_eq!(monitor.wait(SCM_INFINITE), Err(Hresult::SCARD_E_CANCELLED));
    assert_eq!(monitor.wait(SCM_INFINITE).map(|event| event.number), Ok(1));
}

#[test]
fn a_cancel_ends_all_waits_that_are_under_way() {
    let monitor = monitor();
    std::thread::scope(|scope| {
        let waits = [(); 2].map(|()| scope.spawn(|| monitor.wait(SCM_INFINITE)));
        while monitor.state().waiting < 2 {
            std::thread::yield_now();
        }
        monitor.cancel();
        for wait in waits {
            assert_eq!(wait.join().unwrap(), Err(Hresult::SCARD_E_CANCELLED));
        }
    });
    assert_eq!(monitor.wait(0), Err(Hresult::SCARD_E_TIMEOUT));
}

#[test]
fn a_full_queue_makes_a_report_wait() {
    let monitor = monitor();
    (0..MAX_QUEUE).for_each(|_| assert!(monitor.report(event())));
    std::thread::scope(|scope| {
        let reported = scope.spawn(|| monitor.report(event()));
        for number in 1..=MAX_QUEUE as u64 + 1 {
            assert_eq!(monitor.wait(SCM_INFINITE).map(|event| event.number), Ok(number));
        }
        assert!(reported.join().unwrap());
    });
}

#[test]
fn closing_ends_waits_and_reports() {
    let monitor = monitor();
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| monitor.wait(SCM_INFINITE));
        while monitor.state().waiting < 1 {
            std::thread::yield_now();
        }
        Monitor::close(&monitor);
        assert_eq!(wait.join().unwrap(), Err(Hresult::SCARD_E_CANCELLED));
    });
    assert!(!monitor.report(event()));
    assert!(!monitor.pause(Duration::MAX));
}

#[cfg(unix)]
#[test]
fn the_file_descriptor_is_readable_while_events_wait() {
    let monitor = monitor();
    let readable = |fd| {
        let mut asked = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: one element.
        unsafe { libc::poll(&mut asked, 1, 0) == 1 }
    };
    let fd = monitor.fd().unwrap();
    assert!(!readable(fd));
    assert!(monitor.report(event()) && monitor.report(event()));
    assert!(readable(fd));
    monitor.wait(0).unwrap();
    assert!(readable(fd));
    monitor.wait(0).unwrap();
    assert!(!readable(fd));
    Monitor::close(&monitor);
    assert_eq!(monitor.fd(), Err(Hresult::E_HANDLE));
}
