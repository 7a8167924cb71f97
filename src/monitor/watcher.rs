//! The thread that watches one resource manager for a monitor. It has a context of its own, which nobody else uses, because
//! libpcsclite stops the whole process when another thread makes a call on a context in which one waits.

use std::time::Duration;

use super::changes::{Change, compare, lose};
use super::{Event, Kind, Monitor};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::{Context, IfdState, Service};
use crate::runtime::fallible::Arc;
use crate::runtime::wait::WaitLimit;

/// How often a service that is down is looked for, which is one attempt to connect to its socket.
const LOOK_FOR_SERVICE_EVERY: Duration = Duration::from_millis(200);

pub struct Watcher {
    monitor: Arc<Monitor>,
    service: Service,
    /// What was told of the service; nothing at first.
    told_up: Option<bool>,
    /// What was told of its readers.
    told: Vec<IfdState>,
}

impl Watcher {
    pub fn new(monitor: Arc<Monitor>, service: Service) -> Watcher {
        Watcher { monitor, service, told_up: None, told: Vec::new() }
    }

    /// Until the monitor is closed, or the process ends.
    pub fn run(mut self) {
        loop {
            let watched = self.service.manager().establish_context(&WaitLimit::ENDLESS);
            match watched.and_then(|context| self.watch_in(context)) {
                // That says nothing of the service.
                Err(Hresult::E_OUTOFMEMORY) => {}
                Err(Hresult::SCARD_P_SHUTDOWN) => break,
                _ => self.tell_down(),
            }
            if !self.monitor.pause(LOOK_FOR_SERVICE_EVERY) {
                break;
            }
        }
        self.monitor.watcher_left();
    }

    /// Until the monitor is closed, or a failure, such as that the service is gone.
    fn watch_in(&mut self, context: Context) -> Result<()> {
        let mut watched = Ok(());
        if self.monitor.enter(self.service, context) {
            watched = self.watch(context);
            self.monitor.leave(self.service);
        }
        self.service.manager().release_context(context);
        watched
    }

    fn watch(&mut self, context: Context) -> Result<()> {
        if self.service.manager().reports_absence() {
            self.tell_up();
        }
        while self.monitor.is_open() {
            match self.current_ifds(context) {
                Ok(now) => {
                    self.tell_changes(now);
                    self.monitor.tell_current(self.service);
                }
                Err(Hresult::E_OUTOFMEMORY) => {
                    self.monitor.pause(LOOK_FOR_SERVICE_EVERY);
                }
                Err(code) => return Err(code),
            }
        }
        Ok(())
    }

    fn current_ifds(&self, context: Context) -> Result<Vec<IfdState>> {
        let manager = self.service.manager();
        // The first look waits for nothing: also that there is no reader is to be told.
        let limit_ms = match self.monitor.is_outstanding(self.service) {
            true => 0,
            false => manager.wait_for_ifds_limit_ms(),
        };
        manager.wait_for_ifds(context, &self.told, limit_ms)
    }

    fn tell_changes(&mut self, now: Vec<IfdState>) {
        if !now.is_empty() {
            self.tell_up();
        }
        let (monitor, service) = (&self.monitor, self.service);
        compare(&self.told, &now, &mut |change, ifd, atr| tell_change(monitor, service, change, ifd, atr));
        self.told = now;
    }

    fn tell_up(&mut self) {
        if self.told_up != Some(true) {
            self.monitor.tell(Event::of_service(Kind::ServiceUp, self.service));
            self.told_up = Some(true);
        }
    }

    /// Everything has gone, from the inside out.
    fn tell_down(&mut self) {
        let worth_telling = self.told_up == Some(true) || self.service.manager().reports_absence();
        if self.told_up != Some(false) && worth_telling {
            let (monitor, service) = (&self.monitor, self.service);
            lose(&self.told, &mut |change, ifd, atr| tell_change(monitor, service, change, ifd, atr));
            self.told.clear();
            self.monitor.tell(Event::of_service(Kind::ServiceDown, self.service));
            self.told_up = Some(false);
        }
        self.monitor.tell_current(self.service);
    }
}

fn tell_change(monitor: &Monitor, service: Service, change: Change, ifd: &IfdState, atr: Atr) -> bool {
    let kind = match change {
        Change::IfdArrived => Kind::IfdArrived,
        Change::IfdLeft => Kind::IfdLeft,
        Change::CardInserted => Kind::CardInserted,
        Change::CardRemoved => Kind::CardRemoved,
        Change::CardReset => Kind::CardReset,
    };
    monitor.tell(Event { kind, number: 0, service: Some(service), ifd: Some(ifd.name), atr })
}
