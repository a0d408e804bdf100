//! One case per row of the table: an example, its effect, and values which are refused.
//!
//! Each example is tried through argv, under each name and the short form, and through an ini file. A row
//! without a case, or a case without a row, fails.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{Kind, OptionRow, Part, all};
use crate::address::Address;
use crate::agenda::Timer;
use crate::alarm::{Alarm, AlarmDoes};
use crate::call::Call;
use crate::config::{CheaperAlgo, Config, LoopEngine};
use crate::draft::Draft;
use crate::request::{Request, parse_with};
use crate::socket::{Owner, Protocol, Socket};

struct Case {
    option: &'static str,
    value: &'static str,
    /// Whether the request shows the effect of the value, and did not before.
    shows: fn(&Request) -> bool,
    /// Values with a part of the sentence which refuses them.
    refused: &'static [(&'static str, &'static str)],
}

fn config(request: &Request) -> &Config {
    match request {
        Request::Run(config) => config,
        other => panic!("expected Run, got {other:?}"),
    }
}

fn serves(request: &Request, address: &Address, protocol: Protocol) -> bool {
    config(request).sockets == [Socket { address: address.clone(), protocol }]
}

fn noted(request: &Request, sentence: &str) -> bool {
    config(request).notes.iter().any(|note| note.contains(sentence))
}

