//! The inboxes: a queue for each process, and for each group of them, into which any process puts what is meant for it.
//!
//! There are two kinds. *Messages* are for mules, and are taken when a mule has nothing else to do; *calls* ask a process
//! something, and are taken at once. The queues are the server's, so what waits in them outlives whoever was to take it; they
//! are kept over reloads by their names, and over upgrades.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use goherd_sys::inbox::Inbox;

use crate::{Role, Who};

/// What an inbox is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Messages to mules.
    Messages,
    /// Calls of functions.
    Calls,
}

impl Purpose {
    fn word(self) -> &'static str {
        match self {
            Self::Messages => "message",
            Self::Calls => "call",
        }
    }
}

/// Some mules with a name of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farm {
    /// The name.
    pub name: String,
    /// Their numbers.
    pub mules: Vec<u32>,
}

/// Whom there are to be inboxes for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressees {
    /// How many workers.
    pub workers: u32,
    /// How many mules.
    pub mules: u32,
    /// How many spoolers.
    pub spoolers: u32,
    /// The farms, no two of a name.
    pub farms: Vec<Farm>,
}

/// An inbox with its name.
#[derive(Debug)]
pub struct NamedInbox {
    /// Such as `call:worker1`.
    name: String,
    /// The queue.
    pub inbox: Inbox,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Inboxes {
    inboxes: Vec<Arc<NamedInbox>>,
    farms: Vec<Farm>,
}

impl Addressees {
    fn names(&self) -> Vec<String> {
        let numbered = |role: Role, count: u32| {
            let group = (count > 0).then(|| role.word().to_owned());
            group.into_iter().chain((1..=count).map(move |number| format!("{}{number}", role.word())))
        };
        let mules = || {
            let farms = self.farms.iter().map(|farm| format!("farm_{}", farm.name));
            numbered(Role::Mule, self.mules).chain(farms)
        };
        let with = |purpose: Purpose| move |to: String| format!("{}:{to}", purpose.word());
        let others = numbered(Role::Worker, self.workers).chain(numbered(Role::Spooler, self.spoolers));
        let calls = others.chain(mules()).map(with(Purpose::Calls));
        mules().map(with(Purpose::Messages)).chain(calls).collect()
    }
}

impl Inboxes {
    /// Those that are wanted: the old ones that are called so, with what waits in them, else new ones.
    pub fn renewed(&self, wanted: &Addressees) -> io::Result<Self> {
        let make = |name: String| {
            let old = self.inboxes.iter().find(|old| old.name == name);
            old.map_or_else(
                || Ok(Arc::new(NamedInbox { inbox: Inbox::new()?, name })),
                |old| Ok(Arc::clone(old)),
            )
        };
        let inboxes = wanted.names().into_iter().map(make).collect::<io::Result<_>>()?;
        Ok(Self { inboxes, farms: wanted.farms.clone() })
    }

    /// Those of a master that this one replaces.
    #[must_use]
    pub fn adopt(left: Vec<(String, Inbox)>) -> Self {
        let named = |(name, inbox)| Arc::new(NamedInbox { name, inbox });
        Self { inboxes: left.into_iter().map(named).collect(), farms: Vec::new() }
    }

    /// Their names, with both ends of each.
    pub fn parts(&self) -> impl Iterator<Item = (&str, (BorrowedFd<'_>, BorrowedFd<'_>))> {
        self.inboxes.iter().map(|named| (named.name.as_str(), named.inbox.ends()))
    }

    /// The inbox of whoever is called `to`: `worker1`, `mule`, `mule2`, `farm_NAME`, or the farm of a number, `farm1`. "mule" is
    /// whichever mule takes it first, and so with the other groups.
    #[must_use]
    pub fn find(&self, purpose: Purpose, to: &str) -> Option<&Inbox> {
        let of_number = |digits: &str| {
            let number: usize = digits.parse().ok().filter(|_| !digits.starts_with(['0', '+']))?;
            Some(format!("farm_{}", self.farms.get(number.checked_sub(1)?)?.name))
        };
        let farm = to.strip_prefix("farm").and_then(of_number);
        let to = match to {
            "" | "mule0" => "mule",
            to => farm.as_deref().unwrap_or(to),
        };
        let named = |inbox: &&Arc<NamedInbox>| {
            inbox.name.strip_prefix(purpose.word()).and_then(|name| name.strip_prefix(':')) == Some(to)
        };
        self.inboxes.iter().find(named).map(|inbox| &inbox.inbox)
    }

