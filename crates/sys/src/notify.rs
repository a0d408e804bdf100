//! Telling the service manager how the service is: sd_notify(3), `Type=notify` and `WatchdogSec=` of systemd.
//!
//! In: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`. Out: datagrams. The variables are removed, so that no child speaks for
//! the service. Nothing here waits, and nothing that goes wrong is worth more than a `false`.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sendto, socket_with};
use rustix::time::{ClockId, clock_gettime};

use crate::Pid;
use crate::process::expect_one_thread;

const SOCKET: &str = "NOTIFY_SOCKET";
const WATCHDOG_TIME: &str = "WATCHDOG_USEC";
const WATCHDOG_PROCESS: &str = "WATCHDOG_PID";
const VARIABLES: [&str; 3] = [SOCKET, WATCHDOG_TIME, WATCHDOG_PROCESS];

/// The way to whoever started this service; one that leads nowhere where nobody wants to know.
#[derive(Debug, Default)]
pub struct Notifier {
    manager: Option<Manager>,
    watchdog: Option<Duration>,
    variables: Vec<(&'static str, OsString)>,
}

#[derive(Debug)]
struct Manager {
    socket: OwnedFd,
    address: SocketAddrUnix,
}

impl Notifier {
    /// Takes the variables out of the environment. Call it while the process has one thread.
    pub fn take() -> io::Result<Self> {
        let value = |name| std::env::var_os(name).map(|value| (name, value));
        let variables: Vec<_> = VARIABLES.into_iter().filter_map(value).collect();
        if !variables.is_empty() {
            expect_one_thread()?;
        }
        for (name, _) in &variables {
            // SAFETY: there is one thread, so nobody reads the environment meanwhile.
            unsafe { std::env::remove_var(name) };
        }
        Ok(Self::with(variables, Pid::me()))
    }

    /// The one that these variables describe to the process `me`.
    fn with(variables: Vec<(&'static str, OsString)>, me: Pid) -> Self {
        let value =
            |name| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_os_str());
        let number = |name| value(name).and_then(OsStr::to_str).map(str::parse::<u64>);
        let is_mine = match number(WATCHDOG_PROCESS) {
            None => true,
            Some(number) => number == Ok(u64::from(me.get().unsigned_abs())),
        };
        let time = number(WATCHDOG_TIME).and_then(Result::ok).filter(|time| *time > 0 && is_mine);
        Self {
            manager: value(SOCKET).and_then(Manager::at),
            watchdog: time.map(Duration::from_micros),
            variables,
        }
    }

    /// What a program needs in its environment that takes this process over (execve(2)): what was taken out.
    #[must_use]
    pub fn variables(&self) -> &[(&'static str, OsString)] {
        &self.variables
    }

    /// How often to call [`Notifier::watchdog`]: twice in the time after which the manager takes the service for dead. `None`: it
    /// does not watch.
    #[must_use]
    pub fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog.map(|time| time / 2)
    }

    /// The service serves: after its start, or after a reload. This and the others say whether the manager could be told, which
    /// they do not wait for; where there is none, all is told.
    pub fn ready(&self) -> bool {
        self.tell("READY=1")
    }

    /// A reload has begun; [`Notifier::ready`] ends it.
    pub fn reloading(&self) -> bool {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"))
    }

    /// The service ends.
    pub fn stopping(&self) -> bool {
        self.tell("STOPPING=1")
    }

    /// The process that stands for the service is this one from now on.
    pub fn main_pid(&self, pid: Pid) -> bool {
        self.tell(&format!("MAINPID={pid}"))
    }

    /// A line for people: `systemctl status` shows it.
    pub fn status(&self, text: &str) -> bool {
        self.tell(&format!("STATUS={}", text.replace('\n', " ")))
    }

    /// The service is alive.
    pub fn watchdog(&self) -> bool {
        self.tell("WATCHDOG=1")
    }