const CASES: &[Case] = &[
    Case {
        option: "mule",
        value: "true",
        shows: |r| config(r).mule == 1,
        refused: &[("script.py", "a mule runs the application, not a script"), ("2", "expected no value")],
    },
    Case {
        option: "mules",
        value: "256",
        shows: |r| config(r).mules == 256 && config(r).all_mules() == 256,
        refused: &[("257", "0 to 256"), ("-1", "0 to 256"), ("x", "0 to 256")],
    },
    Case {
        option: "farm",
        value: "mail:1",
        shows: |r| config(r).farms.iter().any(|farm| farm.name == "mail" && farm.mules == [1]),
        refused: &[
            ("mail", "such as mail:1,2"),
            ("mail:2", "farm mail is to have mule 2, and there are 1 mules"),
            (":1", "a name of 1 to 63"),
        ],
    },
    Case {
        option: "mule-reload-mercy",
        value: "2.5",
        shows: |r| config(r).mule_reload_mercy == Duration::from_millis(2500),
        refused: &[("x", "such as 10 or 0.5")],
    },
    Case {
        option: "http-socket",
        value: ":9090",
        shows: |r| serves(r, &Address::Inet(([0, 0, 0, 0], 9090).into()), Protocol::Http),
        refused: &[
            ("", "expected an address"),
            ("example.com:80", "not looked up"),
            (":99999", "0 to 65535"),
        ],
    },
    Case {
        option: "uwsgi-socket",
        value: "/run/app.sock",
        shows: |r| serves(r, &Address::Unix("/run/app.sock".into()), Protocol::Uwsgi),
        refused: &[("", "expected an address"), ("4000", "write :4000")],
    },
    Case {
        option: "fastcgi-socket",
        value: "@app",
        shows: |r| serves(r, &Address::Abstract("app".to_owned()), Protocol::FastCgi),
        refused: &[("", "expected an address"), ("4000", "write :4000")],
    },
    Case {
        option: "scgi-socket",
        value: "[::1]:4000",
        shows: |r| serves(r, &Address::Inet(([0, 0, 0, 0, 0, 0, 0, 1], 4000).into()), Protocol::Scgi),
        refused: &[("", "expected an address"), ("4000", "write :4000")],
    },
    Case {
        option: "cache-socket",
        value: "127.0.0.1:3031",
        shows: |r| serves(r, &Address::Inet(([127, 0, 0, 1], 3031).into()), Protocol::Cache),
        refused: &[("", "expected an address"), ("3031", "write :3031")],
    },
    Case {
        option: "signal-socket",
        value: "/run/signals",
        shows: |r| serves(r, &Address::Unix("/run/signals".into()), Protocol::Signal),
        refused: &[("", "expected an address")],
    },
    Case {
        option: "rpc-socket",
        value: "@calls",
        shows: |r| serves(r, &Address::Abstract("calls".to_owned()), Protocol::Rpc),
        refused: &[("", "expected an address"), ("@", "expected a name")],
    },
    Case {
        option: "http-enable-proxy-protocol",
        value: "true",
        shows: |r| config(r).http_enable_proxy_protocol,
        refused: &[("v2", "expected true or false")],
    },
    Case {
        option: "chmod-socket",
        value: "666",
        shows: |r| config(r).chmod_socket == Some(0o666),
        refused: &[
            ("", "three octal digits"),
            ("66", "three octal digits"),
            ("1777", "three octal digits"),
            ("698", "three octal digits"),
            ("rw-", "three octal digits"),
            ("00660", "three octal digits"),
        ],
    },
    Case {
        option: "chown-socket",
        value: "www-data:33",
        shows: |r| {
            config(r).chown_socket
                == Some(Owner { user: "www-data".to_owned(), group: Some("33".to_owned()) })
        },
        refused: &[
            ("", "USER or USER:GROUP"),
            (":www-data", "USER or USER:GROUP"),
            ("root:", "USER or USER:GROUP"),
            ("a b", "USER or USER:GROUP"),
            ("a:b:c", "USER or USER:GROUP"),
        ],
    },
    Case {
        option: "http-socket-modifier1",
        value: "11",
        shows: |r| config(r).http_socket_modifier1 == 11,
        refused: &[("5", "expected 11 (Go) or 0"), ("", "expected 11"), ("go", "expected 11")],
    },
    Case {
        option: "listen",
        value: "65535",
        shows: |r| config(r).listen == 65535,
        refused: &[("0", "from 1 to 65535"), ("65536", "from 1 to 65535")],
    },
    Case {
        option: "go-load",
        value: "./app.so",
        shows: |r| config(r).go_load == [Path::new("./app.so")],
        refused: &[("", "expected a path")],
    },
    Case {
        option: "go-args",
        value: "-v --title 'My app'",
        shows: |r| config(r).go_args == ["-v", "--title", "My app"],
        refused: &[("a 'b", "quote")],
    },
    Case {
        option: "goroutines",
        value: "200",
        shows: |r| config(r).goroutines == Some(200),
        refused: &[("0", "from 1 to 65535"), ("many", "whole number")],
    },
    Case {
        option: "loop",
        value: "goroutine",
        shows: |r| config(r).loop_engine == Some(LoopEngine::Goroutines),
        refused: &[("gevent", "expected one of go, goroutine, goroutines"), ("", "expected one of")],
    },
    Case {
        option: "need-app",
        value: "true",
        shows: |r| config(r).need_app,
        refused: &[("maybe", "expected true or false")],
    },
    Case {
        option: "master",
        value: "false",
        shows: |r| noted(r, "always has a master"),
        refused: &[("2", "expected true or false"), ("", "expected true or false")],
    },
    Case {
        option: "processes",
        value: "4",
        shows: |r| config(r).processes == 4,
        refused: &[("banana", "from 1 to 1024"), ("0", "from 1"), ("1025", "to 1024"), ("-1", "from 1")],
    },
    Case {
        option: "chdir",
        value: "/srv",
        shows: |r| config(r).chdir.as_deref() == Some(Path::new("/srv")),
        refused: &[("", "expected a path")],
    },
    Case {
        option: "env",
        value: "A=b=c",
        shows: |r| config(r).env == [("A".to_owned(), "b=c".to_owned())],
        refused: &[("A", "expected NAME=VALUE"), ("=b", "expected NAME=VALUE")],
    },
    Case {
        option: "uid",
        value: "www-data",
        shows: |r| config(r).uid.as_deref() == Some("www-data"),
        refused: &[("", "of a user"), ("a b", "of a user")],
    },
    Case {
        option: "gid",
        value: "33",
        shows: |r| config(r).gid.as_deref() == Some("33"),
        refused: &[("", "of a group")],
    },
    Case {
        option: "pidfile",
        value: "/run/a.pid",
        shows: |r| config(r).pidfile.as_deref() == Some(Path::new("/run/a.pid")),
        refused: &[("", "expected a path")],
    },
    Case {
        option: "go-maxprocs",
        value: "2",
        shows: |r| config(r).go_maxprocs == Some(2),
        refused: &[("0", "from 1 to 65535")],
    },
    Case {
        option: "go-memlimit",
        value: "512",
        shows: |r| config(r).go_memlimit == Some(512),
        refused: &[("0", "from 1"), ("512MiB", "a whole number")],
    },
    Case {
        option: "harakiri",
        value: "0.25",
        shows: |r| config(r).harakiri == Duration::from_millis(250),
        refused: &[("-1", "expected seconds")],
    },
    Case {
        option: "harakiri-grace",
        value: "2",
        shows: |r| config(r).harakiri_grace == Duration::from_secs(2),
        refused: &[("long", "expected seconds")],
    },
    Case {
        option: "max-requests",
        value: "5000",
        shows: |r| config(r).max_requests == 5_000,
        refused: &[("-1", "a whole number from 0 on")],
    },
    Case {
        option: "max-requests-delta",
        value: "4294967295",
        shows: |r| config(r).max_requests_delta == u32::MAX,
        refused: &[("4294967296", "to 4294967295")],
    },
    Case {
        option: "min-worker-lifetime",
        value: "0",
        shows: |r| config(r).min_worker_lifetime == Duration::ZERO,
        refused: &[("", "expected seconds")],
    },
    Case {
        option: "max-worker-lifetime",
        value: "3600",
        shows: |r| config(r).max_worker_lifetime == Duration::from_secs(3_600),
        refused: &[("1h", "expected seconds"), ("5", "must not be less than min-worker-lifetime")],
    },
    Case {
        option: "max-worker-lifetime-delta",
        value: "60",
        shows: |r| config(r).max_worker_lifetime_delta == Duration::from_secs(60),
        refused: &[("x", "expected seconds")],
    },
    Case {
        option: "reload-on-rss",
        value: "256",
        shows: |r| config(r).reload_on_rss == 256,
        refused: &[("256M", "from 0 to 1073741824")],
    },
    Case {
        option: "evil-reload-on-rss",
        value: "512",
        shows: |r| config(r).evil_reload_on_rss == 512,
        refused: &[("-1", "from 0 to 1073741824")],
    },
    Case {
        option: "limit-as",
        value: "4096",
        shows: |r| config(r).limit_as == 4_096,
        refused: &[("4G", "from 0 to 1073741824")],
    },
    Case {
        option: "worker-start-timeout",
        value: "5",
        shows: |r| config(r).worker_start_timeout == Duration::from_secs(5),
        refused: &[("x", "expected seconds")],
    },
    Case {
        option: "worker-reload-mercy",
        value: "0.5",
        shows: |r| config(r).worker_reload_mercy == Duration::from_millis(500),
        refused: &[("x", "expected seconds")],
    },
    Case {
        option: "shutdown-delay",
        value: "5",
        shows: |r| config(r).shutdown_delay == Duration::from_secs(5),
        refused: &[("x", "expected seconds")],
    },
    Case {
        option: "cheaper",
        value: "1",
        shows: |r| config(r).cheaper == 1,
        refused: &[("1025", "from 0 to 1024"), ("2", "more than the 1 there may be (processes)")],
    },
    Case {
        option: "cheaper-initial",
        value: "1",
        shows: |r| config(r).cheaper_initial == Some(1),
        refused: &[("0", "from 1 to 1024"), ("2", "more than the 1 there may be (processes)")],
    },
    Case {
        option: "cheaper-step",
        value: "2",
        shows: |r| config(r).cheaper_step == 2,
        refused: &[("0", "from 1 to 1024")],
    },
    Case {
        option: "cheaper-overload",
        value: "0.5",
        shows: |r| config(r).cheaper_overload == Duration::from_millis(500),
        refused: &[("x", "expected seconds")],
    },
    Case {
        option: "cheaper-algo",
        value: "busyness",
        shows: |r| config(r).cheaper_algo == CheaperAlgo::Busyness,
        refused: &[("spare2", "expected one of spare, busyness")],
    },
    Case {
        option: "cheaper-busyness-max",
        value: "80",
        shows: |r| config(r).cheaper_busyness_max == 80,
        refused: &[("101", "from 1 to 100"), ("20", "must be less than cheaper-busyness-max")],
    },
    Case {
        option: "cheaper-busyness-min",
        value: "10",
        shows: |r| config(r).cheaper_busyness_min == 10,
        refused: &[("100", "from 0 to 99"), ("50", "must be less than cheaper-busyness-max")],
    },
    Case {
        option: "idle",
        value: "3600",
        shows: |r| config(r).idle == Duration::from_secs(3_600),
        refused: &[("x", "expected seconds")],
    },
    Case {
        option: "die-on-idle",
        value: "true",
        shows: |r| config(r).die_on_idle,
        refused: &[("x", "true or false")],
    },
    Case {
        option: "touch-reload",
        value: "/srv/reload",
        shows: |r| config(r).touch_reload == [Path::new("/srv/reload")],
        refused: &[("", "expected a path")],
    },
    Case {
        option: "touch-chain-reload",
        value: "reload",
        shows: |r| config(r).touch_chain_reload == [Path::new("reload")],
        refused: &[("", "expected a path")],
    },
    Case {
        option: "master-fifo",
        value: "/run/app.fifo",
        shows: |r| config(r).master_fifo == [Path::new("/run/app.fifo")],
        refused: &[("", "expected a path")],
    },
    Case { option: "vacuum", value: "true", shows: |r| config(r).vacuum, refused: &[("x", "true or false")] },
    Case {
        option: "umask",
        value: "027",
        shows: |r| config(r).umask == Some(0o027),
        refused: &[("28", "three octal digits"), ("1777", "three octal digits"), ("", "three octal digits")],
    },
    Case {
        option: "add-gid",
        value: "adm",
        shows: |r| config(r).add_gid == ["adm"],
        refused: &[("", "of a group"), ("a b", "of a group")],
    },
    Case {
        option: "chroot",
        value: "/srv/jail",
        shows: |r| config(r).chroot.as_deref() == Some(Path::new("/srv/jail")),
        refused: &[("", "expected a path")],
    },
    Case {
        option: "no-new-privs",
        value: "true",
        shows: |r| config(r).no_new_privs,
        refused: &[("x", "true or false")],
    },
    Case {
        option: "timer",
        value: "7 60",
        shows: |r| config(r).timers == [Timer { signal: 7, every: Duration::from_secs(60), times: 0 }],
        refused: &[
            ("", "expected SIGNAL SECONDS"),
            ("7", "expected SIGNAL SECONDS"),
            ("7 60 3", "expected SIGNAL SECONDS"),
            ("256 60", "numbered from 0 to 255"),
            ("7 0", "are no seconds"),
            ("7 -1", "are no seconds"),
        ],
    },
    Case {
        option: "rbtimer",
        value: "7 60 3",
        shows: |r| config(r).timers == [Timer { signal: 7, every: Duration::from_secs(60), times: 3 }],
        refused: &[("7 60 3 4", "[TIMES]"), ("7 60 -3", "number of times")],
    },
    Case {
        option: "cron",
        value: "0 2 * * mon echo 'good morning'",
        shows: |r| matches!(&config(r).crons[..], [job] if job.command == "echo 'good morning'" && !job.unique),
        refused: &[
            ("", "has 0 fields"),
            ("61 * * * * x", "\"61\" is no minute"),
            ("* * * * *", "expected a command"),
            ("30 2 31 2 * x", "never happens"),
        ],
    },
    Case {
        option: "unique-cron",
        value: "-5 -1 -1 -1 -1 x",
        shows: |r| matches!(&config(r).crons[..], [job] if job.unique && job.cron.as_str() == "-5 -1 -1 -1 -1"),
        refused: &[("* 24 * * * x", "\"24\" is no hour")],
    },
    Case {
        option: "cron2",
        value: "hour=3,unique=1 x y",
        shows: |r| matches!(&config(r).crons[..], [job] if job.unique && job.command == "x y"),
        refused: &[("hour=3", "expected a command"), ("banana=3 x", "none of its keys")],
    },
    Case {
        option: "cron-harakiri",
        value: "9",
        shows: |r| config(r).cron_harakiri == Duration::from_secs(9),
        refused: &[("x", "such as 10 or 0.5")],
    },
    Case {
        option: "cron-timezone",
        value: "Europe/Berlin",
        shows: |r| config(r).cron_timezone.as_deref() == Some("Europe/Berlin"),
        refused: &[("", "expected a time zone")],
    },
    Case {
        option: "fs-signal",
        value: "/etc/app.conf 7",
        shows: |r| config(r).fs_signals == [("/etc/app.conf".into(), 7)],
        refused: &[("/etc/app.conf", "expected PATH SIGNAL"), ("x 256", "numbered from 0 to 255")],
    },
    Case {
        option: "cache2",
        value: "name=pages,items=7,blocksize=128,purge_lru=1",
        shows: |r| {
            let caches: Vec<_> = config(r).all_caches().collect();
            matches!(&caches[..], [pages] if pages.name == "pages" && pages.items == 7 && pages.purge_lru)
        },
        refused: &[
            ("", "is none of its keys"),
            ("name=pages", "items=N"),
            ("items=7,backend=redis", "expected redis://"),
            ("items=banana", "a whole number from 1"),
        ],
    },
    Case {
        option: "cache",
        value: "100",
        shows: |r| config(r).all_caches().any(|cache| cache.name == "default" && cache.items == 100),
        refused: &[("0", "from 1 to 1073741824"), ("", "from 1")],
    },
    Case {
        option: "cache-expire-freq",
        value: "0.5",
        shows: |r| config(r).cache_expire_freq == Duration::from_millis(500),
        refused: &[("x", "such as 10 or 0.5")],
    },
    Case {
        option: "cache-no-expire",
        value: "true",
        shows: |r| config(r).cache_no_expire,
        refused: &[("x", "true or false")],
    },
    Case {
        option: "locks",
        value: "8",
        shows: |r| config(r).locks == 8,
        refused: &[("65536", "from 0 to 65535"), ("-1", "from 0")],
    },
    Case {
        option: "spooler",
        value: "/var/spool/app",
        shows: |r| config(r).spoolers == [Path::new("/var/spool/app")],
        refused: &[("", "expected a folder")],
    },
    Case {
        option: "spooler-processes",
        value: "3",
        shows: |r| config(r).spooler_processes == 3,
        refused: &[("0", "from 1 to 64"), ("65", "from 1 to 64")],
    },
    Case {
        option: "spooler-frequency",
        value: "5",
        shows: |r| config(r).spooler_frequency == 5,
        refused: &[("0", "from 1 to 86400"), ("1.5", "whole number")],
    },
    Case {
        option: "spooler-retries",
        value: "0",
        shows: |r| config(r).spooler_retries == 0,
        refused: &[("-1", "from 0"), ("1000001", "to 1000000")],
    },
    Case {
        option: "spooler-max-tasks",
        value: "100",
        shows: |r| config(r).spooler_max_tasks == 100,
        refused: &[("many", "from 0 on")],
    },
    Case {
        option: "spooler-harakiri",
        value: "2.5",
        shows: |r| config(r).spooler_harakiri == Duration::from_millis(2500),
        refused: &[("-1", "seconds such as")],
    },
    Case {
        option: "spooler-ordered",
        value: "true",
        shows: |r| noted(r, "tasks always run by priority"),
        refused: &[("2", "expected true or false")],
    },
    Case {
        option: "stats",
        value: "127.0.0.1:1717",
        shows: |r| config(r).stats == Some(Address::Inet(([127, 0, 0, 1], 1717).into())),
        refused: &[("", "expected an address"), ("1717", "write :1717")],
    },
    Case {
        option: "stats-http",
        value: "true",
        shows: |r| config(r).stats_http,
        refused: &[("x", "true or false")],
    },
    Case {
        option: "stats-minified",
        value: "true",
        shows: |r| config(r).stats_minified,
        refused: &[("x", "true or false")],
    },
    Case {
        option: "alarm",
        value: "disk cmd:mail -s disk admin",
        shows: |r| {
            let does = AlarmDoes::Command("mail -s disk admin".to_owned());
            config(r).alarms == [Alarm { name: "disk".to_owned(), does }]
        },
        refused: &[
            ("", "expected NAME cmd:COMMAND"),
            ("disk", "expected NAME cmd:COMMAND"),
            ("disk cmd:", "there is no command"),
            ("disk log:x", "takes nothing"),
            ("disk signal:256", "no signal"),
            ("disk signal:", "no signal"),
            ("disk xmpp:admin", "no alarm plugin \"xmpp\""),
        ],
    },
    Case {
        option: "alarm-freq",
        value: "0.5",
        shows: |r| config(r).alarm_freq == Duration::from_millis(500),
        refused: &[("x", "expected"), ("-1", "expected")],
    },
    Case {
        option: "daemonize",
        value: "/var/log/app.log",
        shows: |r| config(r).daemonize.as_deref() == Some(Path::new("/var/log/app.log")),
        refused: &[("", "expected a path")],
    },
    Case {
        option: "no-orphans",
        value: "true",
        shows: |r| noted(r, "workers never outlive the master"),
        refused: &[("x", "true or false")],
    },
    Case { option: "signal-bufsize", value: "65536", shows: |r| noted(r, "128 signals wait"), refused: &[] },
    Case {
        option: "die-on-term",
        value: "true",
        shows: |r| noted(r, "SIGTERM always ends Goherd"),
        refused: &[("x", "true or false")],
    },
    Case {
        option: "buffer-size",
        value: "8192",
        shows: |r| config(r).buffer_size == 8192,
        refused: &[("1023", "from 1024 to 1048576"), ("1048577", "to 1048576")],
    },
    Case {
        option: "limit-request-line",
        value: "128",
        shows: |r| config(r).limit_request_line == 128,
        refused: &[("127", "from 128"), ("1048577", "to 1048576")],
    },
    Case {
        option: "limit-request-fields",
        value: "1000",
        shows: |r| config(r).limit_request_fields == 1000,
        refused: &[("0", "from 1 to 1000"), ("1001", "to 1000")],
    },
    Case {
        option: "limit-request-field-size",
        value: "1048576",
        shows: |r| config(r).limit_request_field_size == 1_048_576,
        refused: &[("127", "from 128"), ("1048577", "to 1048576")],
    },
    Case {
        option: "limit-post",
        value: "18446744073709551615",
        shows: |r| config(r).limit_post == u64::MAX,
        refused: &[
            ("18446744073709551616", "a whole number from 0 on"),
            ("1M", "a whole number"),
            ("-1", "a whole number"),
        ],
    },
    Case {
        option: "http-headers-timeout",
        value: "0.5",
        shows: |r| config(r).http_headers_timeout == Duration::from_millis(500),
        refused: &[("soon", "expected seconds such as 10 or 0.5"), ("", "expected seconds")],
    },
    Case {
        option: "http-keepalive",
        value: "5",
        shows: |r| config(r).http_keepalive == Duration::from_secs(5),
        refused: &[("-1", "expected seconds"), ("31536001", "to 31536000")],
    },
    Case {
        option: "http-keepalive-requests",
        value: "4294967295",
        shows: |r| config(r).http_keepalive_requests == u32::MAX,
        refused: &[("0", "from 1"), ("4294967296", "to 4294967295")],
    },
    Case {
        option: "http-timeout",
        value: "0",
        shows: |r| config(r).http_timeout == Duration::ZERO,
        refused: &[("0.0001", "expected seconds"), ("1e3", "expected seconds")],
    },
    Case {
        option: "socket-timeout",
        value: "4.25",
        shows: |r| config(r).socket_timeout == Duration::from_millis(4_250),
        refused: &[("4s", "expected seconds")],
    },
    Case {
        option: "max-connections",
        value: "1048576",
        shows: |r| config(r).max_connections == Some(1_048_576),
        refused: &[("0", "from 1 to 1048576")],
    },
    Case {
        option: "max-fd",
        value: "64",
        shows: |r| config(r).max_fd == Some(64),
        refused: &[("63", "from 64"), ("unlimited", "a whole number")],
    },
    Case {
        option: "ini",
        value: "/extra.ini:seven",
        shows: |r| config(r).processes == 7,
        refused: &[
            ("", "expected a file"),
            ("a.ini:", "after the colon"),
            ("/gone.ini", "cannot read /gone.ini"),
        ],
    },
    Case {
        option: "strict",
        value: "false",
        shows: |r| !config(r).strict,
        refused: &[("x", "true or false")],
    },
    Case {
        option: "home",
        value: "/srv/venv",
        shows: |r| noted(r, "means nothing to a Go application"),
        refused: &[("", "expected a path")],
    },
    Case {
        option: "check",
        value: "true",
        shows: |r| matches!(r, Request::Check(_)),
        refused: &[("x", "takes no value")],
    },
    Case {
        option: "show-config",
        value: "true",
        shows: |r| matches!(r, Request::ShowConfig(_)),
        refused: &[("x", "takes no value")],
    },
    Case {
        option: "help",
        value: "true",
        shows: |r| matches!(r, Request::Help(_)),
        refused: &[("x", "takes no value")],
    },
    Case {
        option: "version",
        value: "true",
        shows: |r| *r == Request::Version,
        refused: &[("x", "takes no value")],
    },
];