    /// The inboxes that `who` takes things out of.
    #[must_use]
    pub fn of(&self, purpose: Purpose, who: Who) -> Vec<Arc<NamedInbox>> {
        let word = who.role.word();
        let farms = self
            .farms
            .iter()
            .filter(|farm| who.role == Role::Mule && farm.mules.contains(&who.number))
            .map(|farm| format!("farm_{}", farm.name));
        let all = [format!("{word}{}", who.number)].into_iter().chain(farms).chain([word.to_owned()]);
        let names: Vec<String> = all.map(|to| format!("{}:{to}", purpose.word())).collect();
        self.inboxes.iter().filter(|inbox| names.contains(&inbox.name)).map(Arc::clone).collect()
    }

    /// The farms.
    #[must_use]
    pub fn farms(&self) -> &[Farm] {
        &self.farms
    }
}

#[cfg(test)]
#[cfg(not(miri))]
mod tests {
    use std::os::fd::AsRawFd as _;

    use super::*;

    fn addressees(mules: u32, farms: &[(&str, &[u32])]) -> Addressees {
        let farm = |&(name, mules): &(&str, &[u32])| Farm { name: name.to_owned(), mules: mules.to_vec() };
        Addressees { workers: 2, mules, spoolers: 1, farms: farms.iter().map(farm).collect() }
    }

    fn names(inboxes: &[Arc<NamedInbox>]) -> Vec<&str> {
        inboxes.iter().map(|inbox| inbox.name.as_str()).collect()
    }

    #[test]
    fn each_hears_its_own_inbox_and_those_of_its_groups() {
        let farms: [(&str, &[u32]); 2] = [("mail", &[1, 2]), ("other", &[2])];
        let inboxes = Inboxes::default().renewed(&addressees(2, &farms)).unwrap();
        let of = |purpose, who| {
            let mut found: Vec<String> =
                names(&inboxes.of(purpose, who)).into_iter().map(str::to_owned).collect();
            found.sort_unstable();
            found.join(" ")
        };
        assert_eq!(of(Purpose::Messages, Who::mule(1)), "message:farm_mail message:mule message:mule1");
        assert_eq!(
            of(Purpose::Messages, Who::mule(2)),
            "message:farm_mail message:farm_other message:mule message:mule2"
        );
        assert_eq!(of(Purpose::Calls, Who::worker(2)), "call:worker call:worker2");
        assert_eq!(of(Purpose::Calls, Who::spooler(1)), "call:spooler call:spooler1");
        assert_eq!(of(Purpose::Messages, Who::worker(1)), "");
    }

    #[test]
    fn names_lead_to_inboxes_and_others_to_none() {
        let inboxes = Inboxes::default().renewed(&addressees(2, &[("mail", &[1])])).unwrap();
        let exit = |to: &str| {
            let number = inboxes.find(Purpose::Messages, to)?.ends().1.as_raw_fd();
            inboxes.parts().find(|(_, ends)| ends.1.as_raw_fd() == number)
        };
        let name = |to: &str| exit(to).map(|(name, _)| name.to_owned()).unwrap_or_default();
        for (to, expected) in [
            ("", "message:mule"),
            ("mule", "message:mule"),
            ("mule0", "message:mule"),
            ("mule2", "message:mule2"),
            ("farm_mail", "message:farm_mail"),
            ("farm1", "message:farm_mail"),
        ] {
            assert_eq!(name(to), expected, "{to}");
        }
        for to in ["mule3", "mule02", "farm2", "farm0", "farm01", "farm_", "mail", "worker1", "spooler"] {
            assert!(inboxes.find(Purpose::Messages, to).is_none(), "{to}");
        }
        assert!(inboxes.find(Purpose::Calls, "worker1").is_some());
        assert!(inboxes.find(Purpose::Calls, "worker3").is_none());
        let none = Inboxes::default().renewed(&Addressees { workers: 1, ..Addressees::default() }).unwrap();
        assert!(none.find(Purpose::Messages, "").is_none());
    }

    #[test]
    fn what_waits_is_kept_by_name_over_renewals_and_adoption() {
        let first = Inboxes::default().renewed(&addressees(2, &[])).unwrap();
        first.find(Purpose::Messages, "mule2").unwrap().send(b"kept").unwrap();
        let second = first.renewed(&addressees(3, &[("f", &[3])])).unwrap();
        drop(first);
        let left = second.parts().map(|(name, (entry, exit))| {
            let copy = |end: BorrowedFd<'_>| end.try_clone_to_owned().unwrap();
            (name.to_owned(), Inbox::adopt(copy(entry), copy(exit)))
        });
        let adopted = Inboxes::adopt(left.collect());
        drop(second);
        let third = adopted.renewed(&addressees(2, &[])).unwrap();
        let mut buffer = [0; 8];
        assert_eq!(third.find(Purpose::Messages, "mule2").unwrap().receive(&mut buffer), Some(4));
        assert!(third.find(Purpose::Messages, "mule3").is_none() && third.farms().is_empty());
    }
}
