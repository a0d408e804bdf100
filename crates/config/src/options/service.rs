//! Rows: what the server is to the machine: a service, a user, its rights.

use super::{Kind, OptionRow, ROW};

pub const ROWS: &[OptionRow] = &[
    OptionRow {
        names: &["uid"],
        kind: Kind::Name { of: "user", set: |draft, name| draft.config.uid = Some(name) },
        value_name: "USER",
        help: "Run as this user, a name or a number",
        doc: "Workers become this user; the master stays root, to start others. Without `gid` they get the user's own \
              group, and in any case no other group of root's.",
        ..ROW
    },
    OptionRow {
        names: &["gid"],
        kind: Kind::Name { of: "group", set: |draft, name| draft.config.gid = Some(name) },
        value_name: "GROUP",
        help: "Run as this group, a name or a number",
        ..ROW
    },
    OptionRow {
        names: &["add-gid"],
        kind: Kind::Name { of: "group", set: |draft, name| draft.config.add_gid.push(name) },
        value_name: "GROUP",
        list: true,
        help: "Let workers be in this group too, a name or a number",
        doc: "The groups that are named here are all that workers are in besides their own. It takes root.",
        ..ROW
    },
    OptionRow {
        names: &["chroot"],
        kind: Kind::Path(|draft, path| draft.config.chroot = Some(path)),
        value_name: "DIR",
        help: "Make this folder the root of all that workers see of the file system",
        doc: "\
Workers begin in it; master, sockets, pidfile and log stay outside. It takes root, and is for nothing without `uid`: root can
leave again. The application is loaded from the server's copy, so the library need not be there, but the folder needs a `/proc`
(`mount --bind /proc DIR/proc`), and all that the application opens at run time: what its library is linked with other than the
C library and libgo, `/etc/resolv.conf`, `/etc/ssl/certs`, `/usr/share/zoneinfo`.",
        uwsgi: "puts the master into it as well.",
        ..ROW
    },
    OptionRow {
        names: &["no-new-privs"],
        kind: Kind::Flag(|draft, on| draft.config.no_new_privs = on),
        default: Some("false"),
        help: "Let no program that workers start gain rights, such as by a setuid bit (PR_SET_NO_NEW_PRIVS)",
        doc: "`sudo`, `ping` and their like do not work from the application then.",
        uwsgi: "has no such option.",
        ..ROW
    },
    OptionRow {
        names: &["umask"],
        kind: Kind::Mode(|draft, mode| draft.config.umask = Some(mode)),
        value_name: "MASK",
        help: "The permissions that new files do not get, in octal, such as 022",
        doc: "It holds for all that the server and its application make, socket files included; `chmod-socket` goes \
              before it.",
        ..ROW
    },
    OptionRow {
        names: &["pidfile", "safe-pidfile"],
        kind: Kind::Path(|draft, path| draft.config.pidfile = Some(path)),
        value_name: "FILE",
        help: "Write the process id of the master to this file",
        doc: "\
It is written when nothing is left that could keep the server from starting, and is whole at every moment; the file of a server
that runs already stays untouched if this one fails. `vacuum` removes it at the end.",
        uwsgi: "writes `pidfile` before it knows whether it can start, `safe-pidfile` after.",
        ..ROW
    },
    OptionRow {
        names: &["daemonize", "daemonize2"],
        short: Some('d'),
        kind: Kind::Path(|draft, path| draft.config.daemonize = Some(path)),
        value_name: "LOGFILE",
        help: "Go on in the background, with the log in this file",
        doc: "\
All that can be found wrong at the start is still said at the terminal, with exit code 1; the command ends when the server goes
on without it. Lines are added to the file, so that `copytruncate` of logrotate(8) works. A service manager needs no such option, and systemd is better off without.",
        uwsgi: "goes into the background before it looks at most of its options, unless the name is `daemonize2`.",
        ..ROW
    },
];