/// What Goherd makes of `words`, with `/case.ini` holding `ini`; the error is the first line of ours.
fn request(words: &[String], ini: &str) -> Result<Request, String> {
    let read = |path: &Path| match path.to_str() {
        Some("/case.ini") => Ok(ini.as_bytes().to_vec()),
        Some("/extra.ini") => Ok(b"[seven]\nprocesses = 7\n".to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    // A farm is one of mules that there are.
    let needs_mules = words.iter().any(|word| word.contains("farm")) || ini.contains("farm");
    let needed = needs_mules.then_some("--mules=1");
    let words = words.iter().map(String::as_str);
    let words = ["goherd"].into_iter().chain(needed).chain(words).map(OsString::from);
    parse_with(&Call::new(words), &read)
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

fn through_ini(name: &str, value: &str) -> Result<Request, String> {
    request(&["/case.ini".to_owned()], &format!("[uwsgi]\n{name} = {value}\n"))
}

/// The case with its row.
fn rows() -> impl Iterator<Item = (&'static Case, &'static OptionRow)> {
    CASES.iter().map(|case| {
        let row = all().find(|row| row.name() == case.option);
        (case, row.unwrap_or_else(|| panic!("{} has a case and no row", case.option)))
    })
}

#[test]
fn each_row_has_one_case() {
    for row in all() {
        let cases = CASES.iter().filter(|case| case.option == row.name()).count();
        assert_eq!(cases, 1, "option {} needs a case in options/cases.rs", row.name());
    }
}

#[test]
fn nothing_shows_before_an_option_is_given() {
    let plain = request(&[], "").unwrap();
    for case in CASES {
        assert!(!(case.shows)(&plain), "{}", case.option);
    }
}

#[test]
fn each_option_works_on_the_command_line() {
    for (case, row) in rows() {
        for name in row.names {
            let (bare, joined) = (format!("--{name}"), format!("--{name}={}", case.value));
            if row.part != Part::Request {
                assert!((case.shows)(&request(&[joined], "").unwrap()), "--{name}=");
            }
            if row.bare().is_none() {
                assert!(
                    (case.shows)(&request(&[bare, case.value.to_owned()], "").unwrap()),
                    "--{name} value"
                );
            } else if row.bare() == Some(case.value) {
                assert!((case.shows)(&request(&[bare], "").unwrap()), "--{name}");
            }
        }
    }
}

#[test]
fn each_short_form_works() {
    for (case, row) in rows() {
        let Some(short) = row.short else { continue };
        let word = match row.part {
            Part::Request => format!("-{short}"),
            _ if row.bare().is_some() => format!("-{short}={}", case.value),
            _ => format!("-{short}{}", case.value),
        };
        assert!((case.shows)(&request(std::slice::from_ref(&word), "").unwrap()), "{word}");
    }
}

#[test]
fn each_option_works_in_an_ini_file_or_says_why_not() {
    for (case, row) in rows() {
        for name in row.names {
            for name in [(*name).to_owned(), name.replace('-', "_")] {
                let request = through_ini(&name, case.value);
                if row.part == Part::Request {
                    assert!(request.unwrap_err().contains("belongs on the command line"), "{name}");
                } else {
                    assert!((case.shows)(&request.unwrap()), "{name}");
                }
            }
        }
    }
}

#[test]
fn each_bad_value_is_refused_with_its_place() {
    for (case, row) in rows() {
        for (value, part) in case.refused {
            let error = request(&[format!("--{}={value}", case.option)], "").unwrap_err();
            let in_place =
                error.starts_with(&format!("--{}", case.option)) || error.starts_with("cannot read");
            assert!(in_place && error.contains(part), "{} {value}: {error}", case.option);
            if row.part != Part::Request {
                let error = through_ini(case.option, value).unwrap_err();
                assert!(error.starts_with("/case.ini:2: ") && error.contains(part), "{value}: {error}");
            }
        }
    }
}

#[test]
fn a_value_may_be_left_out_where_the_row_says_so() {
    let kept = |ini: &str| config(&request(&["/case.ini".to_owned()], ini).unwrap()).http_keepalive;
    assert_eq!(kept("[uwsgi]\nhttp-keepalive = 5\nhttp-keepalive\n"), Duration::from_secs(75));
    let words = ["--http-keepalive=5", "--http-keepalive"].map(str::to_owned);
    assert_eq!(config(&request(&words, "").unwrap()).http_keepalive, Duration::from_secs(75));
    let error = request(&["--http-keepalive", "5"].map(str::to_owned), "").unwrap_err();
    assert!(error.starts_with("unexpected argument 5;") && error.contains("takes it with '='"), "{error}");
}

#[test]
fn the_range_of_each_number_fits_its_field() {
    for row in all() {
        if let Kind::Number { min, max, field } = row.kind {
            let mut draft = Draft::default();
            assert!(min <= max, "{}", row.name());
            field(&mut draft.config).put(max); // panics if it does not
        }
        if let Some(bare) = row.bare() {
            assert_eq!(row.kind.apply(bare, &mut Draft::default()), Ok(()), "{}", row.name());
        }
    }
}

#[test]
fn names_and_letters_are_taken_once_and_texts_are_complete() {
    let mut names: Vec<&str> = all().flat_map(|row| row.names).copied().collect();
    let mut letters: Vec<char> = all().filter_map(|row| row.short).collect();
    let count = (names.len(), letters.len());
    names.sort_unstable();
    names.dedup();
    letters.sort_unstable();
    letters.dedup();
    assert_eq!((names.len(), letters.len()), count);
    for row in all() {
        assert!(!row.help.is_empty() && !row.help.ends_with('.'), "{}", row.name());
        assert_eq!(row.kind.is_flag(), row.value_name.is_empty(), "{}", row.name());
    }
}
