//! The thread that watches one resource manager for a monitor. It has a context of its own: libpcsclite blocks the
//! whole process when one thread waits in a context and another one uses that context.

use std::time::Duration;

use super::changes::{IfdChange, compare, report_all_gone};
use super::{Event, EventKind, Monitor};
use crate::abi::cause;
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::{Context, IfdState, ResourceManager, Usage};
use crate::runtime::fallible::Arc;
use crate::runtime::log;
use crate::runtime::wait::WaitLimit;

/// How often the thread tries to reach a service that is down. A try is one connection to a socket.
const RETRY_SERVICE_EVERY: Duration = Duration::from_millis(200);

pub struct Watcher {
    monitor: Arc<Monitor>,
    manager: &'static dyn ResourceManager,
    /// The state of the service that was reported; None at first.
    reported_up: Option<bool>,
    /// The readers that were reported.
    reported: Vec<IfdState>,
}

impl Watcher {
    pub fn new(monitor: Arc<Monitor>, manager: &'static dyn ResourceManager) -> Watcher {
        Watcher { monitor, manager, reported_up: None, reported: Vec::new() }
    }

    /// Returns when the monitor is closed, or the process ends.
    pub fn run(mut self) {
        loop {
            let watched = self.manager.establish_context(&WaitLimit::ENDLESS);
            match watched.and_then(|context| self.watch_in(context)) {
                // Short memory says nothing about the service.
                Err(Hresult::E_OUTOFMEMORY) => {}
                Err(Hresult::SCARD_P_SHUTDOWN) => break,
                _ => self.report_down(),
            }
            // No caller asks for the cause: the failure is an event.
            cause::take();
            log::deliver();
            if !self.monitor.pause(RETRY_SERVICE_EVERY) {
                break;
            }
        }
        self.monitor.watcher_ended();
    }

    /// Returns when the monitor is closed, or after a failure, for example when the service has ended.
    fn watch_in(&mut self, context: Context) -> Result<()> {
        let mut watched = Ok(());
        if self.monitor.begin_wait(self.manager.service(), context) {
            watched = self.watch(context);
            self.monitor.end_wait(self.manager.service());
        }
        self.manager.release_context(context);
        watched
    }

    fn watch(&mut self, context: Context) -> Result<()> {
        if self.manager.reports_absence() {
            self.report_up();
        }
        while self.monitor.is_open() {
            let now = self.current_ifds(context);
            log::deliver();
            match now {
                Ok(now) => {
                    self.report_changes(now);
                    self.monitor.report_current(self.manager.service());
                }
                Err(Hresult::E_OUTOFMEMORY) => {
                    self.monitor.pause(RETRY_SERVICE_EVERY);
                }
                Err(code) => return Err(code),
            }
        }
        Ok(())
    }

    fn current_ifds(&self, context: Context) -> Result<Vec<IfdState>> {
        // The first call does not wait: the monitor also reports that there is no reader.
        let limit_ms = match self.monitor.is_outstanding(self.manager.service()) {
            true => 0,
            false => self.manager.wait_for_ifds_limit_ms(),
        };
        self.manager.wait_for_ifds(context, &self.reported, limit_ms)
    }

    fn report_changes(&mut self, now: Vec<IfdState>) {
        if !now.is_empty() {
            self.report_up();
        }
        let (monitor, service) = (&self.monitor, self.manager.service());
        compare(&self.reported, &now, &mut |change, ifd, atr| report_change(monitor, service, change, ifd, atr));
        self.reported = now;
    }

    fn report_up(&mut self) {
        if self.reported_up != Some(true) {
            self.monitor.report(Event::of_service(EventKind::ServiceUp, self.manager.service()));
            self.reported_up = Some(true);
        }
    }

    /// Cards and readers go before their service.
    fn report_down(&mut self) {
        let reports_absence = self.reported_up == Some(true) || self.manager.reports_absence();
        if self.reported_up != Some(false) && reports_absence {
            let (monitor, service) = (&self.monitor, self.manager.service());
            report_all_gone(&self.reported, &mut |change, ifd, atr| report_change(monitor, service, change, ifd, atr));
            self.reported.clear();
            self.monitor.report(Event::of_service(EventKind::ServiceDown, self.manager.service()));
            self.reported_up = Some(false);
        }
        self.monitor.report_current(self.manager.service());
    }
}

fn report_change(monitor: &Monitor, service: u32, change: IfdChange, ifd: &IfdState, atr: Atr) -> bool {
    let kind = match change {
        IfdChange::IfdArrived => EventKind::IfdArrived,
        IfdChange::IfdLeft => EventKind::IfdLeft,
        IfdChange::CardInserted => EventKind::CardInserted,
        IfdChange::CardRemoved => EventKind::CardRemoved,
        IfdChange::CardReset => EventKind::CardReset,
    };
    let usage = match change {
        IfdChange::IfdLeft | IfdChange::CardRemoved => Usage::Unknown,
        _ => ifd.usage,
    };
    monitor.report(Event { kind, number: 0, service: Some(service), ifd: Some(ifd.name), usage, atr })
}