    fn tell(&self, message: &str) -> bool {
        let Some(Manager { socket, address }) = &self.manager else { return true };
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        sendto(socket, message.as_bytes(), flags, address).is_ok()
    }
}

impl Manager {
    /// The one at this address: an absolute path, or an abstract name after an `@`. systemd has others, for virtual machines,
    /// which are not known here.
    fn at(address: &OsStr) -> Option<Self> {
        let address = match address.as_bytes() {
            [b'@', name @ ..] if !name.is_empty() => SocketAddrUnix::new_abstract_name(name),
            [b'/', ..] => SocketAddrUnix::new(address),
            _ => return None,
        };
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
        Some(Self { socket: socket.ok()?, address: address.ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    fn told(variables: &[(&'static str, &str)]) -> Notifier {
        let variables = variables.iter().map(|(name, value)| (*name, OsString::from(value)));
        Notifier::with(variables.collect(), Pid::me())
    }

    fn next(manager: &UnixDatagram) -> String {
        manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    #[test]
    fn a_manager_at_a_path_hears_everything() {
        let path = std::env::temp_dir().join(format!("goherd-notify-{}", std::process::id()));
        let manager = UnixDatagram::bind(&path).unwrap();
        let notifier = told(&[(SOCKET, path.to_str().unwrap())]);
        assert!(notifier.ready() && notifier.stopping() && notifier.watchdog() && notifier.reloading());
        assert!(notifier.main_pid(Pid::new(42).unwrap()) && notifier.status("all\nis well"));
        assert_eq!([next(&manager), next(&manager), next(&manager)], ["READY=1", "STOPPING=1", "WATCHDOG=1"]);
        let reloading = next(&manager);
        let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").map(str::parse::<u64>);
        assert!(matches!(micros, Some(Ok(1..))), "{reloading}");
        assert_eq!([next(&manager), next(&manager)], ["MAINPID=42", "STATUS=all is well"]);
        std::fs::remove_file(path).unwrap();
        drop(manager);
        assert!(!notifier.ready(), "it is gone, and that is all");
    }

    #[test]
    fn a_manager_at_an_abstract_name_is_found() {
        let name = format!("goherd-notify-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        assert!(told(&[(SOCKET, &format!("@{name}"))]).ready());
        assert_eq!(next(&manager), "READY=1");
    }

    #[test]
    fn a_manager_that_does_not_listen_is_not_waited_for() {
        let path = std::env::temp_dir().join(format!("goherd-notify-full-{}", std::process::id()));
        let _manager = UnixDatagram::bind(&path).unwrap();
        let notifier = told(&[(SOCKET, path.to_str().unwrap())]);
        while notifier.watchdog() {}
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn without_a_manager_nothing_happens() {
        for address in ["", "@", "relative/path", "vsock:2:1234"] {
            assert!(told(&[(SOCKET, address)]).ready(), "{address}");
        }
        assert!(told(&[]).ready());
        assert_eq!(told(&[]).variables(), []);
    }

    #[test]
    fn the_watchdog_is_told_twice_in_its_time() {
        let (mine, of_init) = (std::process::id().to_string(), "1");
        let interval = |variables: &[_]| told(variables).watchdog_interval();
        let second = Some(Duration::from_secs(1));
        assert_eq!(interval(&[(WATCHDOG_TIME, "2000000")]), second);
        assert_eq!(interval(&[(WATCHDOG_TIME, "2000000"), (WATCHDOG_PROCESS, &mine)]), second);
        assert_eq!(interval(&[(WATCHDOG_TIME, "2000000"), (WATCHDOG_PROCESS, of_init)]), None);
        for bad in ["", "0", "-1", "soon"] {
            assert_eq!(interval(&[(WATCHDOG_TIME, bad)]), None, "{bad}");
        }
    }

    #[test]
    fn what_was_taken_can_be_handed_on() {
        let given = [(SOCKET, "/run/systemd/notify"), (WATCHDOG_TIME, "2000000")];
        assert_eq!(told(&given).variables(), given.map(|(name, value)| (name, OsString::from(value))));
    }
}
